//! A fresh catalog of the database that this suite is compiled for, and short words for what happens to it.

use crate::server;
use catalog::{
    Catalog, ClaimFrom, ClaimedJob, ConcludeOutcome, DesiredPlugin, DesiredRegistry, FailNext,
    Failure, GrantOutcome, JobState, Lane, Loss, NewDirectory, NewLocation, OpenMode, Receipt,
    RecordCounts, Retried, RetrySelection, SentinelEpoch, SubscribedPlugin, Tagged, TodoLocation,
    TopicTarget, WorkerRegistration, report::JobFilter,
};
use protocol::{
    Column, ColumnType, CommitId, ContentHash, Environment, ErrorClass, FileStat, JobAttempt,
    JobId, Limits, Metrics, PluginDeclaration, PluginLanguage, PluginVersion, ReadyJob,
    SessionToken, SinkUri, SourceRootId, StagedOutput, TopicOptions, TopicSchema, final_name,
    staged_name,
};
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;

pub struct Backend {
    pub catalog: Catalog,
    pub epoch: SentinelEpoch,
    pub session: SessionToken,
    now_us: AtomicI64,
    /// Goes with the backend.
    _directory: TempDir,
}

impl Backend {
    pub async fn fresh() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = match server::is_wanted() {
            true => server::fresh_url().await,
            false => directory.path().join("catalog.db").to_str().unwrap().to_owned(),
        };
        let catalog = Catalog::open(&url, OpenMode::ReadWrite).await.unwrap();
        let epoch = catalog.take_sentinel_epoch().await.unwrap();
        let session: SessionToken = "session1".parse().unwrap();
        let now_us = AtomicI64::new(1_800_000_000_000_000);
        let backend = Self { catalog, epoch, session, now_us, _directory: directory };
        backend.worker("session1").await;
        backend
    }

    pub fn now(&self) -> i64 {
        self.now_us.fetch_add(1_000, Ordering::Relaxed)
    }

    pub async fn worker(&self, session: &str) -> SessionToken {
        let fresh: SessionToken = session.parse().unwrap();
        let mut tx = self.catalog.begin_sentinel(self.epoch).await.unwrap();
        let environment = Environment { host: "here".to_owned(), ..Environment::default() };
        let registration = WorkerRegistration {
            worker_id: "w",
            environment: &environment,
            slots: 2,
            offered: None,
            fresh: &fresh,
        };
        let session = tx.register_worker(&registration, self.now()).await.unwrap();
        tx.commit().await.unwrap();
        session
    }

    pub async fn plugins(&self, plugins: &[DesiredPlugin]) -> bool {
        let desired = DesiredRegistry { plugins: plugins.to_vec(), user_rules: Vec::new() };
        let mut tx = self.catalog.begin_sentinel(self.epoch).await.unwrap();
        let changed = tx.sync_registry(&desired, self.now()).await.unwrap();
        tx.commit().await.unwrap();
        changed
    }

    /// The file at a path holds this content now; it is inventoried, hashed, routed to every plugin and recorded.
    pub async fn write(&self, path: &str, content: u8) -> RecordCounts {
        self.inventory(path, content).await;
        self.tag(path, content).await
    }

    pub async fn inventory(&self, path: &str, content: u8) {
        let now_us = self.now();
        let mut tx = self.catalog.begin_scout().await.unwrap();
        let root = tx.register_root(b"/data", now_us).await.unwrap();
        let directory = tx
            .upsert_directories(root, &[NewDirectory { path: b"", digest: None }], now_us)
            .await
            .unwrap()[0];
        let stat = FileStat {
            inode: 1,
            size: u64::from(content),
            mtime_ns: now_us * 1_000,
            ctime_ns: now_us * 1_000,
        };
        let location = NewLocation { directory, name: path.as_bytes().to_vec(), stat };
        tx.upsert_locations(&[location], now_us).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn tag(&self, path: &str, content: u8) -> RecordCounts {
        let todo = self.location(path).await;
        let table = self.catalog.routing_table().await.unwrap();
        let plugins = table.plugins.iter().collect::<Vec<&SubscribedPlugin>>();
        let tags = plugins.iter().flat_map(|plugin| plugin.tags.clone()).collect::<Vec<_>>();
        let tagged = Tagged {
            location: todo.id,
            seen: todo.stat,
            stat: todo.stat,
            hash: Some(hash(content)),
            racy: false,
            tags: &tags,
            plugins: &plugins,
        };
        let mut tx = self.catalog.begin_scout().await.unwrap();
        let counts = tx.record(&[tagged], table.epoch, self.now()).await.unwrap();
        tx.commit().await.unwrap();
        counts
    }

    pub async fn roots(&self) -> Vec<SourceRootId> {
        self.catalog.root_of(b"/data").await.unwrap().into_iter().collect()
    }

    pub async fn location(&self, path: &str) -> TodoLocation {
        let roots = self.roots().await;
        let all = self.catalog.todo(&roots, i64::MAX, None, 10_000).await.unwrap();
        all.into_iter().find(|one| one.name == path.as_bytes()).expect("the location is live")
    }

    pub async fn delete(&self, path: &str) {
        let location = self.location(path).await.id;
        let mut tx = self.catalog.begin_scout().await.unwrap();
        tx.mark_deleted(&[location], self.now()).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn admit(&self) -> u64 {
        let mut tx = self.catalog.begin_sentinel(self.epoch).await.unwrap();
        let queued = tx.admit(self.now()).await.unwrap();
        tx.commit().await.unwrap();
        queued
    }

    /// Of both lanes, the fresh one first.
    pub async fn claim(&self, limit: usize) -> Vec<ClaimedJob> {
        let mut tx = self.catalog.begin_sentinel(self.epoch).await.unwrap();
        let mut jobs = Vec::new();
        for lane in Lane::ALL {
            let (left, from) = (limit - jobs.len(), ClaimFrom::Lane(lane));
            jobs.extend(tx.claim(&self.session, left, from, self.now()).await.unwrap());
        }
        tx.commit().await.unwrap();
        jobs
    }

    pub async fn grant(&self, job: JobAttempt, topics: &[&str]) -> GrantOutcome {
        self.grant_to(job, topics, &self.session).await
    }

    pub async fn grant_to(
        &self,
        job: JobAttempt,
        topics: &[&str],
        session: &SessionToken,
    ) -> GrantOutcome {
        let outputs = topics.iter().map(|topic| output(job, topic)).collect();
        let commit_id = CommitId::from(job.id);
        let ready = ReadyJob { job: job.id, attempt: job.attempt, commit_id, outputs };
        let mut tx = self.catalog.begin_sentinel(self.epoch).await.unwrap();
        let outcome = tx.grant(&[ready], session, self.now()).await.unwrap().remove(0);
        tx.commit().await.unwrap();
        outcome
    }

    pub async fn conclude(&self, job: JobAttempt) -> ConcludeOutcome {
        self.conclude_as(job, &self.session).await
    }

    pub async fn conclude_as(&self, job: JobAttempt, session: &SessionToken) -> ConcludeOutcome {
        let metrics = Metrics { rows: 1, ..Metrics::default() };
        let mut tx = self.catalog.begin_sentinel(self.epoch).await.unwrap();
        let receipts = [Receipt { job, metrics }];
        let outcome = tx.conclude(&receipts, session, self.now()).await.unwrap().remove(0);
        tx.commit().await.unwrap();
        outcome
    }

    pub async fn fail(&self, job: JobAttempt, next: FailNext) -> bool {
        self.fail_with(job, ErrorClass::Plugin, next).await
    }

    pub async fn fail_with(&self, job: JobAttempt, class: ErrorClass, next: FailNext) -> bool {
        let failure = Failure {
            job,
            class,
            message: "ValueError: bad".to_owned(),
            metrics: Metrics::default(),
            next,
        };
        let mut tx = self.catalog.begin_sentinel(self.epoch).await.unwrap();
        let taken = tx.fail(&failure, &self.session, self.now()).await.unwrap();
        tx.commit().await.unwrap();
        taken
    }

    pub async fn claim_suspects(&self) -> Vec<ClaimedJob> {
        let mut tx = self.catalog.begin_sentinel(self.epoch).await.unwrap();
        let jobs = tx.claim(&self.session, 9, ClaimFrom::Suspects, self.now()).await.unwrap();
        tx.commit().await.unwrap();
        jobs
    }

    /// Its worker was lost, for the first time.
    pub async fn lose(&self, job: JobAttempt) {
        let mut tx = self.catalog.begin_sentinel(self.epoch).await.unwrap();
        tx.requeue(&[Loss { job, losses: 1, spent: false }], self.now()).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn retry_all(&self) -> Retried {
        let mut tx = self.catalog.begin_sentinel(self.epoch).await.unwrap();
        let selection = RetrySelection::Failed { plugin: None };
        let retried = tx.retry(&selection, self.now()).await.unwrap();
        tx.commit().await.unwrap();
        retried
    }

    /// Everything that is queued is processed to its end; returns the jobs.
    pub async fn drain(&self, topics: &[&str]) -> Vec<JobId> {
        let mut done = Vec::new();
        loop {
            self.admit().await;
            let claimed = self.claim(100).await;
            if claimed.is_empty() {
                return done;
            }
            for ClaimedJob { job, .. } in claimed {
                if matches!(self.grant(job, topics).await, GrantOutcome::Granted { .. }) {
                    assert_eq!(self.conclude(job).await, ConcludeOutcome::Completed);
                    done.push(job.id);
                }
            }
        }
    }

    /// State of every job, oldest first.
    pub async fn states(&self) -> Vec<JobState> {
        let filter = JobFilter { limit: 1_000, ..JobFilter::default() };
        let mut jobs = self.catalog.jobs(&filter).await.unwrap();
        jobs.reverse();
        jobs.into_iter().map(|job| job.state).collect()
    }

    /// Files of a topic that are current, and those that are to leave.
    pub async fn files(&self, topic: &str) -> (u64, usize) {
        let topics = self.catalog.topics().await.unwrap();
        let current = topics.iter().filter(|row| row.topic == topic).map(|row| row.files).sum();
        let mut tx = self.catalog.begin_sentinel(self.epoch).await.unwrap();
        let leaving = tx.retirements(1_000).await.unwrap();
        (current, leaving.iter().filter(|one| one.topic.as_str() == topic).count())
    }
}

pub fn hash(content: u8) -> ContentHash {
    ContentHash::new([content; 32])
}

/// A plugin that takes every file and publishes to topics with these options.
pub fn plugin(name: &str, source: u8, topics: &[(&str, TopicOptions)]) -> DesiredPlugin {
    let declaration =
        PluginDeclaration { patterns: vec!["*".to_owned()], ..PluginDeclaration::default() };
    let target = |(topic, options): &(&str, TopicOptions)| TopicTarget {
        topic: topic.parse().unwrap(),
        uri: format!("parquet://{topic}").parse().unwrap(),
        mode: "append".to_owned(),
        options: *options,
        declared: TopicSchema::default(),
    };
    DesiredPlugin {
        name: name.parse().unwrap(),
        version: PluginVersion::new([source; 32]),
        language: PluginLanguage::Python,
        source: format!("# {source}"),
        lock: None,
        origin: "project".to_owned(),
        declaration: Some(declaration),
        error: None,
        topics: topics.iter().map(target).collect(),
        limits: Limits::default(),
        settings: "{}".to_owned(),
    }
}

pub fn simple(name: &str, source: u8) -> DesiredPlugin {
    plugin(name, source, &[("out", TopicOptions::default())])
}

pub fn output(job: JobAttempt, topic: &str) -> StagedOutput {
    let uri: SinkUri = format!("parquet://{topic}").parse().unwrap();
    StagedOutput {
        topic: topic.parse().unwrap(),
        uri,
        staged: staged_name(&"w".parse().unwrap(), job.into()),
        final_name: final_name(job.into()),
        row_start: 0,
        rows: 1,
        size_bytes: 10,
        hash: hash(1),
        schema: TopicSchema {
            columns: vec![Column::new("a", ColumnType::Int { bits: 64, signed: true })],
        },
        schema_version: 0,
        reasons: Vec::new(),
    }
}
