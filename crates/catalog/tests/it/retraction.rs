//! Rows of deleted files leave the topics that say so, and come back with the file.

use crate::backend::{Backend, plugin};
use catalog::{ConcludeOutcome, DesiredPlugin, JobState};
use protocol::TopicOptions;

fn retracting(options: TopicOptions) -> DesiredPlugin {
    let options = TopicOptions { retract_on_delete: true, ..options };
    plugin("p", 1, &[("out", options)])
}

async fn fresh(options: TopicOptions) -> Backend {
    let backend = Backend::fresh().await;
    backend.plugins(&[retracting(options)]).await;
    backend
}

#[tokio::test]
async fn what_is_published_after_the_file_was_deleted_leaves_at_once() {
    let backend = fresh(TopicOptions::default()).await;
    backend.write("a", 1).await;
    let job = backend.claim(1).await.remove(0).job;
    backend.grant(job, &["out"]).await;
    backend.delete("a").await;
    backend.admit().await;
    assert_eq!(backend.states().await, [JobState::Committing, JobState::Pending]);
    assert_eq!(backend.conclude(job).await, ConcludeOutcome::Completed);
    assert_eq!(backend.files("out").await, (1, 0));
    backend.admit().await;
    assert_eq!(backend.files("out").await, (0, 1));
    assert_eq!(backend.states().await, [JobState::Completed, JobState::Completed]);
}

#[tokio::test]
async fn what_has_not_started_when_the_file_is_deleted_does_not_start() {
    let backend = fresh(TopicOptions::default()).await;
    backend.write("a", 1).await;
    backend.delete("a").await;
    backend.admit().await;
    assert_eq!(backend.states().await, [JobState::Superseded, JobState::Completed]);
    backend.write("a", 1).await;
    assert_eq!(backend.drain(&["out"]).await.len(), 1, "it came back");
    assert_eq!(backend.files("out").await, (1, 0));
}

#[tokio::test]
async fn a_file_that_is_back_before_the_pass_ends_keeps_its_rows() {
    let backend = fresh(TopicOptions::default()).await;
    backend.write("a", 1).await;
    backend.drain(&["out"]).await;
    backend.delete("a").await;
    backend.write("a", 1).await;
    backend.admit().await;
    assert_eq!(backend.states().await, [JobState::Completed, JobState::Superseded]);
    assert_eq!(backend.files("out").await, (1, 0));
    backend.delete("a").await;
    backend.admit().await;
    assert_eq!(backend.files("out").await, (0, 1), "the second time it stays away");
}

#[tokio::test]
async fn a_copy_that_comes_and_goes_takes_the_rows_with_it_when_it_was_the_last() {
    let backend = fresh(TopicOptions::default()).await;
    backend.write("a", 1).await;
    backend.drain(&["out"]).await;
    backend.write("b", 1).await;
    backend.delete("b").await;
    backend.drain(&["out"]).await;
    assert_eq!(backend.files("out").await, (1, 0), "a is still there");
    backend.write("b", 1).await;
    backend.delete("a").await;
    backend.drain(&["out"]).await;
    assert_eq!(backend.files("out").await, (1, 0), "b is there again");
    backend.delete("b").await;
    backend.drain(&["out"]).await;
    assert_eq!(backend.files("out").await, (0, 1));
}

#[tokio::test]
async fn the_rows_of_an_earlier_version_leave_too_when_the_later_one_failed() {
    let backend = fresh(TopicOptions::default()).await;
    backend.write("a", 1).await;
    backend.drain(&["out"]).await;
    backend.write("a", 2).await;
    backend.admit().await;
    let job = backend.claim(1).await.remove(0).job;
    backend.fail(job, catalog::FailNext::Failed).await;
    assert_eq!(backend.files("out").await, (1, 0));
    backend.delete("a").await;
    backend.admit().await;
    assert_eq!(backend.files("out").await, (0, 1));
}

#[tokio::test]
async fn with_dedup_off_each_path_takes_its_own_rows_and_brings_them_back() {
    let backend = fresh(TopicOptions { dedup: false, ..TopicOptions::default() }).await;
    backend.write("a", 1).await;
    backend.write("b", 1).await;
    backend.drain(&["out"]).await;
    assert_eq!(backend.files("out").await, (2, 0));
    backend.delete("a").await;
    backend.admit().await;
    assert_eq!(backend.files("out").await, (1, 1));
    backend.write("a", 1).await;
    backend.drain(&["out"]).await;
    assert_eq!(backend.files("out").await, (2, 1));
}

#[tokio::test]
async fn a_topic_that_stays_does_not_get_the_rows_twice_when_the_file_is_back() {
    let backend = Backend::fresh().await;
    let out = TopicOptions { retract_on_delete: true, ..TopicOptions::default() };
    backend.plugins(&[plugin("p", 1, &[("out", out), ("kept", TopicOptions::default())])]).await;
    backend.write("a", 1).await;
    backend.drain(&["out", "kept"]).await;
    backend.delete("a").await;
    backend.admit().await;
    assert_eq!((backend.files("out").await, backend.files("kept").await), ((0, 1), (1, 0)));
    backend.write("a", 1).await;
    backend.drain(&["out", "kept"]).await;
    assert_eq!((backend.files("out").await, backend.files("kept").await), ((1, 1), (1, 1)));
}

#[tokio::test]
async fn with_all_history_every_version_of_the_deleted_file_leaves() {
    let backend = fresh(TopicOptions { history_all: true, ..TopicOptions::default() }).await;
    backend.write("a", 1).await;
    backend.drain(&["out"]).await;
    backend.write("a", 2).await;
    backend.drain(&["out"]).await;
    assert_eq!(backend.files("out").await, (2, 0));
    backend.delete("a").await;
    backend.admit().await;
    assert_eq!(backend.files("out").await, (0, 2));
}

#[tokio::test]
async fn a_deletion_said_twice_is_one() {
    let backend = fresh(TopicOptions::default()).await;
    backend.write("a", 1).await;
    backend.drain(&["out"]).await;
    let location = backend.location("a").await.id;
    for _ in 0..2 {
        let mut tx = backend.catalog.begin_scout().await.unwrap();
        tx.mark_deleted(&[location, location], backend.now()).await.unwrap();
        tx.commit().await.unwrap();
        backend.admit().await;
    }
    assert_eq!(backend.states().await, [JobState::Completed, JobState::Completed]);
    assert_eq!(backend.files("out").await, (0, 1));
}

#[tokio::test]
async fn an_ignored_file_leaves_the_inventory_and_its_rows_stay() {
    let backend = fresh(TopicOptions::default()).await;
    backend.write("a", 1).await;
    backend.drain(&["out"]).await;
    let location = backend.location("a").await.id;
    let mut tx = backend.catalog.begin_scout().await.unwrap();
    tx.mark_ignored(&[location], backend.now()).await.unwrap();
    tx.commit().await.unwrap();
    backend.admit().await;
    assert_eq!(backend.files("out").await, (1, 0));
    assert_eq!(backend.catalog.status().await.unwrap().files, 0);
}
