//! How many connections there are, of whom. One peer cannot take the descriptors that the Sentinel needs for everybody else: what is beyond its
//! share is shut down as soon as it is accepted.

use super::refusals::Refusals;
use rustix::net::{Shutdown, getpeername, shutdown};
use rustix::process::{
    PidfdFlags, PidfdGetfdFlags, Resource, getpid, getrlimit, pidfd_getfd, pidfd_open,
};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{OwnedFd, RawFd};
use std::sync::Arc;

/// Of one address; all workers of a host have one.
const OF_ONE_MAX: usize = 1_000;
/// Descriptors for everything else: catalog, plugins, log.
const SPARED: u64 = 256;
const ENDPOINT: &str = "inproc://connections";
/// Two frames: number and value of the event, and the endpoint.
const EVENT_LEN: usize = 6;

pub(super) struct Crowd {
    events: zmq::Socket,
    /// Where a descriptor leads, of those that are counted.
    peers: HashMap<RawFd, Option<IpAddr>>,
    /// Connections by address; those on this machine that have none count together.
    counts: HashMap<Option<IpAddr>, usize>,
    all_max: usize,
    /// This one.
    process: Option<OwnedFd>,
    refusals: Arc<Refusals>,
}

impl Crowd {
    /// Before the socket is bound.
    pub(super) fn watch(
        context: &zmq::Context,
        router: &zmq::Socket,
        refusals: Arc<Refusals>,
    ) -> zmq::Result<Self> {
        let wanted = zmq::SocketEvent::ACCEPTED as i32 | zmq::SocketEvent::DISCONNECTED as i32;
        router.monitor(ENDPOINT, wanted)?;
        let events = context.socket(zmq::PAIR)?;
        // ZeroMQ's own thread waits where its events are not taken.
        events.set_rcvhwm(0)?;
        events.connect(ENDPOINT)?;
        let (peers, counts) = (HashMap::new(), HashMap::new());
        // A kernel that has no such thing lets everybody in.
        let process = pidfd_open(getpid(), PidfdFlags::empty()).ok();
        Ok(Self { events, peers, counts, all_max: connections_max(), process, refusals })
    }

    pub(super) fn socket(&self) -> &zmq::Socket {
        &self.events
    }

    /// Takes note of who came and went.
    pub(super) fn heed(&mut self) {
        while let Ok(event) = self.events.recv_bytes(zmq::DONTWAIT) {
            // The endpoint: ours, always.
            let _ = self.events.recv_bytes(zmq::DONTWAIT);
            let Some((number, fd)) = parse(&event) else { continue };
            if number == zmq::SocketEvent::ACCEPTED as u16 {
                self.came(fd);
            } else {
                self.went(fd);
            }
        }
    }

    fn came(&mut self, fd: RawFd) {
        self.went(fd);
        // It may be gone by now, or be another file that has no peer.
        let Some((connection, peer)) = self.connection(fd) else { return };
        let of_one = self.counts.get(&peer).copied().unwrap_or(0);
        if of_one >= OF_ONE_MAX || self.peers.len() >= self.all_max {
            self.refusals.crowding(peer);
            // ZeroMQ sees that it has ended, and closes it.
            let _ = shutdown(&connection, Shutdown::Both);
            return;
        }
        self.peers.insert(fd, peer);
        *self.counts.entry(peer).or_default() += 1;
    }

    /// By a descriptor of our own, which stays what it is whatever ZeroMQ does meanwhile.
    fn connection(&self, fd: RawFd) -> Option<(OwnedFd, Option<IpAddr>)> {
        let own = pidfd_getfd(self.process.as_ref()?, fd, PidfdGetfdFlags::empty()).ok()?;
        // On this machine most have no address.
        let address = getpeername(&own).ok()?.and_then(|it| SocketAddr::try_from(it).ok());
        Some((own, address.map(|address| address.ip().to_canonical())))
    }

    fn went(&mut self, fd: RawFd) {
        let Some(peer) = self.peers.remove(&fd) else { return };
        if let Some(count) = self.counts.get_mut(&peer) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&peer);
            }
        }
    }
}

/// As many as the process may have files open, but for those that it needs itself.
fn connections_max() -> usize {
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(descriptors.saturating_sub(SPARED).max(descriptors / 2)).unwrap_or(usize::MAX)
}

fn parse(event: &[u8]) -> Option<(u16, RawFd)> {
    let [n0, n1, v0, v1, v2, v3] = *event.first_chunk::<EVENT_LEN>()?;
    Some((u16::from_ne_bytes([n0, n1]), RawFd::from_ne_bytes([v0, v1, v2, v3])))
}
