//! The one thread around the ROUTER socket. Frames are decoded here and handed on; what is to be sent comes by a channel,
//! and an eventfd wakes the poll. A message that is none never stops anything.

use super::decide::Peer;
use crossbeam_channel::{Receiver, Sender};
use protocol::{
    CrashPoint, FrameError, PAYLOAD_LEN_MAX, SentinelMessage, WorkerMessage, crash_point,
};
use rustix::event::{EventfdFlags, eventfd};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Messages that wait for the Sentinel; beyond it the socket is not read, and ZeroMQ holds the senders back.
const INBOX_LEN_MAX: usize = 4_096;
/// Messages that are read before what waits to be sent has its turn again.
const RECEIVE_BATCH: usize = 256;
/// Messages that wait in ZeroMQ for one worker; more are dropped, and its lease sorts it out.
const SEND_HIGH_WATER: i32 = 20_000;
/// Frames up to this size are read, to be answered with ERR; a peer that sends larger ones is cut off by ZeroMQ before they are read.
const FRAME_LEN_CUT: i64 = 2 * PAYLOAD_LEN_MAX as i64;
const LINGER_MS: i32 = 1_000;

#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    #[error("cannot listen on {endpoint}: {cause}; is another Sentinel running there?")]
    Bind { endpoint: String, cause: zmq::Error },
    #[error("cannot make a ZeroMQ socket: {0}")]
    Zmq(#[from] zmq::Error),
    #[error("cannot make a wake-up descriptor: {0}")]
    Eventfd(#[from] rustix::io::Errno),
    #[error("cannot start the socket's thread: {0}")]
    Thread(#[from] std::io::Error),
}

#[derive(Debug)]
pub struct Inbound {
    pub peer: Peer,
    pub message: Result<WorkerMessage, FrameError>,
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
        deliver: tokio::sync::mpsc::Sender<Inbound>,
    ) -> Result<Self, SocketError> {
        let context = zmq::Context::new();
        let router = context.socket(zmq::ROUTER)?;
        router.set_linger(LINGER_MS)?;
        router.set_sndhwm(SEND_HIGH_WATER)?;
        router.set_maxmsgsize(FRAME_LEN_CUT)?;
        router.set_tcp_keepalive(1)?;
        let bound = router.bind(endpoint);
        bound.map_err(|cause| SocketError::Bind { endpoint: endpoint.to_owned(), cause })?;
        let endpoint = match router.get_last_endpoint()? {
            Ok(endpoint) => endpoint,
            Err(_) => endpoint.to_owned(),
        };
        let wake_fd = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let closing = Arc::new(AtomicBool::new(false));
        let (queue, to_send) = crossbeam_channel::unbounded();
        let pump =
            Pump { router, to_send, deliver, wake: wake_fd.clone(), closing: closing.clone() };
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

struct Pump {
    router: zmq::Socket,
    to_send: Receiver<(Peer, SentinelMessage)>,
    deliver: tokio::sync::mpsc::Sender<Inbound>,
    wake: Arc<OwnedFd>,
    closing: Arc<AtomicBool>,
}

impl Pump {
    fn run(self) {
        loop {
            let mut items = [
                self.router.as_poll_item(zmq::POLLIN),
                zmq::PollItem::from_fd(self.wake.as_raw_fd(), zmq::POLLIN),
            ];
            if let Err(error) = zmq::poll(&mut items, -1)
                && error != zmq::Error::EINTR
            {
                tracing::error!(%error, "the Sentinel's socket cannot be polled");
                return;
            }
            clear(&self.wake);
            self.send_all();
            if self.closing.load(Ordering::Acquire) || !self.receive_all() {
                return;
            }
        }
    }

    fn send_all(&self) {
        while let Ok((peer, message)) = self.to_send.try_recv() {
            match message.encode() {
                Ok(frames) => {
                    let parts = [&peer.0[..], &frames.header[..], &frames.payload[..]];
                    if let Err(error) = self.router.send_multipart(parts, zmq::DONTWAIT) {
                        tracing::debug!(%error, "a worker takes no message");
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
    fn receive_all(&self) -> bool {
        for _ in 0..RECEIVE_BATCH {
            match self.router.recv_multipart(zmq::DONTWAIT) {
                Ok(mut frames) if !frames.is_empty() => {
                    let peer = Peer(frames.remove(0));
                    let message = WorkerMessage::decode(&frames);
                    if !self.hand_over(Inbound { peer, message }) {
                        return false;
                    }
                }
                Ok(_) => {}
                Err(zmq::Error::EAGAIN) => return true,
                Err(error) => {
                    tracing::warn!(%error, "a message cannot be received");
                    return true;
                }
            }
        }
        true
    }

    /// While the Sentinel is behind, what it wants sent must still go out: it may be waiting for nothing else.
    fn hand_over(&self, mut inbound: Inbound) -> bool {
        use tokio::sync::mpsc::error::TrySendError;
        loop {
            match self.deliver.try_send(inbound) {
                Ok(()) => return true,
                Err(TrySendError::Closed(_)) => return false,
                Err(TrySendError::Full(back)) => {
                    inbound = back;
                    self.send_all();
                    if self.closing.load(Ordering::Acquire) {
                        return false;
                    }
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
            }
        }
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
