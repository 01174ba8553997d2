//! Random sequences of what happens to files, plugins and jobs. No step makes an illegal move; and when everything has come to rest,
//! the topics hold what the files hold, once.

use crate::backend::{Backend, plugin};
use catalog::report::{JobFilter, JobRow};
use catalog::{ClaimFrom, FailNext, GrantOutcome, JobState, Lane, Loss, RetrySelection, is_legal};
use proptest::prelude::*;
use protocol::{JobAttempt, JobId, JobKind, TopicOptions, VersionId};
use std::collections::{BTreeMap, HashMap};

const PATHS: [&str; 3] = ["a", "b", "c"];
/// Takes back the rows of deleted files; a content is in its topic once.
const SHARED: &str = "shared";
/// Each path has its own rows.
const OWN: &str = "own";

#[derive(Debug, Clone, Copy)]
enum Step {
    Write { path: usize, content: u8 },
    Tag { path: usize },
    Delete { path: usize },
    Admit,
    Claim { limit: usize },
    Grant { job: usize },
    Conclude { job: usize },
    Fail { job: usize, next: u8 },
    Lose { job: usize },
    LoseForGood { job: usize },
    Edit { source: u8 },
    Drop,
    Abort { job: usize },
    Restore { job: usize },
    Retry,
    OpenPass,
    ClosePass,
}

fn step() -> impl Strategy<Value = Step> {
    let path = 0..PATHS.len();
    let job = 0..8_usize;
    prop_oneof![
        4 => (path.clone(), 1..4_u8).prop_map(|(path, content)| Step::Write { path, content }),
        6 => path.clone().prop_map(|path| Step::Tag { path }),
        2 => path.prop_map(|path| Step::Delete { path }),
        5 => Just(Step::Admit),
        5 => (1..4_usize).prop_map(|limit| Step::Claim { limit }),
        5 => job.clone().prop_map(|job| Step::Grant { job }),
        5 => job.clone().prop_map(|job| Step::Conclude { job }),
        3 => (job.clone(), 0..4_u8).prop_map(|(job, next)| Step::Fail { job, next }),
        2 => job.clone().prop_map(|job| Step::Lose { job }),
        1 => job.clone().prop_map(|job| Step::Abort { job }),
        1 => job.clone().prop_map(|job| Step::Restore { job }),
        1 => job.prop_map(|job| Step::LoseForGood { job }),
        1 => (1..4_u8).prop_map(|source| Step::Edit { source }),
        1 => Just(Step::Drop),
        1 => Just(Step::Retry),
        1 => Just(Step::OpenPass),
        1 => Just(Step::ClosePass),
    ]
}

struct World {
    backend: Backend,
    /// What each path holds.
    disk: BTreeMap<&'static str, u8>,
    contents: HashMap<VersionId, u8>,
    states: BTreeMap<JobId, JobState>,
    /// Every attempt that there was, also those that are over.
    attempts: Vec<JobAttempt>,
}

impl World {
    async fn new() -> Self {
        let backend = Backend::fresh().await;
        let world = Self {
            backend,
            disk: BTreeMap::new(),
            contents: HashMap::new(),
            states: BTreeMap::new(),
            attempts: Vec::new(),
        };
        world.edit(1).await;
        world
    }

    async fn edit(&self, source: u8) {
        let shared = TopicOptions { retract_on_delete: true, ..TopicOptions::default() };
        let own = TopicOptions { dedup: false, ..TopicOptions::default() };
        let plugins =
            [plugin(SHARED, source, &[(SHARED, shared)]), plugin(OWN, source, &[(OWN, own)])];
        self.backend.plugins(&plugins).await;
    }

    async fn rows(&self) -> Vec<JobRow> {
        let filter = JobFilter { limit: 10_000, ..JobFilter::default() };
        self.backend.catalog.jobs(&filter).await.unwrap()
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Write { path, content } => {
                self.disk.insert(PATHS[path], content);
                self.backend.inventory(PATHS[path], content).await;
            }
            Step::Tag { path } => self.tag(PATHS[path]).await,
            Step::Delete { path } => {
                if self.disk.remove(PATHS[path]).is_some() {
                    self.backend.delete(PATHS[path]).await;
                }
            }
            Step::Admit => drop(self.backend.admit().await),
            Step::Claim { limit } => self.claim(limit).await,
            Step::Grant { job } => {
                if let Some(job) = self.attempt(job) {
                    self.grant(job).await;
                }
            }
            Step::Conclude { job } => {
                if let Some(job) = self.attempt(job) {
                    self.backend.conclude(job).await;
                }
            }
            Step::Fail { job, next } => {
                if let Some(job) = self.attempt(job) {
                    self.fail(job, next).await;
                }
            }
            Step::Lose { job } => {
                if let Some(job) = self.attempt(job) {
                    self.lose(job, 1).await;
                }
            }
            Step::Abort { job } => {
                if let Some(job) = self.attempt(job) {
                    self.abort(job).await;
                }
            }
            Step::Restore { job } => {
                if let Some(job) = self.attempt(job) {
                    self.restore(job).await;
                }
            }
            Step::LoseForGood { job } => {
                if let Some(job) = self.attempt(job) {
                    self.lose_for_good(job).await;
                }
            }
            Step::Edit { source } => self.edit(source).await,
            Step::Drop => drop(self.backend.plugins(&[]).await),
            Step::Retry => self.retry().await,
            Step::OpenPass => self.set_pass(i64::MAX).await,
            Step::ClosePass => self.set_pass(0).await,
        }
    }

    fn attempt(&self, index: usize) -> Option<JobAttempt> {
        self.attempts.iter().rev().nth(index).copied()
    }

    async fn tag(&mut self, path: &'static str) {
        if let Some(content) = self.disk.get(path) {
            self.backend.tag(path, *content).await;
            let current = self.backend.location(path).await.current.unwrap();
            self.contents.insert(current.id, *content);
        }
    }

    async fn claim(&mut self, limit: usize) {
        let mut tx = self.backend.catalog.begin_sentinel(self.backend.epoch).await.unwrap();
        let lanes = Lane::ALL.map(ClaimFrom::Lane);
        for from in lanes.into_iter().chain([ClaimFrom::Suspects]) {
            let now_us = self.backend.now();
            let session = &self.backend.session;
            let jobs = tx.claim(session, limit, from, now_us).await.unwrap();
            self.attempts.extend(jobs.into_iter().map(|claimed| claimed.job));
        }
        tx.commit().await.unwrap();
    }

    async fn grant(&self, job: JobAttempt) -> GrantOutcome {
        let rows = self.rows().await;
        let row = rows.iter().find(|row| row.id == job.id).unwrap();
        self.backend.grant(job, &[&row.plugin]).await
    }

    async fn fail(&self, job: JobAttempt, next: u8) {
        let next = match next {
            0 => FailNext::Failed,
            1 => FailNext::Backoff { not_before_us: self.backend.now() + 5_000 },
            2 => FailNext::Changed,
            _ => FailNext::Requeue,
        };
        self.backend.fail(job, next).await;
    }

    async fn lose(&self, job: JobAttempt, losses: u32) {
        let mut tx = self.backend.catalog.begin_sentinel(self.backend.epoch).await.unwrap();
        let loss = Loss { job, losses, spent: losses > 2 };
        tx.requeue(&[loss], self.backend.now()).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn lose_for_good(&self, job: JobAttempt) {
        let mut tx = self.backend.catalog.begin_sentinel(self.backend.epoch).await.unwrap();
        if let Some(recovery) = tx.begin_recovery(job, &self.backend.session).await.unwrap() {
            assert!(tx.lost(job, recovery.number).await.unwrap());
            assert!(!tx.lost(job, recovery.number).await.unwrap(), "once");
        }
        tx.commit().await.unwrap();
    }

    async fn abort(&self, job: JobAttempt) {
        let mut tx = self.backend.catalog.begin_sentinel(self.backend.epoch).await.unwrap();
        tx.abort(&[job.id], "anna@here", self.backend.now()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// What it published is gone from its sink.
    async fn restore(&self, job: JobAttempt) {
        let mut tx = self.backend.catalog.begin_sentinel(self.backend.epoch).await.unwrap();
        tx.restore(&[job.id], &[], self.backend.now()).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn retry(&self) {
        let rows = self.rows().await;
        let aborted = rows.iter().filter(|row| row.state == JobState::Aborted).map(|row| row.id);
        let aborted = RetrySelection::Jobs(aborted.collect());
        let mut tx = self.backend.catalog.begin_sentinel(self.backend.epoch).await.unwrap();
        tx.retry(&aborted, self.backend.now()).await.unwrap();
        let selection = RetrySelection::Failed { plugin: None };
        tx.retry(&selection, self.backend.now()).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn set_pass(&self, until_us: i64) {
        let mut tx = self.backend.catalog.begin_scout().await.unwrap();
        tx.set_pass_open_until(until_us).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// What changed since the last look, by the table of legal moves.
    async fn check_moves(&mut self, step: Step) {
        for row in self.rows().await {
            let kind = if row.kind == "retract" { JobKind::Retract } else { JobKind::Process };
            if let Some(before) = self.states.insert(row.id, row.state)
                && before != row.state
            {
                assert!(is_legal(kind, before, row.state), "{before} -> {} by {step:?}", row.state);
            }
        }
    }

    /// Everything is tagged and processed, whatever it takes.
    async fn come_to_rest(&mut self) {
        self.edit(1).await;
        self.set_pass(0).await;
        for job in self.attempts.clone() {
            self.lose(job, 0).await;
            self.backend.conclude(job).await;
        }
        // A worker announces again what is neither granted nor refused.
        let mut open = self.attempts.clone();
        for _ in 0..20 {
            for path in PATHS {
                self.tag(path).await;
            }
            self.retry().await;
            for _ in 0..10 {
                self.backend.now();
            }
            self.backend.admit().await;
            let before = self.attempts.len();
            self.claim(10).await;
            open.extend(&self.attempts[before..]);
            open.sort_unstable();
            for job in std::mem::take(&mut open) {
                match self.grant(job).await {
                    GrantOutcome::Granted { .. } => drop(self.backend.conclude(job).await),
                    GrantOutcome::Deferred => open.push(job),
                    GrantOutcome::Refused { .. } => {}
                }
            }
        }
    }

    async fn check_topics(&self) {
        let (mut shared, mut own) = (Vec::new(), BTreeMap::new());
        for row in self.rows().await {
            let artifacts = self.backend.catalog.artifacts_of(row.id).await.unwrap();
            let current = artifacts.iter().filter(|artifact| artifact.state == "CURRENT");
            for artifact in current {
                let content = self.contents[&row.version];
                if artifact.topic == SHARED {
                    shared.push(content);
                } else {
                    let path = String::from_utf8(row.path.clone()).unwrap();
                    let other = own.insert(path.clone(), content);
                    assert_eq!(other, None, "{path} has rows twice");
                }
            }
        }
        shared.sort_unstable();
        let mut wanted: Vec<u8> = self.disk.values().copied().collect();
        wanted.sort_unstable();
        wanted.dedup();
        assert_eq!(shared, wanted, "contents in the shared topic; files: {:?}", self.disk);
        for (path, content) in &self.disk {
            assert_eq!(own.get(*path), Some(content), "rows of {path}");
        }
    }
}

async fn play(steps: &[Step]) {
    let mut world = World::new().await;
    for step in steps {
        world.take(*step).await;
        world.check_moves(*step).await;
    }
    world.come_to_rest().await;
    let waiting = world.backend.catalog.waiting().await.unwrap();
    let left = waiting.queued + waiting.running + waiting.committing + waiting.held;
    let left = left + waiting.backing_off + waiting.changed + waiting.without_plugin;
    assert_eq!(left, 0, "{waiting:?}");
    world.check_topics().await;
}

proptest! {
    #![proptest_config(ProptestConfig {
        // Each statement is a way to the server and back there.
        cases: if crate::server::is_wanted() { 6 } else { 48 },
        max_shrink_iters: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_the_topics_hold_in_the_end_what_the_files_hold_once(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(&steps));
    }
}
