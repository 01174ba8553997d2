//! A project on disk, a Sentinel that grants everything, and a way to read what was published.

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use protocol::{
    Commit, Conclude, ContentHash, Dispatch, Environment, FileStat, Grant, Heartbeat,
    HeartbeatAnswer, JobAttempt, JobId, JobKind, JobLimits, PluginLanguage, PluginVersion,
    SentinelMessage, SinkTarget, StagedOutput, VersionId, WorkerMessage,
};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use worker::{SqlGuest, Worker, WorkerHandle, WorkerSettings};

pub const SESSION: &str = "session-1";
const PATIENCE: Duration = Duration::from_secs(20);

#[expect(clippy::disallowed_methods, reason = "tests stand for the callers that hand time in")]
fn clock() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_micros() as i64
}

/// A clock so far ahead that no file is racy.
fn late_clock() -> i64 {
    clock() + 3_600_000_000
}

#[expect(clippy::disallowed_methods, reason = "says which Python the tests use")]
pub fn python() -> PathBuf {
    std::env::var_os("CASPARIAN_TEST_PYTHON").map_or_else(|| "python3".into(), PathBuf::from)
}

/// Tests with data libraries say what is missing, and do not fail for another reason or pass for none.
fn require_libraries() {
    static CHECKED: OnceLock<()> = OnceLock::new();
    CHECKED.get_or_init(|| {
        let mut command = std::process::Command::new(python());
        let output = command.args(["-c", "import pandas, polars, pyarrow"]).output();
        let output = output.expect("no Python to run plugins on; set CASPARIAN_TEST_PYTHON");
        assert!(
            output.status.success(),
            "{} lacks pandas, polars or pyarrow: `make test` sets one up, or set CASPARIAN_TEST_PYTHON to one with python/requirements-test.txt installed\n{}",
            python().display(),
            String::from_utf8_lossy(&output.stderr)
        );
    });
}

pub struct Project {
    pub home: TempDir,
    pub python: PathBuf,
}

impl Project {
    pub fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("in")).unwrap();
        Self { home, python: python() }
    }

    pub fn lake(&self) -> PathBuf {
        self.home.path().join("lake")
    }

    pub fn state(&self) -> PathBuf {
        self.home.path().join("state")
    }

    pub fn settings(&self, endpoint: &str, slots: u32) -> WorkerSettings {
        WorkerSettings {
            worker_id: "w1".parse().unwrap(),
            endpoints: vec![endpoint.to_owned()],
            curve: None,
            slots,
            packs: true,
            output_root: self.lake(),
            logins: worker::sinks::Logins::new(),
            state_dir: self.state(),
            plugins_dir: None,
            python: self.python.clone(),
            sql_guest: SqlGuest { program: "/nothing/here".into(), arguments: Vec::new() },
            guest_env: vec![("PATH".into(), "/usr/bin:/bin".into())],
            environment: Environment::default(),
            wall_clock: late_clock,
        }
    }

    pub fn input(&self, name: &str, content: &str) -> PathBuf {
        let path = self.home.path().join("in").join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// A dispatch of the plugin for the file, with topics `sales_data` and the like at their default sinks.
    pub fn dispatch(&self, source: &str, file: &Path, topics: &[&str]) -> Dispatch {
        let content = std::fs::read(file).unwrap();
        let metadata = std::fs::symlink_metadata(file).unwrap();
        let ns = |seconds: i64, rest: i64| seconds * 1_000_000_000 + rest;
        Dispatch {
            plugin_name: "my_parser".parse().unwrap(),
            plugin_version: PluginVersion::new(Sha256::digest(source).into()),
            plugin_language: PluginLanguage::Python,
            plugin_source: Some(source.to_owned()),
            config: serde_json::Map::new(),
            file_path: file.to_str().unwrap().to_owned(),
            file_path_b64: None,
            source_root: self.home.path().join("in").to_str().unwrap().to_owned(),
            file_version_id: VersionId::new(77),
            content_hash: ContentHash::new(Sha256::digest(&content).into()),
            size: content.len() as u64,
            stat: FileStat {
                inode: metadata.ino(),
                size: metadata.len(),
                mtime_ns: ns(metadata.mtime(), metadata.mtime_nsec()),
                ctime_ns: ns(metadata.ctime(), metadata.ctime_nsec()),
            },
            racy: false,
            sinks: topics.iter().map(|topic| sink(topic, &format!("parquet://{topic}"))).collect(),
            kind: JobKind::Process,
            attempt: 1,
            lease_s: 15.0,
            limits: JobLimits { timeout_ms: 20_000, memory_bytes: 2 << 30 },
            recovery: 0,
            commit_id: None,
            outputs: Vec::new(),
        }
    }

    pub fn files(&self, topic: &str) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.lake().join(topic)) else { return Vec::new() };
        let files = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
        let mut files = files.collect::<Vec<_>>();
        files.sort();
        files
    }

    pub fn rows(&self, topic: &str) -> usize {
        let files = self.files(topic);
        files.iter().flat_map(|file| read(file)).map(|batch| batch.num_rows()).sum()
    }

    /// Of each row that is published.
    pub fn job_ids(&self, topic: &str) -> Vec<i64> {
        let mut ids = Vec::new();
        for batch in self.files(topic).iter().flat_map(|file| read(file)) {
            let column = batch.column_by_name("_job_id").unwrap().clone();
            ids.extend(column.as_primitive::<Int64Type>().values());
        }
        ids
    }

    /// Files in any staging directory of the topic.
    pub fn staged(&self, topic: &str) -> Vec<String> {
        let mut staged = Vec::new();
        let Ok(workers) = std::fs::read_dir(self.lake().join(topic).join("_staging")) else {
            return staged;
        };
        for worker in workers {
            for file in std::fs::read_dir(worker.unwrap().path()).unwrap() {
                staged.push(file.unwrap().file_name().into_string().unwrap());
            }
        }
        staged.sort();
        staged
    }

    pub fn log_of(&self, job: i64) -> String {
        std::fs::read_to_string(self.state().join(format!("logs/jobs/{job}.log")))
            .unwrap_or_default()
    }
}

pub fn sink(topic: &str, uri: &str) -> SinkTarget {
    SinkTarget {
        topic: topic.parse().unwrap(),
        uri: uri.parse().unwrap(),
        mode: "append".to_owned(),
        schema_def: None,
        schema_version: 0,
        options: protocol::TopicOptions::default(),
    }
}

pub fn read(path: &Path) -> Vec<RecordBatch> {
    let file = std::fs::File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    reader.map(Result::unwrap).collect()
}

/// The other end of the worker's socket.
pub struct Sentinel {
    router: zmq::Socket,
    pub endpoint: String,
    peer: Vec<u8>,
    /// What the last heartbeats held ready, by job.
    pub granted: BTreeMap<JobId, Vec<StagedOutput>>,
    pub concluded: BTreeMap<JobId, Conclude>,
    pub heartbeat_s: f64,
}

impl Sentinel {
    pub fn bind() -> Self {
        let router = zmq::Context::new().socket(zmq::ROUTER).unwrap();
        router.set_sndhwm(20_000).unwrap();
        router.bind("tcp://127.0.0.1:*").unwrap();
        let endpoint = router.get_last_endpoint().unwrap().unwrap();
        let (granted, concluded) = (BTreeMap::new(), BTreeMap::new());
        Self { router, endpoint, peer: Vec::new(), granted, concluded, heartbeat_s: 0.2 }
    }

    pub fn receive(&mut self) -> WorkerMessage {
        self.router.set_rcvtimeo(PATIENCE.as_millis() as i32).unwrap();
        let mut frames = self.router.recv_multipart(0).expect("the worker says nothing");
        self.peer = frames.remove(0);
        WorkerMessage::decode(&frames).unwrap()
    }

    pub fn send(&self, message: &SentinelMessage) {
        let frames = message.encode().unwrap();
        self.send_raw(&frames.header, &frames.payload);
    }

    pub fn send_raw(&self, header: &[u8], payload: &[u8]) {
        let parts = [&self.peer[..], header, payload];
        self.router.send_multipart(parts, 0).unwrap();
    }

    pub fn answer(&self, answer: HeartbeatAnswer) {
        self.send(&SentinelMessage::Answer(answer));
    }

    pub fn accept(&self, keep_staging: Vec<Commit>) {
        self.answer(HeartbeatAnswer {
            accepted: Some(true),
            session: Some(SESSION.parse().unwrap()),
            lease_s: Some(15.0),
            heartbeat_s: Some(self.heartbeat_s),
            keep_staging,
            ..HeartbeatAnswer::default()
        });
    }

    /// Waits for a worker and accepts it.
    pub fn greet(&mut self) -> protocol::Identify {
        let WorkerMessage::Identify(identify) = self.receive() else { panic!("no IDENTIFY") };
        self.accept(Vec::new());
        identify
    }

    pub fn dispatch(&self, job: i64, dispatch: &Dispatch) {
        self.send(&SentinelMessage::Dispatch(JobId::new(job), dispatch.clone()));
    }

    /// Says yes to everything until the job has ended.
    pub fn until_concluded(&mut self, job: i64) -> Conclude {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(conclude) = self.concluded.get(&JobId::new(job)) {
                return conclude.clone();
            }
            self.step();
        }
        panic!("job {job} was not concluded");
    }

    pub fn step(&mut self) {
        match self.receive() {
            WorkerMessage::Identify(_) => self.accept(Vec::new()),
            WorkerMessage::Heartbeat(heartbeat) => self.on_heartbeat(heartbeat),
            WorkerMessage::Conclude(id, conclude) => {
                let job = JobAttempt { id, attempt: conclude.attempt };
                self.concluded.insert(id, conclude);
                let concluded = vec![job];
                self.answer(HeartbeatAnswer { concluded, ..HeartbeatAnswer::default() });
            }
            WorkerMessage::OriginalConclude(job, _) => panic!("{job:?} was concluded as v4 does"),
            WorkerMessage::Err(job, error) => panic!("{job:?}: {error:?}"),
        }
    }

    fn on_heartbeat(&mut self, heartbeat: Heartbeat) {
        let listed = heartbeat.jobs.iter();
        let renewed = listed.map(|job| JobAttempt { id: job.id, attempt: job.attempt }).collect();
        let granted = heartbeat.ready.iter().map(|ready| Grant {
            id: ready.job,
            attempt: ready.attempt,
            commit_id: ready.commit_id,
            supersede: Vec::new(),
        });
        let granted = granted.collect();
        self.granted.extend(heartbeat.ready.into_iter().map(|ready| (ready.job, ready.outputs)));
        self.answer(HeartbeatAnswer { renewed, granted, ..HeartbeatAnswer::default() });
    }

    /// The next heartbeat that has something ready; the others are answered with nothing.
    pub fn until_ready(&mut self) -> Heartbeat {
        loop {
            if let WorkerMessage::Heartbeat(heartbeat) = self.receive() {
                if !heartbeat.ready.is_empty() {
                    return heartbeat;
                }
                self.answer(HeartbeatAnswer::default());
            }
        }
    }
}

/// A project with one worker that was accepted.
pub struct Rig {
    pub project: Project,
    pub sentinel: Sentinel,
    pub worker: WorkerHandle,
}

impl Rig {
    pub fn new(slots: u32) -> Self {
        let project = Project::new();
        let mut sentinel = Sentinel::bind();
        let worker = Worker::start(project.settings(&sentinel.endpoint, slots)).unwrap();
        sentinel.greet();
        Self { project, sentinel, worker }
    }

    /// For plugins that use pandas, polars or pyarrow.
    pub fn with_libraries(slots: u32) -> Self {
        require_libraries();
        Self::new(slots)
    }

    /// Runs the plugin over a file of these lines, and gives what the worker concluded.
    pub fn run(&mut self, job: i64, source: &str, content: &str, topics: &[&str]) -> Conclude {
        let file = self.project.input(&format!("{job}.csv"), content);
        let dispatch = self.project.dispatch(source, &file, topics);
        self.sentinel.dispatch(job, &dispatch);
        self.sentinel.until_concluded(job)
    }
}
