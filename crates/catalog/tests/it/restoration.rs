//! What a job published is lost: its file runs again where its bytes still lie.

use crate::backend::{Backend, plugin, simple};
use catalog::{ConcludeOutcome, JobState, Restored};
use protocol::{ArtifactId, JobId, TopicOptions};

async fn restore(backend: &Backend, jobs: &[JobId]) -> Restored {
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    let restored = tx.restore(jobs, &[], backend.now()).await.unwrap();
    tx.commit().await.unwrap();
    restored
}

async fn done() -> (Backend, JobId) {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let job = backend.drain(&["out"]).await[0];
    (backend, job)
}

#[track_caller]
fn refused(restored: &Restored) -> &str {
    assert_eq!((restored.queued, restored.refused.len()), (0, 1), "{restored:?}");
    &restored.refused[0].reason
}

#[tokio::test]
async fn a_lost_result_is_made_again_under_a_new_attempt() {
    let (backend, job) = done().await;
    assert_eq!(restore(&backend, &[job, job]).await.queued, 1, "named twice, queued once");
    assert_eq!(backend.files("out").await, (0, 1), "what it published leaves the topic");
    let again = backend.claim(9).await.remove(0).job;
    assert_eq!((again.id, again.attempt), (job, 2));
    backend.grant(again, &["out"]).await;
    assert_eq!(backend.conclude(again).await, ConcludeOutcome::Completed);
    assert_eq!(backend.files("out").await, (1, 1));
}

#[tokio::test]
async fn bytes_that_are_gone_are_lost_for_good() {
    let (backend, job) = done().await;
    backend.write("a", 2).await;
    assert!(refused(&restore(&backend, &[job]).await).contains("no live path"));
    backend.drain(&["out"]).await;
    backend.delete("a").await;
    assert!(refused(&restore(&backend, &[job]).await).contains("no live path"));
    assert!(refused(&restore(&backend, &[JobId::new(5)]).await).contains("no such job"));
}

#[tokio::test]
async fn a_copy_that_was_skipped_takes_the_place_of_a_file_that_is_gone() {
    let (backend, job) = done().await;
    backend.write("b", 1).await;
    backend.admit().await;
    backend.delete("a").await;
    backend.admit().await;
    assert_eq!(restore(&backend, &[job]).await.queued, 1);
    let copy = backend.drain(&["out"]).await;
    assert!(copy.len() == 1 && copy[0] != job, "{copy:?}");
    assert_eq!(backend.files("out").await, (1, 1));
    assert!(refused(&restore(&backend, &[job]).await).contains("no live path"));
}

#[tokio::test]
async fn what_is_under_way_or_was_overtaken_is_not_queued_twice() {
    let (backend, job) = done().await;
    assert_eq!(restore(&backend, &[job]).await.queued, 1);
    assert!(refused(&restore(&backend, &[job]).await).contains("not COMPLETED"));
    backend.write("a", 2).await;
    backend.drain(&["out"]).await;
    let states = backend.states().await;
    assert_eq!(states, [JobState::Superseded, JobState::Completed]);
    assert_eq!(backend.files("out").await, (1, 1), "the newer version alone is current");
}

#[tokio::test]
async fn rows_of_an_earlier_version_that_a_topic_keeps_cannot_be_made_again() {
    let backend = Backend::fresh().await;
    let all = TopicOptions { history_all: true, ..TopicOptions::default() };
    backend.plugins(&[plugin("p", 1, &[("out", all)])]).await;
    backend.write("a", 1).await;
    let first = backend.drain(&["out"]).await[0];
    backend.write("a", 2).await;
    backend.drain(&["out"]).await;
    assert!(refused(&restore(&backend, &[first]).await).contains("no live path"));
    assert_eq!(backend.files("out").await, (2, 0));
}

#[tokio::test]
async fn a_snapshot_shows_one_moment() {
    let (backend, job) = done().await;
    let mut snapshot = backend.catalog.snapshot().await.unwrap();
    restore(&backend, &[job]).await;
    let artifacts = snapshot.artifacts(ArtifactId::new(0)).await.unwrap();
    assert_eq!(artifacts.iter().map(|one| one.state.as_str()).collect::<Vec<_>>(), ["CURRENT"]);
    assert_eq!(artifacts[0].job_state, Some(JobState::Completed));
    let jobs = snapshot.jobs(JobId::new(0)).await.unwrap();
    assert_eq!((jobs.len(), jobs[0].published.len()), (1, 1));
    assert!(snapshot.artifacts(artifacts[0].id).await.unwrap().is_empty());
    let now = backend.catalog.artifacts_by_job(&[job]).await.unwrap();
    assert_eq!((now[0].state.as_str(), now[0].job_state), ("SUPERSEDED", Some(JobState::Queued)));
}
