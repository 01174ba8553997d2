//! A worker as the wire sees it.

use protocol::{
    CommitId, Conclude, ConcludeStatus, Environment, Heartbeat, HeartbeatAnswer, Identify,
    JobAttempt, JobId, JobProgress, Metrics, ReadyJob, SentinelMessage, SessionToken,
    WorkerMessage,
};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

pub struct Peer {
    socket: zmq::Socket,
    pub session: Option<SessionToken>,
    held: Vec<JobAttempt>,
    /// Said in every heartbeat from then on.
    pub leaving: bool,
}

impl Peer {
    pub fn connect(endpoint: &str) -> Self {
        let socket = zmq::Context::new().socket(zmq::DEALER).unwrap();
        socket.set_linger(0).unwrap();
        socket.set_rcvtimeo(200).unwrap();
        socket.connect(endpoint).unwrap();
        Self { socket, session: None, held: Vec::new(), leaving: false }
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
