//! Jobs that commit together and share a file.

use crate::backend::{Backend, output, simple};
use catalog::{ConcludeOutcome, GrantOutcome, JobState};
use protocol::{
    Commit, CommitId, JobAttempt, OutputFileId, ReadyJob, StagedOutput, final_name, staged_name,
};

/// Each with one row, in the order of the jobs.
pub fn pack(commit: i64, jobs: &[JobAttempt]) -> Vec<ReadyJob> {
    let commit = Commit::pack(CommitId::new(commit));
    let ready = jobs.iter().enumerate().map(|(place, job)| {
        let output = StagedOutput {
            staged: staged_name(&"w".parse().unwrap(), commit),
            final_name: final_name(commit),
            row_start: place as u64,
            ..output(*job, "out")
        };
        ReadyJob { job: job.id, attempt: job.attempt, commit_id: commit.id, outputs: vec![output] }
    });
    ready.collect()
}

fn is_granted(outcome: &GrantOutcome) -> bool {
    matches!(outcome, GrantOutcome::Granted { .. })
}

impl Backend {
    pub async fn running(&self, paths: &[&str]) -> Vec<JobAttempt> {
        for (content, path) in (1..).zip(paths) {
            self.write(path, content).await;
        }
        self.claim(paths.len()).await.into_iter().map(|claimed| claimed.job).collect()
    }

    pub async fn grant_all(&self, ready: &[ReadyJob]) -> Vec<GrantOutcome> {
        let mut tx = self.catalog.begin_sentinel(self.epoch).await.unwrap();
        let outcomes = tx.grant(ready, &self.session, self.now()).await.unwrap();
        tx.commit().await.unwrap();
        outcomes
    }

    pub async fn to_retire(&self) -> usize {
        let mut tx = self.catalog.begin_sentinel(self.epoch).await.unwrap();
        tx.retirements(10).await.unwrap().len()
    }
}

#[tokio::test]
async fn a_pack_is_granted_whole_and_again_with_the_same_answer() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    let jobs = backend.running(&["a", "b", "c"]).await;
    for _ in 0..2 {
        let outcomes = backend.grant_all(&pack(77, &jobs)).await;
        assert!(outcomes.iter().all(is_granted), "{outcomes:?}");
    }
    for job in &jobs {
        assert_eq!(backend.conclude(*job).await, ConcludeOutcome::Completed);
    }
    let mut snapshot = backend.catalog.snapshot().await.unwrap();
    let files = snapshot.current_files("out", "parquet://out", OutputFileId::new(0)).await;
    let files = files.unwrap();
    assert_eq!((files.len(), files[0].rows, files[0].artifacts), (1, 3, 3));
    assert_eq!(files[0].file, "part-77.parquet");
}

#[tokio::test]
async fn where_one_job_is_refused_the_others_wait_for_another_pack() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    let jobs = backend.running(&["a", "b", "c"]).await;
    backend.write("b", 9).await;
    let outcomes = backend.grant_all(&pack(77, &jobs)).await;
    assert_eq!(outcomes[0], GrantOutcome::Deferred);
    assert!(matches!(outcomes[1], GrantOutcome::Refused { .. }), "{outcomes:?}");
    assert_eq!(outcomes[2], GrantOutcome::Deferred);
    let rest = [jobs[0], jobs[2]];
    let outcomes = backend.grant_all(&pack(78, &rest)).await;
    assert!(outcomes.iter().all(is_granted), "{outcomes:?}");
}

#[tokio::test]
async fn a_number_that_was_used_before_is_refused_and_the_jobs_run_again() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    let jobs = backend.running(&["a", "b"]).await;
    assert!(is_granted(&backend.grant_all(&pack(77, &jobs[..1])).await[0]));
    let outcome = backend.grant_all(&pack(77, &jobs[1..])).await.remove(0);
    assert!(matches!(outcome, GrantOutcome::Refused { .. }), "{outcome:?}");
    assert_eq!(backend.states().await, [JobState::Committing, JobState::Queued]);
    // What was granted in one pack is not granted in another one.
    let again = backend.grant_all(&pack(78, &jobs[..1])).await.remove(0);
    assert!(matches!(again, GrantOutcome::Refused { .. }), "{again:?}");
}

#[tokio::test]
async fn a_shared_file_moves_when_nobody_needs_it_any_more() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    let jobs = backend.running(&["a", "b"]).await;
    backend.grant_all(&pack(77, &jobs)).await;
    for job in &jobs {
        backend.conclude(*job).await;
    }
    backend.write("a", 8).await;
    backend.drain(&["out"]).await;
    assert_eq!(backend.to_retire().await, 0, "the other job's rows are in it");
    let mut snapshot = backend.catalog.snapshot().await.unwrap();
    let files = snapshot.current_files("out", "parquet://out", OutputFileId::new(0)).await;
    let shared = &files.unwrap()[0];
    let hidden = snapshot.hidden_jobs(&[shared.id]).await.unwrap();
    drop(snapshot);
    assert_eq!(hidden[&shared.id], [jobs[0].id].into(), "at once");
    backend.write("b", 9).await;
    backend.drain(&["out"]).await;
    assert_eq!(backend.to_retire().await, 1);
}

#[tokio::test]
async fn the_jobs_of_a_pack_are_recovered_together_and_each_may_be_lost() {
    let backend = Backend::fresh().await;
    let other = backend.worker("other").await;
    backend.plugins(&[simple("p", 1)]).await;
    let jobs = backend.running(&["a", "b", "c", "d"]).await;
    backend.grant_all(&pack(77, &jobs[..3])).await;
    backend.grant(jobs[3], &["out"]).await;
    backend.conclude(jobs[0]).await;
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    let recovery = tx.begin_recovery(jobs[1], &other).await.unwrap().unwrap();
    assert_eq!((recovery.number, recovery.commit), (1, CommitId::new(77)));
    assert_eq!(recovery.jobs, jobs[1..3]);
    assert!(tx.lost(jobs[2], 1).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(backend.conclude_as(jobs[1], &other).await, ConcludeOutcome::Completed);
    assert_eq!(backend.to_retire().await, 0);
    let commit = Commit::pack(CommitId::new(77));
    assert!(!backend.catalog.is_committing(commit).await.unwrap());
    assert!(backend.catalog.is_committing(jobs[3].into()).await.unwrap());
    let states = backend.states().await;
    assert_eq!(states[2..], [JobState::Queued, JobState::Committing]);
}
