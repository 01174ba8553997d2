//! Files that are written anew: without rows that nobody needs, and several as one.

use crate::backend::{Backend, simple};
use crate::packs::pack;
use catalog::report::FileProof;
use catalog::{CompactionPlan, ConcludeOutcome, GrantOutcome};
use protocol::{
    Commit, JobAttempt, OutputFileId, ReadyJob, Retirement, SessionToken, StagedOutput, final_name,
    staged_name,
};
use std::collections::HashSet;

impl Backend {
    /// One shared file of jobs that are done.
    async fn shared(&self, commit: i64, paths: &[&str]) -> Vec<JobAttempt> {
        let jobs = self.running(paths).await;
        self.grant_all(&pack(commit, &jobs)).await;
        for job in &jobs {
            assert_eq!(self.conclude(*job).await, ConcludeOutcome::Completed);
        }
        jobs
    }

    async fn plan(&self) -> Option<CompactionPlan> {
        self.plan_but(&HashSet::new()).await
    }

    async fn plan_but(&self, but: &HashSet<OutputFileId>) -> Option<CompactionPlan> {
        let mut tx = self.catalog.begin_sentinel(self.epoch).await.unwrap();
        let plan = tx.plan_compaction(but, true, self.now()).await.unwrap();
        tx.commit().await.unwrap();
        plan
    }

    async fn grant_plan(&self, plan: &CompactionPlan, ready: &ReadyJob) -> GrantOutcome {
        let mut tx = self.catalog.begin_sentinel(self.epoch).await.unwrap();
        let granted = tx.grant_compaction(ready, Some(plan), &self.session, self.now());
        let granted = granted.await.unwrap();
        tx.commit().await.unwrap();
        granted
    }

    async fn conclude_plan(&self, job: JobAttempt, session: &SessionToken) -> ConcludeOutcome {
        let mut tx = self.catalog.begin_sentinel(self.epoch).await.unwrap();
        let concluded = tx.conclude_compaction(job, session).await.unwrap();
        tx.commit().await.unwrap();
        concluded
    }

    /// From the plan to its end.
    async fn compact(&self, plan: &CompactionPlan) {
        assert_eq!(self.grant_plan(plan, &staged(plan)).await, granted());
        let concluded = self.conclude_plan(plan.order.job(), &self.session).await;
        assert_eq!(concluded, ConcludeOutcome::Completed);
    }

    async fn current(&self) -> Vec<FileProof> {
        let mut snapshot = self.catalog.snapshot().await.unwrap();
        let files = snapshot.current_files("out", "parquet://out", OutputFileId::new(0)).await;
        files.unwrap()
    }

    async fn leaving(&self) -> Vec<Retirement> {
        let mut tx = self.catalog.begin_sentinel(self.epoch).await.unwrap();
        tx.retirements(100).await.unwrap()
    }

    /// A file that is shared with a job whose rows were replaced.
    async fn with_hidden_rows() -> (Self, Vec<JobAttempt>) {
        let backend = Self::fresh().await;
        backend.plugins(&[simple("p", 1)]).await;
        let jobs = backend.shared(77, &["a", "b", "c"]).await;
        backend.write("b", 8).await;
        backend.drain(&["out"]).await;
        (backend, jobs)
    }
}

fn granted() -> GrantOutcome {
    GrantOutcome::Granted { supersede: Vec::new() }
}

fn staged(plan: &CompactionPlan) -> ReadyJob {
    let commit = Commit::pack(plan.order.id);
    let output = StagedOutput {
        topic: plan.order.topic.clone(),
        uri: plan.order.uri.clone(),
        staged: staged_name(&"w".parse().unwrap(), commit),
        final_name: final_name(commit),
        rows: plan.order.rows(),
        ..crate::backend::output(plan.order.job(), "out")
    };
    let JobAttempt { id, attempt } = plan.order.job();
    ReadyJob { job: id, attempt, commit_id: plan.order.id, outputs: vec![output] }
}

fn rows(plan: &CompactionPlan) -> Vec<Vec<(u64, u64)>> {
    plan.order.sources.iter().map(|source| source.rows.clone()).collect()
}

#[tokio::test]
async fn a_file_is_written_anew_without_the_rows_that_were_replaced() {
    let (backend, jobs) = Backend::with_hidden_rows().await;
    let plan = backend.plan().await.unwrap();
    assert_eq!(rows(&plan), [vec![(0, 1), (2, 1)]], "those of the first and the third job");
    assert_eq!(plan.order.sources[0].file, "part-77.parquet");
    backend.compact(&plan).await;
    let current = backend.current().await;
    let made = current.iter().find(|file| file.commit.id == plan.order.id).unwrap();
    assert_eq!((current.len(), made.rows, made.artifacts), (2, 2, 2));
    let shares = backend.catalog.snapshot().await.unwrap().shares(&[made.id]).await.unwrap();
    let of_jobs = shares[&made.id].iter().map(|share| share.job).collect::<Vec<_>>();
    assert_eq!(of_jobs, [jobs[0].id, jobs[2].id]);
    let leaving = backend.leaving().await;
    assert_eq!(leaving.len(), 1);
    assert_eq!((leaving[0].file.as_str(), leaving[0].copied), ("part-77.parquet", false));
    assert_eq!(backend.plan().await, None);
}

#[tokio::test]
async fn eight_small_files_of_one_place_become_one_and_are_not_kept() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    for (content, commit) in (1..).zip(100..107) {
        backend.write(&format!("f{commit}"), content).await;
        backend.drain(&["out"]).await;
    }
    assert_eq!(backend.plan().await, None, "seven are too few");
    backend.write("f107", 8).await;
    backend.drain(&["out"]).await;
    assert_eq!(backend.catalog.waiting().await.unwrap().compactions, 1);
    let plan = backend.plan().await.unwrap();
    assert_eq!(rows(&plan), vec![vec![(0, 1)]; 8]);
    let busy = plan.files.iter().copied().collect();
    assert_eq!(backend.plan_but(&busy).await, None, "somebody is at them");
    backend.compact(&plan).await;
    let current = backend.current().await;
    assert_eq!((current.len(), current[0].rows, current[0].artifacts), (1, 8, 8));
    assert_eq!(backend.catalog.waiting().await.unwrap().compactions, 0);
    let leaving = backend.leaving().await;
    assert!(leaving.len() == 8 && leaving.iter().all(|one| one.copied), "{leaving:?}");
    let files = leaving.iter().map(|one| one.id).collect::<Vec<_>>();
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    tx.mark_retired(&files).await.unwrap();
    tx.commit().await.unwrap();
    assert!(backend.catalog.files_by_id(&files).await.unwrap().is_empty(), "nothing leads there");
}

#[tokio::test]
async fn what_is_replaced_while_files_become_one_is_hidden_in_the_new_one() {
    let (backend, jobs) = Backend::with_hidden_rows().await;
    let plan = backend.plan().await.unwrap();
    assert_eq!(backend.grant_plan(&plan, &staged(&plan)).await, granted());
    assert_eq!(backend.plan().await, None, "it is under way");
    backend.write("a", 9).await;
    backend.drain(&["out"]).await;
    backend.conclude_plan(plan.order.job(), &backend.session).await;
    let current = backend.current().await;
    let made = current.iter().find(|file| file.commit.id == plan.order.id).unwrap();
    assert_eq!((made.rows, made.artifacts), (2, 1));
    let hidden = backend.catalog.snapshot().await.unwrap().hidden_jobs(&[made.id]).await.unwrap();
    assert_eq!(hidden[&made.id], [jobs[0].id].into());
    let again = backend.plan().await.unwrap();
    assert_eq!(rows(&again), [vec![(1, 1)]]);
}

#[tokio::test]
async fn granting_and_concluding_again_changes_nothing() {
    let (backend, _) = Backend::with_hidden_rows().await;
    let plan = backend.plan().await.unwrap();
    for _ in 0..2 {
        assert_eq!(backend.grant_plan(&plan, &staged(&plan)).await, granted());
    }
    let strange = backend.worker("strange").await;
    let refused = backend.conclude_plan(plan.order.job(), &strange).await;
    assert!(matches!(refused, ConcludeOutcome::Refused { .. }), "{refused:?}");
    for _ in 0..2 {
        let concluded = backend.conclude_plan(plan.order.job(), &backend.session).await;
        assert_eq!(concluded, ConcludeOutcome::Completed);
    }
    assert_eq!(backend.current().await.len(), 2);
}

#[tokio::test]
async fn a_grant_is_refused_for_other_rows_for_taken_files_and_for_files_that_nobody_needs() {
    let (backend, _) = Backend::with_hidden_rows().await;
    let (plan, other) = (backend.plan().await.unwrap(), backend.plan().await.unwrap());
    let mut more = staged(&plan);
    more.outputs[0].rows += 1;
    let mut elsewhere = staged(&plan);
    elsewhere.outputs[0].uri = "parquet://elsewhere".parse().unwrap();
    for wrong in [more, elsewhere] {
        let GrantOutcome::Refused { reason } = backend.grant_plan(&plan, &wrong).await else {
            panic!("granted")
        };
        assert_eq!(reason, "it holds other rows than were asked for, or goes elsewhere");
    }
    assert_eq!(backend.grant_plan(&plan, &staged(&plan)).await, granted());
    let taken = backend.grant_plan(&other, &staged(&other)).await;
    let reason = "one of its files is not needed any more, or becomes part of another";
    assert_eq!(taken, GrantOutcome::Refused { reason });
    let (backend, _) = Backend::with_hidden_rows().await;
    let plan = backend.plan().await.unwrap();
    for (path, content) in [("a", 10), ("c", 11)] {
        backend.write(path, content).await;
    }
    backend.drain(&["out"]).await;
    let late = backend.grant_plan(&plan, &staged(&plan)).await;
    assert_eq!(late, GrantOutcome::Refused { reason });
}

#[tokio::test]
async fn a_compaction_is_recovered_by_another_and_may_be_lost() {
    let (backend, _) = Backend::with_hidden_rows().await;
    let other = backend.worker("other").await;
    let plan = backend.plan().await.unwrap();
    let (job, commit) = (plan.order.job(), Commit::pack(plan.order.id));
    backend.grant_plan(&plan, &staged(&plan)).await;
    let in_flight = backend.catalog.compactions_in_flight().await.unwrap();
    assert_eq!((in_flight.len(), in_flight[0].job, in_flight[0].recovery), (1, job, 0));
    assert!(backend.catalog.is_committing(commit).await.unwrap());
    assert_eq!(backend.catalog.waiting().await.unwrap().compactions, 2, "it, and what it is for");
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    let order = tx.recover_compaction(job, &other).await.unwrap().unwrap();
    assert_eq!((order.recovery, order.id), (1, plan.order.id));
    assert_eq!(order.output.unwrap().staged, staged(&plan).outputs[0].staged);
    assert!(!tx.lose_compaction(job, 0).await.unwrap(), "an earlier recovery says nothing");
    assert!(tx.lose_compaction(job, 1).await.unwrap());
    tx.commit().await.unwrap();
    assert!(!backend.catalog.is_committing(commit).await.unwrap());
    let refused = backend.conclude_plan(job, &other).await;
    assert!(matches!(refused, ConcludeOutcome::Refused { .. }));
    let current = backend.current().await;
    assert!(current.iter().all(|file| file.commit != commit), "{current:?}");
    let leaving = backend.leaving().await.into_iter().map(|one| one.file).collect::<Vec<_>>();
    assert_eq!(leaving, [final_name(commit)], "should it turn up after all");
    assert_eq!(rows(&backend.plan().await.unwrap()), rows(&plan));
}

#[tokio::test]
async fn what_cannot_be_compacted_lets_others_go_first() {
    let (backend, _) = Backend::with_hidden_rows().await;
    let plan = backend.plan().await.unwrap();
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    tx.put_off_compaction(&plan.files, backend.now() + 1_000_000).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(backend.plan().await, None);
    let waiting = backend.catalog.waiting().await.unwrap();
    assert_eq!((waiting.compactions, waiting.compactions_put_off), (0, 1), "nobody waits for it");
    let later = backend.now() + 2_000_000;
    assert!(backend.catalog.opportunities(later).await.unwrap().compactions);
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    tx.resume_compactions().await.unwrap();
    tx.commit().await.unwrap();
    assert!(backend.plan().await.is_some());
}

#[tokio::test]
async fn files_of_a_commit_that_is_not_done_stay_as_they_are() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    let jobs = backend.running(&["a", "b", "c"]).await;
    backend.grant_all(&pack(77, &jobs)).await;
    backend.conclude(jobs[0]).await;
    backend.conclude(jobs[1]).await;
    backend.write("a", 8).await;
    backend.drain(&["out"]).await;
    assert_eq!(backend.plan().await, None);
    backend.conclude(jobs[2]).await;
    assert!(backend.plan().await.is_some());
}
