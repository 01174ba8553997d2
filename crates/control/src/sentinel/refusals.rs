//! What is refused, counted, and logged each time that the number has doubled: whoever knocks all the time does not fill the log.

use serde::Serialize;
use std::fmt::Display;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, Default)]
pub struct Refusals {
    /// Connections without an allowed key.
    strangers: AtomicU64,
    /// Connections beyond what one address may have, or all.
    crowding: AtomicU64,
    /// Messages of workers whose key was withdrawn.
    withdrawn: AtomicU64,
    /// Frames that were no messages.
    malformed: AtomicU64,
    /// Messages of no session, and receipts for jobs that are not their sender's.
    strange: AtomicU64,
}

/// The counts of one moment, since the Sentinel was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Refused {
    pub connections: u64,
    pub crowding: u64,
    pub withdrawn: u64,
    pub malformed: u64,
    pub strange: u64,
}

impl Refusals {
    pub fn snapshot(&self) -> Refused {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Refused {
            connections: read(&self.strangers),
            crowding: read(&self.crowding),
            withdrawn: read(&self.withdrawn),
            malformed: read(&self.malformed),
            strange: read(&self.strange),
        }
    }

    pub(super) fn stranger(&self, address: &str, key: &str) {
        if let Some(refused) = count(&self.strangers) {
            tracing::warn!(
                address,
                key,
                refused,
                "a connection is refused: its key is not on the list of allowed workers"
            );
        }
    }

    pub(super) fn crowding(&self, address: Option<IpAddr>) {
        if let Some(refused) = count(&self.crowding) {
            let address = address.map_or_else(|| "this machine".to_owned(), |it| it.to_string());
            tracing::warn!(address, refused, "a connection is refused: there are too many");
        }
    }

    pub(super) fn withdrawn(&self) {
        if let Some(refused) = count(&self.withdrawn) {
            tracing::warn!(refused, "a message is refused: its worker's key was withdrawn");
        }
    }

    pub(super) fn malformed(&self, error: &dyn Display) {
        if let Some(refused) = count(&self.malformed) {
            tracing::warn!(%error, refused, "a message is refused");
        }
    }

    pub(super) fn strange(&self) {
        if let Some(refused) = count(&self.strange) {
            // Not always an attack: a worker of an earlier Sentinel is told to identify again.
            tracing::info!(
                refused,
                "a message is refused: it is of no session of this Sentinel, or about a job that is not its sender's"
            );
        }
    }
}

fn count(counter: &AtomicU64) -> Option<u64> {
    let refused = counter.fetch_add(1, Ordering::Relaxed) + 1;
    refused.is_power_of_two().then_some(refused)
}
