//! The wish that something comes to an end: scout looks at it between files and batches, the Sentinel between steps.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

#[derive(Debug, Clone, Default)]
pub struct Stop {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    wanted: AtomicBool,
    notify: Notify,
}

impl Stop {
    pub fn new() -> Self {
        Self::default()
    }

    /// May be called from any thread, and more than once.
    pub fn stop(&self) {
        self.inner.wanted.store(true, Ordering::SeqCst);
        self.inner.notify.notify_waiters();
    }

    pub fn is_wanted(&self) -> bool {
        self.inner.wanted.load(Ordering::Relaxed)
    }

    /// Returns once `stop` was called, before or after this.
    pub async fn wanted(&self) {
        let notified = self.inner.notify.notified();
        if !self.is_wanted() {
            notified.await;
        }
    }
}
