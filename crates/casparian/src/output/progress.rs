//! Progress bars: on work that takes longer than two seconds, and only where somebody watches.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const PATIENCE_MS: u64 = 2_000;
/// Between two looks at it.
const PAUSE_MS: u64 = 100;
const DRAWS_PER_SECOND: u8 = 10;

/// One line that tells how far the work is; nothing until it has lasted a while.
#[derive(Debug)]
pub struct Bar {
    bar: Option<ProgressBar>,
    since: Instant,
    /// Milliseconds after that, when something was told.
    told_ms: AtomicU64,
}

impl Bar {
    pub fn new(is_watched: bool) -> Self {
        let bar =
            is_watched.then(|| ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()));
        Self { bar, since: Instant::now(), told_ms: AtomicU64::new(0) }
    }

    /// `done` of `all`, where it is known how much there is.
    pub fn tell(&self, done: u64, all: Option<u64>, text: impl FnOnce() -> String) {
        let Some(bar) = &self.bar else { return };
        let now_ms = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let told_ms = self.told_ms.load(Ordering::Relaxed);
        if now_ms < PATIENCE_MS || now_ms < told_ms + PAUSE_MS {
            return;
        }
        self.told_ms.store(now_ms, Ordering::Relaxed);
        if bar.is_hidden() {
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND));
        }
        bar.set_style(style(all.is_some()));
        match all {
            Some(all) => bar.set_length(all),
            None => bar.unset_length(),
        }
        bar.set_position(done);
        bar.set_message(text());
        bar.tick();
    }

    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.finish();
    }
}

fn style(is_bounded: bool) -> ProgressStyle {
    let template = if is_bounded {
        "{spinner} [{elapsed}] {bar:24} {pos}/{len} {wide_msg}"
    } else {
        "{spinner} [{elapsed}] {wide_msg}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
