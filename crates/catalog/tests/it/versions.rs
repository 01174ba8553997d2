//! Versions and the jobs that are born with them.

use crate::backend::{Backend, hash, simple};
use catalog::{CatalogError, JobState, RecordCounts, Tagged};

fn counts(versions: u64, jobs: u64, skipped: u64) -> RecordCounts {
    RecordCounts { versions, jobs, skipped, stale: 0 }
}

#[tokio::test]
async fn the_same_content_makes_no_version_and_no_job() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    let first = backend.write("a", 1).await;
    assert_eq!(first, counts(1, 1, 0));
    assert_eq!(backend.write("a", 1).await, RecordCounts::default());
    backend.drain(&["out"]).await;
    assert_eq!(backend.write("a", 1).await, RecordCounts::default());
}

#[tokio::test]
async fn f09_two_plugins_both_get_the_file() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1), simple("q", 2)]).await;
    assert_eq!(backend.write("a", 1).await.jobs, 2);
}

#[tokio::test]
async fn f10_a_plugin_that_comes_later_gets_what_is_already_there() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    backend.drain(&["out"]).await;
    let epoch = backend.catalog.routing_table().await.unwrap().epoch;
    assert!(backend.plugins(&[simple("p", 1), simple("q", 2)]).await, "the routing changed");
    assert!(backend.catalog.routing_table().await.unwrap().epoch > epoch);
    assert_eq!(backend.tag("a", 1).await, counts(0, 1, 0));
}

#[tokio::test]
async fn a_changed_plugin_does_not_redo_what_is_done_but_what_failed() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("done", 1).await;
    backend.drain(&["out"]).await;
    backend.write("bad", 2).await;
    let job = backend.claim(1).await.remove(0).job;
    backend.fail(job, catalog::FailNext::Failed).await;
    assert_eq!(backend.tag("bad", 2).await.jobs, 0, "not with the same source");
    backend.plugins(&[simple("p", 9)]).await;
    assert_eq!(backend.tag("done", 1).await.jobs, 0);
    assert_eq!(backend.tag("bad", 2).await.jobs, 1);
}

#[tokio::test]
async fn rules_that_moved_since_the_routing_are_noticed() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.inventory("a", 1).await;
    let todo = backend.location("a").await;
    let epoch = backend.catalog.routing_table().await.unwrap().epoch;
    backend.plugins(&[simple("p", 1), simple("q", 2)]).await;
    let tagged = Tagged {
        location: todo.id,
        seen: todo.stat,
        stat: todo.stat,
        hash: Some(hash(1)),
        racy: false,
        tags: &[],
        plugins: &[],
    };
    let mut tx = backend.catalog.begin_scout().await.unwrap();
    let error = tx.record(&[tagged], epoch, 1).await.unwrap_err();
    assert!(matches!(error, CatalogError::RulesMoved) && error.is_retryable());
}

#[tokio::test]
async fn a_dropped_transaction_leaves_nothing_and_no_file_without_its_job() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.inventory("a", 1).await;
    let todo = backend.location("a").await;
    let table = backend.catalog.routing_table().await.unwrap();
    let plugins = table.plugins.iter().collect::<Vec<_>>();
    let tagged = Tagged {
        location: todo.id,
        seen: todo.stat,
        stat: todo.stat,
        hash: Some(hash(1)),
        racy: false,
        tags: &[],
        plugins: &plugins,
    };
    let mut tx = backend.catalog.begin_scout().await.unwrap();
    tx.record(&[tagged], table.epoch, 1).await.unwrap();
    drop(tx);
    assert!(backend.states().await.is_empty());
    let again = backend.location("a").await;
    assert!(again.dirty && again.current.is_none());
    assert_eq!(backend.tag("a", 1).await.jobs, 1);
}

#[tokio::test]
async fn content_that_is_in_the_topic_is_skipped_at_another_path() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    backend.drain(&["out"]).await;
    assert_eq!(backend.write("b", 1).await, counts(1, 0, 1));
    assert_eq!(backend.states().await, [JobState::Completed, JobState::Skipped]);
}
