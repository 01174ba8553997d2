//! Answers ZeroMQ's question who may connect (ZAP, RFC 27), on a thread of its own: by the public key, which CURVE has verified.

use super::allow_list::AllowList;
use super::refusals::Refusals;
use protocol::PublicKey;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Where libzmq asks; it must be bound before any socket that it asks for.
const ENDPOINT: &str = "inproc://zeromq.zap.01";
/// How soon a withdrawn key is noticed.
const LOOK_EVERY_MS: i64 = 250;
const VERSION: &[u8] = b"1.0";

#[derive(Debug)]
pub(super) struct Zap {
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Zap {
    pub(super) fn start(
        context: &zmq::Context,
        allowed: Arc<AllowList>,
        refusals: Arc<Refusals>,
    ) -> Result<Self, super::SocketError> {
        let socket = context.socket(zmq::REP)?;
        socket.set_linger(0)?;
        socket.bind(ENDPOINT)?;
        let closing = Arc::new(AtomicBool::new(false));
        let handler = Handler { socket, allowed, refusals, closing: closing.clone() };
        let builder = std::thread::Builder::new().name("sentinel-zap".to_owned());
        let thread = builder.spawn(move || handler.run())?;
        Ok(Self { closing, thread: Some(thread) })
    }
}

impl Drop for Zap {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Handler {
    socket: zmq::Socket,
    allowed: Arc<AllowList>,
    refusals: Arc<Refusals>,
    closing: Arc<AtomicBool>,
}

impl Handler {
    fn run(self) {
        let mut seen = self.allowed.stamp();
        while !self.closing.load(Ordering::Acquire) {
            let asked = self.socket.poll(zmq::POLLIN, LOOK_EVERY_MS);
            let stamp = self.allowed.stamp();
            if stamp != seen {
                seen = stamp;
                self.allowed.read_again();
            }
            if matches!(asked, Ok(1..))
                && let Ok(request) = self.socket.recv_multipart(zmq::DONTWAIT)
                && let Err(error) = self.answer(&request)
            {
                tracing::error!(%error, "a worker that connects gets no answer");
            }
        }
    }

    /// Request: version, request id, domain, address, identity, mechanism, public key.
    fn answer(&self, request: &[Vec<u8>]) -> zmq::Result<()> {
        let id = request.get(1).map_or(&b""[..], Vec::as_slice);
        let key = match request {
            [version, _, _, _, _, mechanism, key]
                if version == VERSION && mechanism == b"CURVE" =>
            {
                <[u8; 32]>::try_from(&key[..]).ok().map(PublicKey::new)
            }
            _ => None,
        };
        let key = key.map(|key| key.to_string()).filter(|key| self.allowed.allows(key));
        match &key {
            Some(key) => self.reply(id, b"200", b"", key.as_bytes()),
            None => {
                self.refuse(request);
                self.reply(id, b"400", b"this key is not allowed", b"")
            }
        }
    }

    fn reply(&self, id: &[u8], code: &[u8], text: &[u8], user: &[u8]) -> zmq::Result<()> {
        self.socket.send_multipart([VERSION, id, code, text, user, b""], 0)
    }

    fn refuse(&self, request: &[Vec<u8>]) {
        let address = request.get(3).map(|text| String::from_utf8_lossy(text));
        let key = request.get(6).and_then(|key| <[u8; 32]>::try_from(&key[..]).ok());
        let key = key.map(|key| PublicKey::new(key).to_string()).unwrap_or_default();
        self.refusals.stranger(&address.unwrap_or_default(), &key);
    }
}
