//! One attempt, from the open input to sealed outputs. Whatever fails on the way leaves nothing in staging.

use crate::failure::JobFailure;
use crate::host::{
    Guest, GuestJob, GuestKey, Hello, JobControl, JobLog, MemoryScan, Pool, Sent, Watch,
};
use crate::input::InputFile;
use crate::packing::{Budget, SmallJob};
use crate::plugins::PluginStore;
use crate::sinks::{Sinks, Unsynced};
use crate::stagers::{SealedRows, Stagers};
use protocol::{Dispatch, ErrorClass, JobAttempt, Metrics, SinkTarget, StagedOutput};
use serde_json::Map;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the threads of a worker share to run jobs.
#[derive(Debug)]
pub struct Workshop {
    pub sinks: Sinks,
    pub plugins: PluginStore,
    pub memory: MemoryScan,
    /// For rows of small jobs; none where each job is to have files of its own.
    pub budget: Option<Budget>,
    pub state_dir: PathBuf,
    /// Microseconds since 1970 UTC.
    pub wall_clock: fn() -> i64,
}

/// What comes of an attempt that went well.
#[derive(Debug)]
pub enum RanJob {
    /// In files of its own.
    Staged(StagedJob),
    /// In memory, for a pack.
    Small(SmallJob),
}

/// All outputs staged, not yet durable.
#[derive(Debug)]
pub struct StagedJob {
    pub outputs: Vec<Unsynced>,
    pub metrics: Metrics,
}

/// All outputs staged and durable.
#[derive(Debug)]
pub struct SealedJob {
    pub outputs: Vec<StagedOutput>,
    pub metrics: Metrics,
}

impl StagedJob {
    fn new(outputs: Vec<Unsynced>, metrics: Metrics) -> Self {
        let size_bytes = outputs.iter().map(|unsynced| unsynced.output.size_bytes).sum();
        Self { outputs, metrics: Metrics { size_bytes, ..metrics } }
    }
}

#[derive(Debug, Default)]
struct Times {
    execute: Duration,
    stage: Duration,
}

/// Runs jobs one after the other, with warm guests of its own.
#[derive(Debug)]
pub struct JobRunner {
    workshop: Arc<Workshop>,
    pub pool: Pool,
}

impl JobRunner {
    pub fn new(workshop: Arc<Workshop>, pool: Pool) -> Self {
        Self { workshop, pool }
    }

    pub fn run(
        &mut self,
        job: JobAttempt,
        dispatch: &Dispatch,
        control: &JobControl,
    ) -> Result<RanJob, JobFailure> {
        let opened_ns = (self.workshop.wall_clock)().saturating_mul(1_000);
        let input = InputFile::open(dispatch)?;
        let mut stagers = Stagers::open(&self.workshop, job, dispatch, control)?;
        let mut times = Times::default();
        let started = Instant::now();
        let executed = self.execute(job, dispatch, &input, &mut stagers);
        executed.map_err(|failure| voided(failure, &input, dispatch, opened_ns))?;
        times.execute = started.elapsed().saturating_sub(stagers.busy);
        input.verify(dispatch, opened_ns)?;
        let started = Instant::now();
        let sealed = stagers.seal()?;
        times.stage = stagers.busy + started.elapsed();
        let metrics = metrics(dispatch, &stagers, &times);
        Ok(match sealed {
            SealedRows::Small(outputs, permit) => {
                RanJob::Small(SmallJob { job, outputs, metrics, permit })
            }
            SealedRows::Files(outputs) => RanJob::Staged(StagedJob::new(outputs, metrics)),
        })
    }

    fn execute(
        &mut self,
        job: JobAttempt,
        dispatch: &Dispatch,
        input: &InputFile,
        stagers: &mut Stagers<'_>,
    ) -> Result<(), JobFailure> {
        let workshop = self.workshop.clone();
        let mut log = JobLog::new(&workshop.state_dir, job.id);
        let mut watch = Watch::new(stagers.control, &workshop.memory, dispatch.limits);
        let hello = self.hello(dispatch)?;
        let key = key_of(dispatch, &hello);
        let mut guest = self.pool.take(&key, &hello, &mut watch, &mut log)?;
        let result = run_guest(&mut guest, job, dispatch, input, &mut watch, &mut log, stagers);
        self.pool.put(key, guest, dispatch.limits.memory_bytes);
        result
    }

    fn hello(&self, dispatch: &Dispatch) -> Result<Hello, JobFailure> {
        let source_path = self.workshop.plugins.source_path(dispatch)?;
        Ok(Hello {
            plugin_name: dispatch.plugin_name.to_string(),
            plugin_version: dispatch.plugin_version.to_string(),
            source_path: source_path.to_string_lossy().into_owned(),
            topics: topics(&dispatch.sinks),
            config: dispatch.config.clone(),
            memory_bytes: dispatch.limits.memory_bytes,
        })
    }
}

/// A file that was renamed, removed or rewritten while it was parsed: whatever the plugin made of that is no fault of its own.
fn voided(
    failure: JobFailure,
    input: &InputFile,
    dispatch: &Dispatch,
    opened_ns: i64,
) -> JobFailure {
    if !matches!(failure.class, ErrorClass::Plugin | ErrorClass::Crash) {
        return failure;
    }
    match input.verify(dispatch, opened_ns) {
        Err(changed) if changed.class == ErrorClass::Changed => changed,
        _ => failure,
    }
}

fn run_guest(
    guest: &mut Guest,
    job: JobAttempt,
    dispatch: &Dispatch,
    input: &InputFile,
    watch: &mut Watch<'_>,
    log: &mut JobLog,
    stagers: &mut Stagers<'_>,
) -> Result<(), JobFailure> {
    let has_text_path = dispatch.file_path_b64.is_none();
    let guest_job = GuestJob {
        job_id: job.id,
        file_version_id: dispatch.file_version_id,
        path: has_text_path.then(|| dispatch.file_path.clone()),
        path_b64: dispatch.file_path_b64.clone(),
        metadata: Map::new(),
    };
    let mut taker = |topic: &str, sent: Sent<'_>| match sent {
        Sent::Rows(batch) => stagers.write(topic, batch),
        Sent::Rejects(rejects) => stagers.reject(topic, rejects),
    };
    guest.run(&guest_job, input.as_fd(), watch, log, &mut taker)
}

/// In the order of the plugin, each once: the first one takes what `execute` returns.
fn topics(sinks: &[SinkTarget]) -> Vec<String> {
    let mut topics = Vec::<String>::new();
    for sink in sinks {
        if !topics.iter().any(|topic| topic == sink.topic.as_str()) {
            topics.push(sink.topic.to_string());
        }
    }
    topics
}

fn key_of(dispatch: &Dispatch, hello: &Hello) -> GuestKey {
    let Hello { plugin_name, topics, config, memory_bytes, .. } = hello;
    let told = serde_json::to_string(&(plugin_name, topics, config, memory_bytes));
    GuestKey {
        version: dispatch.plugin_version,
        language: dispatch.plugin_language,
        source_root: dispatch.source_root.clone(),
        hello: told.unwrap_or_default(),
    }
}

fn metrics(dispatch: &Dispatch, stagers: &Stagers<'_>, times: &Times) -> Metrics {
    let ms = [("execute", times.execute), ("stage", times.stage)];
    Metrics {
        rows: stagers.rows,
        size_bytes: 0,
        bytes_in: dispatch.size,
        quarantined: stagers.quarantined,
        ms: ms.map(|(phase, time)| (phase.to_owned(), time.as_millis() as u64)).into(),
    }
}
