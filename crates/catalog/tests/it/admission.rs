//! Jobs that are held, and what releases them.

use crate::backend::{Backend, plugin, simple};
use catalog::{FailNext, JobState};
use protocol::TopicOptions;

#[tokio::test]
async fn a_newer_version_waits_for_the_older_one_in_flight() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let old = backend.claim(1).await.remove(0).job;
    backend.grant(old, &["out"]).await;
    backend.write("a", 2).await;
    assert_eq!(backend.admit().await, 0);
    assert_eq!(backend.states().await, [JobState::Committing, JobState::Pending]);
    backend.conclude(old).await;
    assert_eq!(backend.admit().await, 1);
    backend.drain(&["out"]).await;
    assert_eq!(backend.files("out").await, (1, 1));
}

#[tokio::test]
async fn an_older_version_that_has_not_started_is_superseded() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    backend.write("a", 2).await;
    backend.admit().await;
    assert_eq!(backend.states().await, [JobState::Superseded, JobState::Queued]);
}

#[tokio::test]
async fn the_same_bytes_elsewhere_wait_for_the_first_copy() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    backend.write("b", 1).await;
    backend.admit().await;
    assert_eq!(backend.states().await, [JobState::Queued, JobState::Pending]);
    backend.drain(&["out"]).await;
    assert_eq!(backend.states().await, [JobState::Completed, JobState::Skipped]);
}

#[tokio::test]
async fn when_the_first_copy_fails_the_next_one_is_tried() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    backend.write("b", 1).await;
    backend.admit().await;
    let job = backend.claim(1).await.remove(0).job;
    backend.fail(job, FailNext::Failed).await;
    backend.drain(&["out"]).await;
    assert_eq!(backend.states().await, [JobState::Failed, JobState::Completed]);
}

#[tokio::test]
async fn rewrites_wait_for_the_end_of_the_pass() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    backend.drain(&["out"]).await;
    let mut tx = backend.catalog.begin_scout().await.unwrap();
    tx.set_pass_open_until(i64::MAX).await.unwrap();
    tx.commit().await.unwrap();
    backend.write("a", 2).await;
    assert_eq!(backend.admit().await, 0);
    let mut tx = backend.catalog.begin_scout().await.unwrap();
    tx.set_pass_open_until(0).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(backend.admit().await, 1);
}

#[tokio::test]
async fn a_rewrite_to_content_that_is_there_already_leaves_only_that() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    backend.write("b", 2).await;
    backend.drain(&["out"]).await;
    backend.write("a", 2).await;
    backend.drain(&["out"]).await;
    assert_eq!(backend.states().await.last(), Some(&JobState::Skipped));
    assert_eq!(backend.files("out").await, (1, 1), "the first content of a has left");
}

#[tokio::test]
async fn two_files_that_swap_their_contents_lose_nothing() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    backend.write("b", 2).await;
    backend.drain(&["out"]).await;
    backend.write("a", 2).await;
    backend.write("b", 1).await;
    backend.drain(&["out"]).await;
    assert_eq!(backend.files("out").await, (2, 0));
}

#[tokio::test]
async fn a_changed_file_is_tried_again_only_after_the_tagger_looked() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let job = backend.claim(1).await.remove(0).job;
    backend.fail(job, FailNext::Changed).await;
    assert_eq!(backend.admit().await, 0);
    let looked_for = backend.catalog.changed_holds(&backend.roots().await, None, 10).await.unwrap();
    assert_eq!(looked_for.len(), 1);
    backend.tag("a", 1).await;
    assert_eq!(backend.admit().await, 1, "the same content after all");
    let job = backend.claim(1).await.remove(0).job;
    backend.fail(job, FailNext::Changed).await;
    backend.write("a", 2).await;
    backend.drain(&["out"]).await;
    assert_eq!(backend.states().await, [JobState::Superseded, JobState::Completed]);
}

#[tokio::test]
async fn a_changed_file_that_is_gone_is_superseded() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let job = backend.claim(1).await.remove(0).job;
    backend.fail(job, FailNext::Changed).await;
    backend.delete("a").await;
    backend.admit().await;
    assert_eq!(backend.states().await, [JobState::Superseded]);
    assert_eq!(backend.write("a", 1).await.versions, 1, "it comes back with the same content");
    backend.drain(&["out"]).await;
    assert_eq!(backend.states().await, [JobState::Superseded, JobState::Completed]);
}

fn retracting() -> catalog::DesiredPlugin {
    let options = TopicOptions { retract_on_delete: true, ..TopicOptions::default() };
    plugin("p", 1, &[("out", options), ("kept", TopicOptions::default())])
}

#[tokio::test]
async fn a_deleted_file_retracts_its_rows_where_the_topic_says_so() {
    let backend = Backend::fresh().await;
    backend.plugins(&[retracting()]).await;
    backend.write("a", 1).await;
    backend.drain(&["out", "kept"]).await;
    backend.delete("a").await;
    backend.admit().await;
    assert_eq!(backend.files("out").await, (0, 1));
    assert_eq!(backend.files("kept").await, (1, 0));
    backend.write("a", 1).await;
    backend.drain(&["out", "kept"]).await;
    assert_eq!(backend.files("out").await.0, 1, "it came back");
}

#[tokio::test]
async fn a_rename_keeps_its_rows() {
    let backend = Backend::fresh().await;
    backend.plugins(&[retracting()]).await;
    backend.write("a", 1).await;
    backend.drain(&["out"]).await;
    backend.write("b", 1).await;
    backend.delete("a").await;
    backend.drain(&["out"]).await;
    assert_eq!(backend.files("out").await, (1, 0));
    backend.delete("b").await;
    backend.drain(&["out"]).await;
    assert_eq!(backend.files("out").await, (0, 1));
}
