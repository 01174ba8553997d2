//! The one thread around the DEALER socket. Messages come and go by channels; an eventfd wakes the poll.

use crate::event::Event;
use crate::settings::{WorkerCurve, WorkerError};
use crossbeam_channel::{Receiver, Sender};
use protocol::{CrashPoint, PAYLOAD_LEN_MAX, SentinelMessage, WorkerMessage, crash_point};
use rustix::event::{EventfdFlags, eventfd};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::thread::JoinHandle;

/// A network that was cut for long leaves a connection that would only try again after minutes: one without an answer is given up for a new one.
const PING_MS: i32 = 5_000;
const PONG_WITHIN_MS: i32 = 20_000;
const CONNECT_WITHIN_MS: i32 = 5_000;
/// Messages that are read before what waits to be sent has its turn again.
const RECEIVE_BATCH: usize = 256;
const FRAME_LEN_CUT: i64 = 2 * PAYLOAD_LEN_MAX as i64;
/// Messages that wait in ZeroMQ for the Sentinel; more are dropped, and said again later.
const SEND_HIGH_WATER: i32 = 20_000;
/// How long the last messages may take to leave at the end.
const LINGER_MS: i32 = 1_000;

enum Outgoing {
    Message(Box<WorkerMessage>),
    NextEndpoint,
}

/// What is sent while no Sentinel is there is dropped: all of it is said again.
pub struct Link {
    outgoing: Option<Sender<Outgoing>>,
    wake: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
    has_choice: bool,
}

impl Link {
    pub fn connect(
        endpoints: Vec<String>,
        curve: Option<WorkerCurve>,
        events: Sender<Event>,
    ) -> Result<Self, WorkerError> {
        if curve.is_some() && zmq::has("curve") != Some(true) {
            return Err(WorkerError::NoCurve);
        }
        let context = zmq::Context::new();
        let first = endpoints.first().ok_or(WorkerError::NoEndpoint)?;
        let dealer = connect(&context, first, curve.as_ref())?;
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let wake = Arc::new(wake.map_err(std::io::Error::from)?);
        let (outgoing, to_send) = crossbeam_channel::unbounded();
        let has_choice = endpoints.len() > 1;
        let called = wake.clone();
        let pump =
            Pump { context, dealer, endpoints, curve, current: 0, to_send, events, wake: called };
        let builder = std::thread::Builder::new().name("worker-link".to_owned());
        let thread = builder.spawn(|| pump.run())?;
        Ok(Self { outgoing: Some(outgoing), wake, thread: Some(thread), has_choice })
    }

    pub fn send(&self, message: WorkerMessage) {
        self.put(Outgoing::Message(Box::new(message)));
    }

    /// The Sentinel does not answer: try the next one.
    pub fn next_endpoint(&self) {
        if self.has_choice {
            self.put(Outgoing::NextEndpoint);
        }
    }

    fn put(&self, outgoing: Outgoing) {
        if let Some(queue) = &self.outgoing {
            // The thread outlives this channel.
            let _ = queue.send(outgoing);
            wake(&self.wake);
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.outgoing = None;
        wake(&self.wake);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn connect(
    context: &zmq::Context,
    endpoint: &str,
    curve: Option<&WorkerCurve>,
) -> Result<zmq::Socket, WorkerError> {
    let dealer = context.socket(zmq::DEALER)?;
    dealer.set_linger(LINGER_MS)?;
    dealer.set_sndhwm(SEND_HIGH_WATER)?;
    dealer.set_maxmsgsize(FRAME_LEN_CUT)?;
    dealer.set_tcp_keepalive(1)?;
    dealer.set_heartbeat_ivl(PING_MS)?;
    dealer.set_heartbeat_timeout(PONG_WITHIN_MS)?;
    dealer.set_connect_timeout(CONNECT_WITHIN_MS)?;
    dealer.set_ipv6(endpoint.starts_with("tcp://["))?;
    if let Some(WorkerCurve { sentinel, own }) = curve {
        dealer.set_curve_serverkey(sentinel.as_bytes())?;
        dealer.set_curve_publickey(own.public.as_bytes())?;
        dealer.set_curve_secretkey(own.secret.as_bytes())?;
    }
    let connected = dealer.connect(endpoint);
    connected.map_err(|cause| WorkerError::Connect { endpoint: endpoint.to_owned(), cause })?;
    Ok(dealer)
}

struct Pump {
    context: zmq::Context,
    dealer: zmq::Socket,
    endpoints: Vec<String>,
    curve: Option<WorkerCurve>,
    current: usize,
    to_send: Receiver<Outgoing>,
    events: Sender<Event>,
    wake: Arc<OwnedFd>,
}

impl Pump {
    fn run(mut self) {
        loop {
            let mut items = [
                self.dealer.as_poll_item(zmq::POLLIN),
                zmq::PollItem::from_fd(self.wake.as_raw_fd(), zmq::POLLIN),
            ];
            if let Err(error) = zmq::poll(&mut items, -1)
                && error != zmq::Error::EINTR
            {
                tracing::error!(%error, "the worker's socket cannot be polled");
                return;
            }
            clear(&self.wake);
            if !self.send_all() || !self.receive_all() {
                return;
            }
        }
    }

    /// False when the worker is gone, and everything it said is sent.
    fn send_all(&mut self) -> bool {
        loop {
            match self.to_send.try_recv() {
                Ok(Outgoing::Message(message)) => self.send(&message),
                Ok(Outgoing::NextEndpoint) => self.next_endpoint(),
                Err(error) => return error.is_empty(),
            }
        }
    }

    fn send(&self, message: &WorkerMessage) {
        match message.encode() {
            Ok(frames) => {
                let parts = [&frames.header[..], &frames.payload[..]];
                said(message, CrashPoint::BeforeReady, CrashPoint::BeforeConclude);
                if let Err(error) = self.dealer.send_multipart(parts, zmq::DONTWAIT) {
                    tracing::debug!(%error, "the Sentinel takes no message");
                }
                said(message, CrashPoint::AfterReady, CrashPoint::AfterConclude);
            }
            Err(error) => tracing::error!(%error, "a message cannot be sent"),
        }
    }

    fn next_endpoint(&mut self) {
        self.current = (self.current + 1) % self.endpoints.len();
        let endpoint = &self.endpoints[self.current];
        match connect(&self.context, endpoint, self.curve.as_ref()) {
            Ok(dealer) => self.dealer = dealer,
            Err(error) => tracing::error!(%error, "this Sentinel cannot be tried"),
        }
    }

    /// A bounded number at a time, so that sending is never starved. False when nobody listens any more.
    fn receive_all(&self) -> bool {
        for _ in 0..RECEIVE_BATCH {
            match self.dealer.recv_multipart(zmq::DONTWAIT) {
                Ok(frames) => match SentinelMessage::decode(&frames) {
                    Ok(message) => {
                        if self.events.send(Event::Sentinel(message)).is_err() {
                            return false;
                        }
                    }
                    Err(error) => tracing::warn!(%error, "the Sentinel sent what is no message"),
                },
                Err(zmq::Error::EAGAIN) => return true,
                Err(error) => {
                    tracing::warn!(%error, "a message cannot be received");
                    return true;
                }
            }
        }
        // The socket's descriptor tells of new messages only: there may be more of these.
        wake(&self.wake);
        true
    }
}

fn said(message: &WorkerMessage, ready: CrashPoint, conclude: CrashPoint) {
    match message {
        WorkerMessage::Heartbeat(heartbeat) if !heartbeat.ready.is_empty() => crash_point(ready),
        WorkerMessage::Conclude(..) => crash_point(conclude),
        _ => {}
    }
}

fn wake(fd: &OwnedFd) {
    // A full counter is already a wake-up.
    let _ = rustix::io::write(fd, &1u64.to_ne_bytes());
}

fn clear(fd: &OwnedFd) {
    // Nothing to read is fine: the poll woke up for the socket.
    let _ = rustix::io::read(fd, &mut [0u8; 8]);
}
