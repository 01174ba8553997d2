//! What other threads see of a running job, and how they stop it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, Default)]
pub struct JobControl {
    abort: OnceLock<String>,
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl JobControl {
    /// The first reason counts.
    pub fn abort(&self, reason: &str) {
        self.abort.get_or_init(|| reason.to_owned());
    }

    pub fn abort_reason(&self) -> Option<&str> {
        self.abort.get().map(String::as_str)
    }

    pub fn add_rows(&self, rows: u64, bytes: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}
