//! A worker as the wire sees it.

use crate::mutation::Rng;
use protocol::{
    AnnouncedPlugin, CommitId, Conclude, ConcludeStatus, ContentHash, Environment, ErrorClass,
    Heartbeat, HeartbeatAnswer, Identify, JobAttempt, JobId, JobProgress, Metrics, Opcode,
    PROTOCOL_VERSION, PluginLanguage, ReadyJob, SentinelMessage, SessionToken, SinkTarget,
    StagedOutput, WorkerMessage, final_name, staged_name,
};
use serde_json::Value;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

pub struct Peer {
    socket: zmq::Socket,
    pub session: Option<SessionToken>,
    held: Vec<JobAttempt>,
    /// Of the job that came last.
    sinks: Vec<SinkTarget>,
    /// Said in every heartbeat from then on.
    pub leaving: bool,
}

impl Peer {
    pub fn connect(endpoint: &str) -> Self {
        let socket = zmq::Context::new().socket(zmq::DEALER).unwrap();
        socket.set_linger(0).unwrap();
        socket.set_rcvtimeo(200).unwrap();
        socket.connect(endpoint).unwrap();
        Self { socket, session: None, held: Vec::new(), sinks: Vec::new(), leaving: false }
    }

    pub fn send(&self, message: &WorkerMessage) {
        let frames = message.encode().unwrap();
        self.send_raw(&[&frames.header, &frames.payload]);
    }

    pub fn send_raw(&self, frames: &[&[u8]]) {
        self.socket.send_multipart(frames, 0).unwrap();
    }

    fn try_receive(&self) -> Option<SentinelMessage> {
        let frames = self.socket.recv_multipart(0).ok()?;
        Some(SentinelMessage::decode(&frames).unwrap())
    }

    /// Jobs that are given away are remembered, so that more can be said of them.
    pub fn take_what_comes(&mut self) {
        while let Ok(frames) = self.socket.recv_multipart(zmq::DONTWAIT) {
            match SentinelMessage::decode(&frames) {
                Ok(SentinelMessage::Dispatch(id, dispatch)) => {
                    self.held.push(JobAttempt { id, attempt: dispatch.attempt });
                    self.sinks = dispatch.sinks;
                }
                Ok(SentinelMessage::Answer(answer)) if answer.session.is_some() => {
                    self.session = answer.session;
                }
                _ => {}
            }
        }
    }

    /// Something that a good worker might say now: opcode, job and payload.
    pub fn a_message(&self, rng: &mut Rng) -> (Opcode, u64, Value) {
        let held = match self.held.len() {
            0 => JobAttempt { id: JobId::new(7), attempt: 1 },
            len => self.held[rng.below(len)],
        };
        let message = match rng.below(4) {
            0 => WorkerMessage::Identify(Identify {
                worker_id: "liar".parse().ok(),
                plugins: vec![announced("p"), announced("q")],
                slots: 2,
                token: self.session.clone().filter(|_| rng.below(2) == 0),
                environment: Environment {
                    plugins_dir: "/plugins".to_owned(),
                    versions: [("python".to_owned(), "3".to_owned())].into(),
                    ..Environment::default()
                },
                ..Identify::default()
            }),
            1 => WorkerMessage::Conclude(held.id, self.conclusion(held, rng.below(2) == 0)),
            _ => self.heartbeat(vec![self.staged(held)]),
        };
        let frames = message.encode().unwrap();
        let payload = serde_json::from_slice(&frames.payload).unwrap();
        let opcode = match message {
            WorkerMessage::Identify(_) => Opcode::Identify,
            WorkerMessage::Conclude(..) => Opcode::Conclude,
            _ => Opcode::Heartbeat,
        };
        (opcode, held.id.get().cast_unsigned(), payload)
    }

    fn staged(&self, job: JobAttempt) -> ReadyJob {
        let output = |sink: &SinkTarget| StagedOutput {
            topic: sink.topic.clone(),
            uri: sink.uri.clone(),
            staged: staged_name(&"liar".parse().unwrap(), job.into()),
            final_name: final_name(job.into()),
            row_start: 0,
            rows: 1,
            size_bytes: 1,
            hash: ContentHash::new([1; 32]),
            schema: serde_json::from_str(r#"[{"name":"a","type":"int64"}]"#).unwrap(),
            schema_version: 0,
            reasons: Vec::new(),
        };
        ReadyJob {
            job: job.id,
            attempt: job.attempt,
            commit_id: CommitId::from(job.id),
            outputs: self.sinks.iter().map(output).collect(),
        }
    }

    fn conclusion(&self, job: JobAttempt, is_good: bool) -> Conclude {
        let ms = [("execute".to_owned(), 1)].into();
        Conclude {
            status: if is_good { ConcludeStatus::Success } else { ConcludeStatus::Failed },
            token: self.session.clone(),
            attempt: job.attempt,
            recovery: 0,
            metrics: Metrics { rows: 1, size_bytes: 1, bytes_in: 1, ms, ..Metrics::default() },
            artifacts: Vec::new(),
            error_message: (!is_good).then(|| "it fails".to_owned()),
            error_class: (!is_good).then_some(ErrorClass::Crash),
            retryable: None,
        }
    }

    pub fn send_json(&self, opcode: Opcode, job: u64, payload: &Value) {
        let payload = serde_json::to_vec(payload).unwrap();
        let length = u32::try_from(payload.len()).unwrap();
        let mut header = vec![PROTOCOL_VERSION, opcode as u8, 0, 0];
        header.extend(job.to_be_bytes());
        header.extend(length.to_be_bytes());
        self.send_raw(&[&header, &payload]);
    }

    /// Says that it takes nothing more and holds nothing.
    pub fn leave(&mut self) {
        self.identify();
        self.held.clear();
        self.leaving = true;
        self.send(&self.heartbeat(Vec::new()));
    }

    pub fn receive(&self) -> SentinelMessage {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(message) = self.try_receive() {
                return message;
            }
        }
        panic!("the Sentinel says nothing");
    }

    pub fn identify(&mut self) {
        let answer = self.ask(|peer| {
            let identify = Identify {
                slots: 1,
                token: peer.session.clone(),
                environment: Environment { host: "elsewhere".to_owned(), ..Environment::default() },
                ..Identify::default()
            };
            (WorkerMessage::Identify(identify), |answer| answer.accepted == Some(true))
        });
        self.session = answer.session;
    }

    /// After a time in which the Sentinel may have forgotten everybody.
    pub fn identify_anew(&mut self) {
        self.identify();
    }

    /// Sends again and again, as a worker does, until an answer suits.
    fn ask(
        &self,
        message: impl Fn(&Self) -> (WorkerMessage, fn(&HeartbeatAnswer) -> bool),
    ) -> HeartbeatAnswer {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let (message, suits) = message(self);
            self.send(&message);
            while let Some(message) = self.try_receive() {
                match message {
                    SentinelMessage::Answer(answer) if suits(&answer) => return answer,
                    _ => {}
                }
            }
        }
        panic!("the Sentinel does not answer");
    }

    pub fn next_dispatch(&mut self) -> JobAttempt {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            self.send(&self.heartbeat(Vec::new()));
            while let Some(message) = self.try_receive() {
                if let SentinelMessage::Dispatch(id, dispatch) = message {
                    let job = JobAttempt { id, attempt: dispatch.attempt };
                    self.held.push(job);
                    return job;
                }
            }
        }
        panic!("no job comes");
    }

    /// What the Sentinel wants stopped, and why.
    pub fn next_abort(&self) -> (JobId, String) {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(SentinelMessage::Abort(id, abort)) = self.try_receive() {
                return (id, abort.reason);
            }
        }
        panic!("nothing is aborted");
    }

    pub fn forget(&mut self, job: JobAttempt) {
        self.held.retain(|held| *held != job);
    }

    /// Whatever comes in a while; whether a job was among it.
    pub fn is_given_a_job(&self) -> bool {
        let received = std::iter::from_fn(|| self.try_receive());
        received.filter(|next| matches!(next, SentinelMessage::Dispatch(..))).count() > 0
    }

    fn heartbeat(&self, ready: Vec<ReadyJob>) -> WorkerMessage {
        let jobs = self.held.iter().map(|job| JobProgress {
            id: job.id,
            attempt: job.attempt,
            rows: 0,
            bytes: 0,
            packed: false,
        });
        WorkerMessage::Heartbeat(Heartbeat {
            token: self.session.clone(),
            jobs: jobs.collect(),
            ready,
            leaving: self.leaving,
            ..Heartbeat::default()
        })
    }

    pub fn beat_until(&self, suits: fn(&HeartbeatAnswer) -> bool) -> HeartbeatAnswer {
        self.ask(|peer| (peer.heartbeat(Vec::new()), suits))
    }

    /// Staged, without any output.
    pub fn ready(&self, job: JobAttempt) -> HeartbeatAnswer {
        let ready = ReadyJob {
            job: job.id,
            attempt: job.attempt,
            commit_id: CommitId::from(job.id),
            outputs: Vec::new(),
        };
        self.ask(|peer| {
            (peer.heartbeat(vec![ready.clone()]), |answer| {
                !answer.granted.is_empty() || !answer.refused.is_empty()
            })
        })
    }

    pub fn conclude(&mut self, job: JobAttempt) -> HeartbeatAnswer {
        let conclude = Conclude {
            status: ConcludeStatus::Success,
            token: self.session.clone(),
            attempt: job.attempt,
            recovery: 0,
            metrics: Metrics::default(),
            artifacts: Vec::new(),
            error_message: None,
            error_class: None,
            retryable: None,
        };
        let answer = self.ask(|_| {
            (WorkerMessage::Conclude(job.id, conclude.clone()), |answer| {
                !answer.concluded.is_empty()
                    || !answer.refused.is_empty()
                    || answer.accepted == Some(false)
            })
        });
        self.held.retain(|held| *held != job);
        answer
    }
}

fn announced(name: &str) -> AnnouncedPlugin {
    let source = format!("# PATTERN: *.{name}\n# TOPIC: {name}\n");
    AnnouncedPlugin { name: name.to_owned(), source, lock: None, language: PluginLanguage::Python }
}
