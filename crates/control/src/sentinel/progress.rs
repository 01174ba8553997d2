//! What a Sentinel has done so far, for whoever shows it.

use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, Default)]
pub struct Progress {
    completed: AtomicU64,
    failed: AtomicU64,
    rows: AtomicU64,
    workers: AtomicU64,
    in_flight: AtomicU64,
}

/// The counts of one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProgressSnapshot {
    pub completed: u64,
    /// Attempts that did not succeed.
    pub failed: u64,
    pub rows: u64,
    pub workers: u64,
    pub in_flight: u64,
}

impl Progress {
    pub fn snapshot(&self) -> ProgressSnapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ProgressSnapshot {
            completed: read(&self.completed),
            failed: read(&self.failed),
            rows: read(&self.rows),
            workers: read(&self.workers),
            in_flight: read(&self.in_flight),
        }
    }

    pub(super) fn count_completed(&self, jobs: u64) {
        self.completed.fetch_add(jobs, Ordering::Relaxed);
    }

    pub(super) fn count_failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_rows(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    pub(super) fn set_gauges(&self, workers: usize, in_flight: usize) {
        self.workers.store(workers as u64, Ordering::Relaxed);
        self.in_flight.store(in_flight as u64, Ordering::Relaxed);
    }
}
