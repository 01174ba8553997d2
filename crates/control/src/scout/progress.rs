//! Counters that a progress bar reads while a pass runs.

use std::sync::atomic::{AtomicU64, Ordering};

/// Since the start of the pass. Each counter only grows within a pass.
#[derive(Debug, Default)]
pub struct Progress {
    pub(crate) directories_seen: Counter,
    pub(crate) files_seen: Counter,
    pub(crate) files_stored: Counter,
    pub(crate) files_hashed: Counter,
    pub(crate) bytes_hashed: Counter,
    pub(crate) versions: Counter,
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProgressCounts {
    pub directories_seen: u64,
    pub files_seen: u64,
    /// New and changed files written to the inventory.
    pub files_stored: u64,
    pub files_hashed: u64,
    pub bytes_hashed: u64,
    pub versions: u64,
}

impl Progress {
    pub fn counts(&self) -> ProgressCounts {
        ProgressCounts {
            directories_seen: self.directories_seen.get(),
            files_seen: self.files_seen.get(),
            files_stored: self.files_stored.get(),
            files_hashed: self.files_hashed.get(),
            bytes_hashed: self.bytes_hashed.get(),
            versions: self.versions.get(),
        }
    }

    pub(crate) fn reset(&self) {
        let all = [
            &self.directories_seen,
            &self.files_seen,
            &self.files_stored,
            &self.files_hashed,
            &self.bytes_hashed,
            &self.versions,
        ];
        all.iter().for_each(|counter| counter.0.store(0, Ordering::Relaxed));
    }
}
