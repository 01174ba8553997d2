//! The one thread around the ROUTER socket. Frames are decoded here and handed on; what is to be sent comes by a channel,
//! and an eventfd wakes the poll. A message that is none never stops anything.

use super::allow_list::AllowListError;
use super::crowd::Crowd;
use super::decide::Peer;
use super::door::{Door, SentinelCurve};
use super::refusals::Refusals;
use crossbeam_channel::{Receiver, Sender};
use protocol::{
    CrashPoint, FrameError, PAYLOAD_LEN_MAX, SentinelMessage, WorkerMessage, crash_point,
};
use rustix::event::{EventfdFlags, eventfd};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

/// Messages that wait for the Sentinel; beyond it the socket is not read, and ZeroMQ holds the senders back.
const INBOX_LEN_MAX: usize = 4_096;
/// Bytes of these, and one message more.
const INBOX_BYTES_MAX: usize = 64 << 20;
/// Messages that are read before what waits to be sent has its turn again.
const RECEIVE_BATCH: usize = 256;
/// A connection that has not said by then what it is ends.
const HANDSHAKE_MS: i32 = 10_000;
/// Messages of one worker that wait in ZeroMQ; beyond it the worker's own system holds them back.
const RECEIVE_HIGH_WATER: i32 = 64;
/// Messages that wait in ZeroMQ for one worker; more are dropped, and its lease sorts it out.
const SEND_HIGH_WATER: i32 = 20_000;
/// Frames up to this size are read, to be answered with ERR; a peer that sends larger ones is cut off by ZeroMQ before they are read.
const FRAME_LEN_CUT: i64 = 2 * PAYLOAD_LEN_MAX as i64;
/// Of a message; more are counted and not kept.
const FRAMES_MAX: usize = 2;
const LINGER_MS: i32 = 1_000;

#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    #[error("cannot listen on {endpoint}: {cause}; is another Sentinel running there?")]
    Bind { endpoint: String, cause: zmq::Error },
    #[error(transparent)]
    AllowList(#[from] AllowListError),
    #[error("the libzmq of this machine has no CURVE")]
    NoCurve,
    #[error("cannot make a ZeroMQ socket: {0}")]
    Zmq(#[from] zmq::Error),
    #[error("cannot make a wake-up descriptor: {0}")]
    Eventfd(#[from] rustix::io::Errno),
    #[error("cannot start the socket's thread: {0}")]
    Thread(#[from] std::io::Error),
}

#[derive(Debug)]
pub enum Inbound {
    Message(Peer, Result<WorkerMessage, FrameError>, Weight),
    /// What was sent to this peer found no connection.
    Unreachable(Peer),
}

/// The bytes of a message, which count for as long as it waits.
#[derive(Debug)]
pub struct Weight {
    bytes: usize,
    waiting: Arc<AtomicUsize>,
}

impl Weight {
    fn new(bytes: usize, waiting: &Arc<AtomicUsize>) -> Self {
        waiting.fetch_add(bytes, Ordering::AcqRel);
        Self { bytes, waiting: waiting.clone() }
    }
}

impl Drop for Weight {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

/// Where to put what is to be sent.
#[derive(Debug, Clone)]
pub struct Outbox {
    queue: Sender<(Peer, SentinelMessage)>,
    wake: Arc<OwnedFd>,
}

impl Outbox {
    pub fn send(&self, peer: Peer, message: SentinelMessage) {
        // The thread ends only after this outbox is gone.
        let _ = self.queue.send((peer, message));
    }

    /// To be called once after a batch of sends.
    pub fn flush(&self) {
        wake(&self.wake);
    }
}

#[derive(Debug)]
pub struct Socket {
    outbox: Outbox,
    /// The address that workers connect to, with the port that was really taken.
    pub endpoint: String,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Socket {
    /// `deliver` takes one message; it blocks while the Sentinel is behind, and is false when the Sentinel is gone.
    pub fn bind(
        endpoint: &str,
        curve: Option<SentinelCurve>,
        deliver: tokio::sync::mpsc::Sender<Inbound>,
        refusals: Arc<Refusals>,
    ) -> Result<Self, SocketError> {
        let context = zmq::Context::new();
        let router = router(&context, endpoint)?;
        let crowd = Crowd::watch(&context, &router, refusals.clone())?;
        let door =
            curve.map(|curve| Door::open(&context, &router, curve, &refusals)).transpose()?;
        let bound = router.bind(endpoint);
        bound.map_err(|cause| SocketError::Bind { endpoint: endpoint.to_owned(), cause })?;
        let endpoint = match router.get_last_endpoint()? {
            Ok(endpoint) => endpoint,
            Err(_) => endpoint.to_owned(),
        };
        let wake_fd = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let closing = Arc::new(AtomicBool::new(false));
        let (queue, to_send) = crossbeam_channel::unbounded();
        let (wake, is_closing) = (wake_fd.clone(), closing.clone());
        let waiting = Arc::default();
        let pump = Pump {
            router,
            crowd,
            door,
            waiting,
            to_send,
            deliver,
            wake,
            closing: is_closing,
            refusals,
        };
        let thread =
            std::thread::Builder::new().name("sentinel-socket".to_owned()).spawn(|| pump.run())?;
        let outbox = Outbox { queue, wake: wake_fd };
        Ok(Self { outbox, endpoint, closing, thread: Some(thread) })
    }

    pub fn outbox(&self) -> Outbox {
        self.outbox.clone()
    }

    pub fn inbox() -> (tokio::sync::mpsc::Sender<Inbound>, tokio::sync::mpsc::Receiver<Inbound>) {
        tokio::sync::mpsc::channel(INBOX_LEN_MAX)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
        self.outbox.flush();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn router(context: &zmq::Context, endpoint: &str) -> Result<zmq::Socket, SocketError> {
    let router = context.socket(zmq::ROUTER)?;
    router.set_linger(LINGER_MS)?;
    router.set_sndhwm(SEND_HIGH_WATER)?;
    router.set_maxmsgsize(FRAME_LEN_CUT)?;
    router.set_tcp_keepalive(1)?;
    router.set_handshake_ivl(HANDSHAKE_MS)?;
    router.set_rcvhwm(RECEIVE_HIGH_WATER)?;
    router.set_router_mandatory(true)?;
    router.set_ipv6(endpoint.starts_with("tcp://["))?;
    Ok(router)
}

struct Pump {
    router: zmq::Socket,
    crowd: Crowd,
    door: Option<Door>,
    /// Bytes that wait for the Sentinel.
    waiting: Arc<AtomicUsize>,
    to_send: Receiver<(Peer, SentinelMessage)>,
    deliver: tokio::sync::mpsc::Sender<Inbound>,
    wake: Arc<OwnedFd>,
    closing: Arc<AtomicBool>,
    refusals: Arc<Refusals>,
}

impl Pump {
    fn run(mut self) {
        loop {
            let mut items = [
                self.router.as_poll_item(zmq::POLLIN),
                self.crowd.socket().as_poll_item(zmq::POLLIN),
                zmq::PollItem::from_fd(self.wake.as_raw_fd(), zmq::POLLIN),
            ];
            if let Err(error) = zmq::poll(&mut items, -1)
                && error != zmq::Error::EINTR
            {
                tracing::error!(%error, "the Sentinel's socket cannot be polled");
                return;
            }
            clear(&self.wake);
            self.crowd.heed();
            self.send_all();
            if self.closing.load(Ordering::Acquire) || !self.receive_all() {
                return;
            }
        }
    }

    fn send_all(&mut self) {
        while let Ok((peer, message)) = self.to_send.try_recv() {
            if let (Some(door), SentinelMessage::Answer(answer)) = (&mut self.door, &message) {
                door.owners.answered(&peer, answer);
            }
            match message.encode() {
                Ok(frames) => {
                    let parts = [&peer.0[..], &frames.header[..], &frames.payload[..]];
                    match self.router.send_multipart(parts, zmq::DONTWAIT) {
                        // While the inbox is full it is not told: then its lease sorts it out.
                        Err(zmq::Error::EHOSTUNREACH) => {
                            drop(self.deliver.try_send(Inbound::Unreachable(peer)));
                        }
                        Err(error) => tracing::debug!(%error, "a worker takes no message"),
                        Ok(()) => {}
                    }
                    if has_grants(&message) {
                        crash_point(CrashPoint::GrantSent);
                    }
                }
                Err(error) => tracing::error!(%error, "a message cannot be sent"),
            }
        }
    }

    /// A bounded number at a time, so that sending is never starved. False when nobody listens any more.
    fn receive_all(&mut self) -> bool {
        for _ in 0..RECEIVE_BATCH {
            match self.receive() {
                Ok(Some(inbound)) => {
                    if !self.hand_over(inbound) {
                        return false;
                    }
                }
                Ok(None) => {}
                Err(zmq::Error::EAGAIN) => return true,
                Err(error) => {
                    tracing::warn!(%error, "a message cannot be received");
                    return true;
                }
            }
        }
        true
    }

    /// None: it is of a worker that is not allowed any more.
    fn receive(&mut self) -> zmq::Result<Option<Inbound>> {
        let identity = self.router.recv_msg(zmq::DONTWAIT)?;
        let mut frames = Vec::with_capacity(2);
        let mut parts = 0;
        let mut key = None;
        let mut more = identity.get_more();
        while more {
            // The parts of a message come all together or not at all.
            let mut frame = self.router.recv_msg(zmq::DONTWAIT)?;
            more = frame.get_more();
            if parts == 0
                && let Some(door) = &self.door
            {
                key = door.key_of(&mut frame);
                if key.is_none() {
                    return self.drain(more).map(|()| None);
                }
            }
            parts += 1;
            if parts <= FRAMES_MAX {
                frames.push(frame);
            }
        }
        let frames = frames.iter().map(|frame| &frame[..]).collect::<Vec<_>>();
        let weight = Weight::new(frames.iter().map(|frame| frame.len()).sum(), &self.waiting);
        let message = if parts > FRAMES_MAX {
            Err(FrameError::FrameCount { count: parts })
        } else {
            WorkerMessage::decode(&frames)
        };
        let peer = Peer(identity.to_vec());
        if let (Some(door), Some(key), Ok(message)) = (&mut self.door, &key, &message)
            && !door.owners.let_say(&peer, key, message)
        {
            self.refusals.strange();
            return Ok(None);
        }
        Ok(Some(Inbound::Message(peer, message, weight)))
    }

    fn drain(&self, mut more: bool) -> zmq::Result<()> {
        self.refusals.withdrawn();
        while more {
            more = self.router.recv_msg(zmq::DONTWAIT)?.get_more();
        }
        Ok(())
    }

    /// While the Sentinel is behind, what it wants sent must still go out: it may be waiting for nothing else.
    fn hand_over(&mut self, mut inbound: Inbound) -> bool {
        use tokio::sync::mpsc::error::TrySendError;
        loop {
            match self.deliver.try_send(inbound) {
                Ok(()) => break,
                Err(TrySendError::Closed(_)) => return false,
                Err(TrySendError::Full(back)) => inbound = back,
            }
            if !self.wait() {
                return false;
            }
        }
        while self.waiting.load(Ordering::Acquire) > INBOX_BYTES_MAX {
            if !self.wait() {
                return false;
            }
        }
        true
    }

    /// False when it is over.
    fn wait(&mut self) -> bool {
        self.crowd.heed();
        self.send_all();
        std::thread::sleep(std::time::Duration::from_millis(1));
        !self.closing.load(Ordering::Acquire) && !self.deliver.is_closed()
    }
}

fn has_grants(message: &SentinelMessage) -> bool {
    matches!(message, SentinelMessage::Answer(answer) if !answer.granted.is_empty())
}

fn wake(fd: &OwnedFd) {
    // A full counter is already a wake-up.
    let _ = rustix::io::write(fd, &1u64.to_ne_bytes());
}

fn clear(fd: &OwnedFd) {
    // Nothing to read is fine: the poll woke up for the socket.
    let _ = rustix::io::read(fd, &mut [0u8; 8]);
}
