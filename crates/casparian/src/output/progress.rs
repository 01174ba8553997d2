//! Progress bars: on work that takes longer than two seconds, and only where somebody watches.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(2);
const DRAWS_PER_SECOND: u8 = 8;

/// One line that tells how far the work is; nothing until it has lasted a while.
#[derive(Debug)]
pub struct Bar {
    bar: Option<ProgressBar>,
    since: Instant,
}

impl Bar {
    pub fn new(is_watched: bool) -> Self {
        let bar =
            is_watched.then(|| ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()));
        Self { bar, since: Instant::now() }
    }

    /// `done` of `all`, where it is known how much there is.
    pub fn tell(&self, done: u64, all: Option<u64>, text: String) {
        let Some(bar) = &self.bar else { return };
        if self.since.elapsed() < PATIENCE {
            return;
        }
        if bar.is_hidden() {
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND));
        }
        bar.set_style(style(all.is_some()));
        match all {
            Some(all) => bar.set_length(all),
            None => bar.unset_length(),
        }
        bar.set_position(done);
        bar.set_message(text);
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
