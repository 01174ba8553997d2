//! What a person ends: at once, by name, with nothing of it published, until a person wants it again.

use crate::backend::{Backend, plugin, simple};
use catalog::report::{JobFilter, JobRow};
use catalog::{
    Aborted, ConcludeOutcome, FailNext, GrantOutcome, JobState, RefusedJob, RetrySelection,
};
use protocol::{JobId, TopicOptions};

async fn abort(backend: &Backend, jobs: &[JobId]) -> Aborted {
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    let aborted = tx.abort(jobs, "anna@here", backend.now()).await.unwrap();
    tx.commit().await.unwrap();
    aborted
}

async fn row(backend: &Backend, id: JobId) -> JobRow {
    let filter = JobFilter { id: Some(id), limit: 1, ..JobFilter::default() };
    backend.catalog.jobs(&filter).await.unwrap().remove(0)
}

async fn ids(backend: &Backend) -> Vec<JobId> {
    let filter = JobFilter { limit: 100, ..JobFilter::default() };
    let mut ids: Vec<_> =
        backend.catalog.jobs(&filter).await.unwrap().iter().map(|job| job.id).collect();
    ids.reverse();
    ids
}

#[tokio::test]
async fn a_waiting_job_is_aborted_at_once_and_says_when_and_by_whom() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let id = ids(&backend).await[0];
    let aborted = abort(&backend, &[id, id]).await;
    assert_eq!(aborted, Aborted { aborted: 1, ..Aborted::default() }, "named twice is named once");
    let job = row(&backend, id).await;
    assert_eq!((job.state, job.aborted_by.as_deref()), (JobState::Aborted, Some("anna@here")));
    assert!(job.ended_at_us.is_some());
    assert!(backend.claim(9).await.is_empty());
    // Neither another look at the file nor a retry of all that failed takes it up again.
    backend.write("a", 1).await;
    assert_eq!(backend.retry_all().await.queued, 0);
    assert!(backend.claim(9).await.is_empty());
}

#[tokio::test]
async fn a_running_job_that_is_aborted_gets_no_grant_and_its_worker_is_to_be_told() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let job = backend.claim(1).await.remove(0).job;
    assert_eq!(abort(&backend, &[job.id]).await.running, [job]);
    assert!(matches!(backend.grant(job, &["out"]).await, GrantOutcome::Refused { .. }));
    assert!(matches!(backend.conclude(job).await, ConcludeOutcome::Refused { .. }));
    assert!(!backend.fail(job, FailNext::Requeue).await);
    backend.lose(job).await;
    assert_eq!(backend.states().await, [JobState::Aborted]);
    assert_eq!(backend.files("out").await, (0, 0));
}

#[tokio::test]
async fn what_was_granted_goes_on_and_what_has_ended_stays() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let job = backend.claim(1).await.remove(0).job;
    backend.grant(job, &["out"]).await;
    let reason = async |backend: &Backend| {
        let aborted = abort(backend, &[job.id]).await;
        assert_eq!(aborted.aborted, 0);
        aborted.refused[0].reason.clone()
    };
    let committing = "it is COMMITTING: its commit was granted, and it only goes forward";
    assert_eq!(reason(&backend).await, committing);
    assert_eq!(backend.conclude(job).await, ConcludeOutcome::Completed);
    assert_eq!(reason(&backend).await, "it has ended: COMPLETED");
    assert_eq!(backend.files("out").await, (1, 0));
    let unknown = JobId::new(3);
    let refused = abort(&backend, &[unknown]).await.refused;
    assert_eq!(refused, [RefusedJob::new(unknown, "there is no such job")]);
}

#[tokio::test]
async fn an_aborted_job_is_aborted_once_and_a_retry_forgets_who_did_it() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let id = ids(&backend).await[0];
    abort(&backend, &[id]).await;
    let again = abort(&backend, &[id]).await;
    assert_eq!(again.refused, [RefusedJob::new(id, "it is ABORTED already")]);
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    let retried = tx.retry(&RetrySelection::Jobs(vec![id]), backend.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(retried.queued, 1);
    assert_eq!(row(&backend, id).await.aborted_by, None);
    assert_eq!(backend.drain(&["out"]).await, [id]);
}

#[tokio::test]
async fn what_an_aborted_job_held_back_goes_on() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let older = backend.claim(1).await.remove(0).job;
    backend.write("a", 2).await;
    backend.admit().await;
    backend.write("copy", 2).await;
    backend.admit().await;
    assert_eq!(backend.states().await, [JobState::Running, JobState::Pending, JobState::Queued]);
    abort(&backend, &[older.id]).await;
    backend.admit().await;
    let states = backend.states().await;
    assert_eq!(states[0], JobState::Aborted);
    backend.drain(&["out"]).await;
    assert_eq!(backend.catalog.waiting().await.unwrap().held, 0);
    assert_eq!(backend.files("out").await, (1, 0), "once for two paths");
}

#[tokio::test]
async fn a_job_that_waits_for_its_next_attempt_or_another_look_can_be_aborted() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    backend.write("b", 2).await;
    let jobs = backend.claim(2).await;
    backend.fail(jobs[0].job, FailNext::Backoff { not_before_us: 1 }).await;
    backend.fail(jobs[1].job, FailNext::Changed).await;
    let ids: Vec<_> = jobs.iter().map(|job| job.job.id).collect();
    assert_eq!(abort(&backend, &ids).await.aborted, 2);
    backend.admit().await;
    assert_eq!(backend.states().await, [JobState::Aborted, JobState::Aborted]);
}

#[tokio::test]
async fn a_retraction_is_not_aborted() {
    let backend = Backend::fresh().await;
    let options = TopicOptions { retract_on_delete: true, ..TopicOptions::default() };
    let mut leaving = plugin("p", 1, &[("out", options)]);
    leaving.limits.retries = None;
    backend.plugins(&[leaving]).await;
    backend.write("a", 1).await;
    backend.drain(&["out"]).await;
    backend.delete("a").await;
    let retract = *ids(&backend).await.last().unwrap();
    let refused = abort(&backend, &[retract]).await.refused;
    assert!(refused[0].reason.starts_with("it takes the rows of a deleted file"), "{refused:?}");
    backend.admit().await;
    assert_eq!(backend.files("out").await, (0, 1));
}
