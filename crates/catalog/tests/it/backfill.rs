//! Files that were processed before, once more: in their own lane, in the place of what was there.

use crate::backend::{Backend, simple};
use catalog::report::JobFilter;
use catalog::{BackfillFile, BackfillStep, FailNext, JobState, Lane, SubscribedPlugin};
use protocol::LocationId;

async fn plugin(backend: &Backend) -> SubscribedPlugin {
    backend.catalog.routing_table().await.unwrap().plugins.remove(0)
}

async fn files(backend: &Backend) -> Vec<BackfillFile> {
    let plugin = plugin(backend).await;
    backend.catalog.backfill_files(&plugin, LocationId::new(0), 100).await.unwrap()
}

/// As the Sentinel does it: whatever has no result of the version in force.
async fn backfill(backend: &Backend) -> u64 {
    let steps = files(backend).await.into_iter().filter_map(|file| {
        match file.jobs.iter().rfind(|job| job.is_active) {
            None => Some(BackfillStep::New(file.version)),
            Some(job) if job.state.is_end() && !job.is_done => Some(BackfillStep::Again(job.id)),
            Some(_) => None,
        }
    });
    let steps = steps.collect::<Vec<_>>();
    let plugin = plugin(backend).await;
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    let made = tx.backfill(&plugin, &steps, backend.now()).await.unwrap();
    assert_eq!(tx.backfill(&plugin, &steps, backend.now()).await.unwrap(), 0, "once");
    tx.commit().await.unwrap();
    made
}

/// Of the current file of each path in the topic: the plugin's source.
async fn sources_in_topic(backend: &Backend) -> Vec<u8> {
    let filter = JobFilter { limit: 100, ..JobFilter::default() };
    let mut sources = Vec::new();
    for job in backend.catalog.jobs(&filter).await.unwrap() {
        let artifacts = backend.catalog.artifacts_of(job.id).await.unwrap();
        let current = artifacts.iter().filter(|one| one.state == "CURRENT").count();
        sources.extend(std::iter::repeat_n(job.plugin_version[0], current));
    }
    sources
}

#[tokio::test]
async fn new_rows_take_the_place_of_the_old_ones_and_a_second_backfill_does_nothing() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    backend.write("b", 2).await;
    backend.drain(&["out"]).await;
    assert_eq!(backfill(&backend).await, 0);
    backend.plugins(&[simple("p", 2)]).await;
    assert_eq!(backfill(&backend).await, 2);
    assert_eq!(backfill(&backend).await, 0, "they are under way");
    backend.admit().await;
    let there = backend.catalog.opportunities(backend.now()).await.unwrap();
    assert_eq!((there.fresh, there.backfill), (false, true));
    assert_eq!(backend.catalog.waiting().await.unwrap().queued_backfill, 2);
    backend.drain(&["out"]).await;
    assert_eq!(sources_in_topic(&backend).await, [2, 2]);
    assert_eq!(backend.files("out").await, (2, 2));
    assert_eq!(backfill(&backend).await, 0);
}

#[tokio::test]
async fn copies_are_processed_once() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    backend.write("copy", 1).await;
    backend.drain(&["out"]).await;
    backend.plugins(&[simple("p", 2)]).await;
    backfill(&backend).await;
    assert_eq!(backend.drain(&["out"]).await.len(), 1);
    backend.admit().await;
    let states = backend.states().await;
    assert_eq!(states.iter().filter(|state| **state == JobState::Skipped).count(), 2, "{states:?}");
    assert_eq!(sources_in_topic(&backend).await, [2]);
}

/// It was left for the sake of another path, which is gone: nothing that happens to the first one is a reason to take it away.
#[tokio::test]
async fn what_another_path_held_last_stays_whatever_becomes_of_the_one_that_held_it_first() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    backend.drain(&["out"]).await;
    backend.write("copy", 1).await;
    backend.write("a", 2).await;
    backend.drain(&["out"]).await;
    backend.delete("copy").await;
    backend.drain(&["out"]).await;
    assert_eq!(sources_in_topic(&backend).await, [1, 1]);
    backend.plugins(&[simple("p", 2)]).await;
    assert_eq!(backfill(&backend).await, 1);
    backend.drain(&["out"]).await;
    assert_eq!(sources_in_topic(&backend).await, [2, 1]);
    backend.write("a", 3).await;
    backend.drain(&["out"]).await;
    assert_eq!(sources_in_topic(&backend).await, [2, 1]);
}

#[tokio::test]
async fn a_backfill_replaces_what_was_before_where_the_present_version_had_failed() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    backend.drain(&["out"]).await;
    backend.write("a", 2).await;
    backend.admit().await;
    let job = backend.claim(1).await[0].job;
    assert!(backend.fail(job, FailNext::Failed).await);
    assert_eq!(sources_in_topic(&backend).await, [1]);
    backend.plugins(&[simple("p", 2)]).await;
    backfill(&backend).await;
    backend.drain(&["out"]).await;
    assert_eq!(sources_in_topic(&backend).await, [2]);
}

#[tokio::test]
async fn a_source_that_is_back_brings_its_rows_back() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    backend.write("copy", 1).await;
    backend.drain(&["out"]).await;
    for source in [2, 1, 2] {
        backend.plugins(&[simple("p", source)]).await;
        assert!(backfill(&backend).await > 0);
        backend.drain(&["out"]).await;
        backend.admit().await;
        assert_eq!(sources_in_topic(&backend).await, [source]);
        assert_eq!(backfill(&backend).await, 0);
    }
}

#[tokio::test]
async fn a_file_that_is_rewritten_while_its_backfill_waits_is_processed_as_it_is_then() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    backend.drain(&["out"]).await;
    backend.plugins(&[simple("p", 2)]).await;
    backfill(&backend).await;
    backend.admit().await;
    backend.write("a", 2).await;
    backend.drain(&["out"]).await;
    backend.admit().await;
    let states = backend.states().await;
    assert_eq!(states, [JobState::Completed, JobState::Superseded, JobState::Completed]);
    assert_eq!(backend.files("out").await.0, 1);
    let filter = JobFilter { limit: 1, ..JobFilter::default() };
    assert_eq!(backend.catalog.jobs(&filter).await.unwrap()[0].lane, Lane::Fresh);
}

#[tokio::test]
async fn results_that_cannot_be_made_anew_are_named() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    for (path, content) in [("a", 1), ("copy", 1), ("gone", 2)] {
        backend.write(path, content).await;
    }
    backend.drain(&["out"]).await;
    let gone = async || {
        let plugin = plugin(&backend).await;
        let gone = backend.catalog.gone_versions("p", plugin.manifest, None, 100).await.unwrap();
        gone.into_iter().map(|one| String::from_utf8(one.file.path).unwrap()).collect::<Vec<_>>()
    };
    backend.delete("a").await;
    backend.delete("gone").await;
    assert!(gone().await.is_empty(), "they are of the version in force");
    backend.plugins(&[simple("p", 2)]).await;
    assert_eq!(gone().await, ["gone"], "the other has a copy");
    let there = files(&backend).await;
    assert_eq!(there.iter().map(|file| file.path.as_slice()).collect::<Vec<_>>(), [b"copy"]);
}
