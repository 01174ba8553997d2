//! The Sentinel beside a bare ZeroMQ echo, in one run, as ratios. For `make bench`.
//! `cargo bench -p control --bench sentinel [-- JOBS]`
//!
//! The peer is a worker without guests: it says of every job at once that it is staged, without outputs, and concludes it when it is
//! granted. What is left is the control plane: claim, DISPATCH, grant and CONCLUDE with their transactions, over the wire.

use catalog::{Catalog, NewDirectory, NewLocation, OpenMode, SubscribedPlugin, Tagged};
use control::architect::{Registrar, RegistrySettings, SqlCheck};
use control::clock::SystemClock;
use control::sentinel::decide::Timing;
use control::sentinel::{SentinelHandle, SentinelSettings, Tokens};
use protocol::{
    CommitId, Conclude, ConcludeStatus, ContentHash, FileStat, Heartbeat, HeartbeatAnswer,
    Identify, JobAttempt, JobProgress, Metrics, ReadyJob, SentinelMessage, SessionToken,
    WorkerMessage,
};
use std::collections::BTreeSet;
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const ROUND_TRIPS: usize = 20_000;
/// Round trips that are under way at the same time.
const WINDOW: usize = 64;
const LOCATIONS_IN_BATCH: usize = 1_000;
const SLOTS: u32 = 8;
const NOW_US: i64 = 1_800_000_000_000_000;
const PATIENCE: Duration = Duration::from_secs(60);
const PLUGIN: &str = "# PATTERN: *\n# TOPIC: nothing\nfrom casparian_flow.sdk import BasePlugin\n\n\
                      class Handler(BasePlugin):\n    def execute(self, path):\n        pass\n";

fn main() -> Outcome {
    let mut sizes = std::env::args().skip(1).filter_map(|arg| arg.parse::<usize>().ok());
    let jobs = sizes.next().unwrap_or(200_000);
    let work = tempfile::tempdir()?;
    let sentinel = sentinel(work.path())?;
    let mut worker = Peer::connect(sentinel.endpoint())?;
    worker.identify()?;
    let heartbeat = worker.heartbeat(Vec::new());
    let echo = Echo::start(work.path())?;
    for window in [1, WINDOW] {
        let bare = best(|| echo.peer.round_trips(&heartbeat, window))?;
        let ours = best(|| worker.round_trips(&heartbeat, window))?;
        let ratio = ours.as_secs_f64() / bare.as_secs_f64();
        let each = |took: Duration| took.as_secs_f64() * 1e6 / ROUND_TRIPS as f64;
        let (ours, bare) = (each(ours), each(bare));
        say(&format!(
            "heartbeat and answer, {window:>2} in flight  {ours:>8.1} us   bare echo {bare:>6.1} us   {ratio:>5.2} x (at most 1.50)"
        ))?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // What is queued is given away at once: by then there has to be a worker that listens.
    worker.leave()?;
    runtime.block_on(enqueue(work.path(), jobs))?;
    let mut worker = Peer::connect(sentinel.endpoint())?;
    say(&format!("jobs queued {jobs}, the process's memory before {:.0} MB", memory_mb()?))?;
    let (began, cpu_s) = (Instant::now(), cpu_s());
    worker.identify()?;
    worker.work_off(jobs)?;
    let rate = jobs as f64 / began.elapsed().as_secs_f64();
    let cpu_us = (self::cpu_s() - cpu_s) * 1e6 / jobs as f64;
    say(&format!(
        "empty jobs, from queue to COMPLETED {rate:>10.0} jobs/s (at least 20000) {cpu_us:>6.1} cpu us each, the peer's included"
    ))?;
    say(&format!("peak memory, peer and catalog included {:>7.0} MB", memory_mb()?))?;
    sentinel.stop()?;
    Ok(())
}

fn best(mut run: impl FnMut() -> Outcome<Duration>) -> Outcome<Duration> {
    let runs = (0..5).map(|_| run()).collect::<Outcome<Vec<_>>>()?;
    Ok(runs.into_iter().min().unwrap_or_default())
}

fn sentinel(work: &Path) -> Outcome<SentinelHandle> {
    let plugins = work.join("plugins");
    std::fs::create_dir(&plugins)?;
    std::fs::write(plugins.join("nothing.py"), PLUGIN)?;
    let settings = SentinelSettings {
        command: "bench".to_owned(),
        curve: None,
        endpoint: format!("ipc://{}", work.join("sentinel").display()),
        catalog_url: work.join("catalog.db").to_string_lossy().into_owned(),
        timing: Timing { lease_us: 15_000_000, heartbeat_us: 2_000_000 },
        host: "here".to_owned(),
        clock: Arc::new(SystemClock),
        tokens: Tokens::new(|bytes| getrandom::fill(bytes).expect("randomness")),
        registrar: Registrar::new(
            Some(plugins),
            RegistrySettings::default(),
            SqlCheck { statements: |_| Ok(Vec::new()), reader: |_| Ok(()) },
        ),
    };
    Ok(SentinelHandle::start(settings)?)
}

/// A ROUTER that sends back what it gets.
struct Echo {
    peer: Peer,
}

impl Echo {
    fn start(work: &Path) -> Outcome<Self> {
        let endpoint = format!("ipc://{}", work.join("echo").display());
        let router = zmq::Context::new().socket(zmq::ROUTER)?;
        router.bind(&endpoint)?;
        std::thread::spawn(move || {
            while let Ok(frames) = router.recv_multipart(0) {
                if router.send_multipart(frames, 0).is_err() {
                    return;
                }
            }
        });
        Ok(Self { peer: Peer::connect(&endpoint)? })
    }
}

struct Peer {
    socket: zmq::Socket,
    session: Option<SessionToken>,
    held: BTreeSet<JobAttempt>,
}

impl Peer {
    fn connect(endpoint: &str) -> Outcome<Self> {
        let socket = zmq::Context::new().socket(zmq::DEALER)?;
        socket.set_linger(0)?;
        socket.set_rcvhwm(0)?;
        socket.set_sndhwm(0)?;
        socket.set_rcvtimeo(PATIENCE.as_millis() as i32)?;
        socket.connect(endpoint)?;
        Ok(Self { socket, session: None, held: BTreeSet::new() })
    }

    fn identify(&mut self) -> Outcome {
        self.send(&WorkerMessage::Identify(Identify { slots: SLOTS, ..Identify::default() }))?;
        let SentinelMessage::Answer(answer) = self.receive()? else {
            return Err("no answer".into());
        };
        self.session = answer.session;
        Ok(())
    }

    fn leave(&self) -> Outcome {
        let token = self.session.clone();
        let heartbeat = Heartbeat { token, leaving: true, ..Heartbeat::default() };
        self.send(&WorkerMessage::Heartbeat(heartbeat))?;
        self.receive().map(drop)
    }

    fn heartbeat(&self, ready: Vec<ReadyJob>) -> WorkerMessage {
        let progress = |job: &JobAttempt| JobProgress {
            id: job.id,
            attempt: job.attempt,
            rows: 0,
            bytes: 0,
            packed: false,
        };
        WorkerMessage::Heartbeat(Heartbeat {
            token: self.session.clone(),
            jobs: self.held.iter().map(progress).collect(),
            ready,
            ..Heartbeat::default()
        })
    }

    fn send(&self, message: &WorkerMessage) -> Outcome {
        let frames = message.encode()?;
        Ok(self.socket.send_multipart([&frames.header[..], &frames.payload[..]], 0)?)
    }

    fn receive(&self) -> Outcome<SentinelMessage> {
        Ok(SentinelMessage::decode(&self.socket.recv_multipart(0)?)?)
    }

    /// What has come; waits for the first.
    fn receive_all(&self) -> Outcome<Vec<SentinelMessage>> {
        let mut received = vec![self.receive()?];
        while let Ok(frames) = self.socket.recv_multipart(zmq::DONTWAIT) {
            received.push(SentinelMessage::decode(&frames)?);
        }
        Ok(received)
    }

    /// The answers are not decoded: that is the worker's work, and an echo has none.
    fn round_trips(&self, message: &WorkerMessage, window: usize) -> Outcome<Duration> {
        let frames = message.encode()?;
        let send = || self.socket.send_multipart([&frames.header[..], &frames.payload[..]], 0);
        let began = Instant::now();
        for sent in 0..ROUND_TRIPS + window {
            if sent >= window {
                self.socket.recv_multipart(0)?;
            }
            if sent < ROUND_TRIPS {
                send()?;
            }
        }
        Ok(began.elapsed())
    }

    fn work_off(&mut self, jobs: usize) -> Outcome {
        let (mut done, mut ready, mut is_answered) = (0, Vec::new(), true);
        while done < jobs {
            for message in self.receive_all()? {
                match message {
                    SentinelMessage::Dispatch(id, dispatch) => {
                        let job = JobAttempt { id, attempt: dispatch.attempt };
                        self.held.insert(job);
                        ready.push(staged(job));
                    }
                    SentinelMessage::Answer(answer) => {
                        // What is said of CONCLUDEs alone answers no heartbeat.
                        is_answered |= answer.concluded.is_empty();
                        done += self.on_answer(&answer)?;
                    }
                    other => return Err(format!("the Sentinel says {other:?}").into()),
                }
            }
            if is_answered && !ready.is_empty() {
                is_answered = false;
                self.send(&self.heartbeat(std::mem::take(&mut ready)))?;
            }
        }
        Ok(())
    }

    fn on_answer(&mut self, answer: &HeartbeatAnswer) -> Outcome<usize> {
        if let Some(refusal) = answer.refused.first() {
            return Err(format!("a job is refused: {}", refusal.reason).into());
        }
        for grant in &answer.granted {
            let job = JobAttempt { id: grant.id, attempt: grant.attempt };
            self.held.remove(&job);
            self.send(&WorkerMessage::Conclude(job.id, self.conclude(job)))?;
        }
        Ok(answer.concluded.len())
    }

    fn conclude(&self, job: JobAttempt) -> Conclude {
        Conclude {
            status: ConcludeStatus::Success,
            token: self.session.clone(),
            attempt: job.attempt,
            recovery: 0,
            // How long jobs take decides how many are given at once.
            metrics: Metrics { ms: [("execute".to_owned(), 0)].into(), ..Metrics::default() },
            artifacts: Vec::new(),
            error_message: None,
            error_class: None,
            retryable: None,
        }
    }
}

fn staged(job: JobAttempt) -> ReadyJob {
    let commit_id = CommitId::from(job.id);
    ReadyJob { job: job.id, attempt: job.attempt, commit_id, outputs: Vec::new() }
}

/// Files with their versions, tags and jobs, without a scout.
async fn enqueue(work: &Path, jobs: usize) -> Outcome {
    let path = work.join("catalog.db");
    let catalog = Catalog::open(&path.to_string_lossy(), OpenMode::ReadWrite).await?;
    let table = catalog.routing_table().await?;
    let plugins = table.plugins.iter().collect::<Vec<&SubscribedPlugin>>();
    let tags = plugins.iter().flat_map(|plugin| plugin.tags.clone()).collect::<Vec<_>>();
    let stat = FileStat { inode: 1, size: 1, mtime_ns: 1, ctime_ns: 1 };
    let mut hash = [0; 32];
    for first in (0..jobs).step_by(LOCATIONS_IN_BATCH) {
        let mut tx = catalog.begin_scout().await?;
        let root = tx.register_root(b"/data", NOW_US).await?;
        let name = format!("d{first}");
        let directory = NewDirectory { path: name.as_bytes(), digest: None };
        let directory = tx.upsert_directories(root, &[directory], NOW_US).await?[0];
        let names = first..jobs.min(first + LOCATIONS_IN_BATCH);
        let locations = names.map(|n| NewLocation {
            directory,
            name: format!("file_{n:08}").into_bytes(),
            stat,
        });
        tx.upsert_locations(&locations.collect::<Vec<_>>(), NOW_US).await?;
        tx.commit().await?;
        let todo = catalog.todo(&[root], table.epoch, None, LOCATIONS_IN_BATCH).await?;
        let tagged = todo.iter().map(|todo| {
            hash[..8].copy_from_slice(&todo.id.get().to_be_bytes());
            let hash = Some(ContentHash::new(hash));
            Tagged {
                location: todo.id,
                seen: stat,
                stat,
                hash,
                racy: false,
                tags: &tags,
                plugins: &plugins,
            }
        });
        let tagged = tagged.collect::<Vec<_>>();
        let mut tx = catalog.begin_scout().await?;
        tx.record(&tagged, table.epoch, NOW_US).await?;
        tx.commit().await?;
    }
    catalog.close().await;
    Ok(())
}

/// Of all threads of this process.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn memory_mb() -> Outcome<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}

fn say(text: &str) -> Outcome {
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}
