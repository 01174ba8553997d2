//! Waiting until nothing is left that this run could still do.

use super::engine::Engine;
use crate::failure::Failure;
use crate::output::{Bar, count};
use catalog::{Catalog, Waiting};
use control::Stop;
use control::clock::{Clock, SystemClock};
use std::time::{Duration, Instant};

/// The shortest run is not longer than its work by more than this.
const POLL: Duration = Duration::from_millis(10);
/// Looking at the queue may not take more than this part of the time.
const LOOK_SHARE: u32 = 10;
/// For the numbers of a progress bar.
const LOOK_AT_LEAST: Duration = Duration::from_secs(2);

/// Then whoever waits for a Sentinel that is not ours is told so.
const PATIENCE_WITH_OTHERS: Duration = Duration::from_secs(15);

/// How the waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    Done,
    /// The bytes of files changed under their parsers: the tagger has to look again.
    LookAgain,
    /// What is left does not move, and nothing here could move it.
    Stuck,
    Stopped,
}

pub struct Drain<'a> {
    pub catalog: &'a Catalog,
    pub stop: &'a Stop,
    pub bar: &'a Bar,
    /// So long nothing may happen until what is left counts as stuck: longer than any lease.
    pub patience: Duration,
}

impl Drain<'_> {
    /// With a Sentinel of our own. Most of the time its counters say that it is busy, and the catalog is left in peace.
    pub async fn until_done(&self, engine: &Engine) -> Result<Drained, Failure> {
        let mut pace = Pace::new();
        let mut moved = (Instant::now(), engine.progress(), Waiting::default());
        let mut all = 0;
        loop {
            if self.stop.is_wanted() || engine.is_finished() {
                return Ok(Drained::Stopped);
            }
            let progress = engine.progress();
            if pace.is_due(progress.in_flight == 0) {
                // Requests first: one that is carried out between the two looks shows by the jobs it made.
                let asked = self.catalog.opportunities(SystemClock.now_us()).await?.requests;
                let waiting = pace.timed(self.catalog.waiting()).await?;
                if let Some(drained) = judge(&waiting).filter(|_| !asked) {
                    return Ok(drained);
                }
                all = progress.completed + waiting.queued + waiting.held + progress.in_flight;
                if moved.1 != progress || moved.2 != waiting || waiting.backing_off > 0 {
                    moved = (Instant::now(), progress, waiting);
                }
            }
            self.bar.tell(progress.completed, Some(all), || match progress.rows {
                0 => "jobs".to_owned(),
                rows => format!("jobs, {} rows", count(rows)),
            });
            if progress.in_flight == 0 && moved.0.elapsed() > self.patience {
                return Ok(Drained::Stuck);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// With somebody else's: until it has done what there was at `until_us`. None: it is gone.
    pub async fn until_helped(
        &self,
        until_us: i64,
        is_live: impl AsyncFn() -> bool,
    ) -> Result<Option<Drained>, Failure> {
        let mut pace = Pace::new();
        let (began, mut has_told) = (Instant::now(), false);
        loop {
            if self.stop.is_wanted() {
                return Ok(Some(Drained::Stopped));
            }
            if pace.is_due(true) {
                let left = pace.timed(self.catalog.unfinished_jobs(until_us)).await?;
                if left == 0 {
                    return Ok(Some(Drained::Done));
                }
                if !is_live().await {
                    return Ok(None);
                }
                self.bar
                    .tell(0, None, || format!("the live Sentinel has {} jobs to go", count(left)));
            }
            if !has_told && began.elapsed() > PATIENCE_WITH_OTHERS {
                has_told = true;
                tracing::warn!(
                    "waiting for the live Sentinel of this catalog; has it a worker? `casparian status` shows it"
                );
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// None: go on waiting.
pub fn judge(waiting: &Waiting) -> Option<Drained> {
    let Waiting { queued, running, committing, held, backing_off, changed, .. } = *waiting;
    if queued + running + committing + held + backing_off > 0 {
        return None;
    }
    match (changed, waiting.retirements + waiting.compactions) {
        (0, 0) => Some(Drained::Done),
        (0, _) => None,
        _ => Some(Drained::LookAgain),
    }
}

/// How often the catalog is asked: at once when it may be the end, but never so that asking becomes the work.
struct Pace {
    last: Instant,
    cost: Duration,
}

impl Pace {
    fn new() -> Self {
        Self { last: Instant::now(), cost: Duration::ZERO }
    }

    fn is_due(&self, may_be_end: bool) -> bool {
        let pause = if may_be_end { self.cost * LOOK_SHARE } else { LOOK_AT_LEAST };
        self.last.elapsed() >= pause.max(self.cost * LOOK_SHARE)
    }

    async fn timed<T>(&mut self, look: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let found = look.await;
        self.last = Instant::now();
        self.cost = began.elapsed();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_when_only_others_could_go_on() {
        let idle = Waiting::default();
        assert_eq!(judge(&idle), Some(Drained::Done));
        assert_eq!(judge(&Waiting { without_plugin: 3, ..idle }), Some(Drained::Done));
        assert_eq!(judge(&Waiting { backing_off: 1, changed: 1, ..idle }), None);
        assert_eq!(judge(&Waiting { changed: 1, ..idle }), Some(Drained::LookAgain));
        assert_eq!(judge(&Waiting { retirements: 1, ..idle }), None);
        assert_eq!(judge(&Waiting { compactions: 1, ..idle }), None);
    }
}
