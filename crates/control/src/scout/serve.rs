//! Scout on and on: a pass when something may have changed, when a file is settled, when the rules moved, and after
//! each sweep interval in any case.

use super::pass::{HashMode, Look, Scout};
use super::report::PassReport;
use super::scout_error::ScoutError;
use super::source::Source;
use super::walk::Hint;
use super::watch::{WatchStatus, Watcher};
use crate::stop::Stop;
use catalog::{CatalogError, Place, TodoLocation};
use protocol::SourceRootId;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// After the first hint, so that the others of the same write come along: at least, and at most.
const QUIET: Duration = Duration::from_millis(50);
const QUIET_MAX: Duration = Duration::from_millis(200);
/// How often the catalog is asked for work that no file brings: new rules, bytes that changed under a parser.
const ASK: Duration = Duration::from_secs(1);
/// Files that changed under a parser, at once.
const CHANGED_MAX: usize = 100;
/// A file that changed whenever it was read is tried again after this.
const CHANGING_PAUSE: Duration = Duration::from_secs(2);
/// After an error that may pass by itself.
const RETRY_PAUSE: Duration = Duration::from_secs(5);

/// Whether changes are seen at once. Read by whoever reports it.
#[derive(Debug, Clone, Default)]
pub struct WatchReport {
    status: Arc<Mutex<WatchStatus>>,
}

impl WatchReport {
    pub fn status(&self) -> WatchStatus {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, status: WatchStatus) {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner) = status;
    }
}

/// What `serve` knows between passes.
struct Plan {
    watcher: Option<Watcher>,
    next_sweep: Instant,
    /// When a file is settled, or has to be read once more.
    due: Option<Instant>,
    /// The rules of the last pass.
    epoch: i64,
    roots: Vec<SourceRootId>,
    /// Where each source was when the last pass began. None: away.
    places: Vec<Option<Place>>,
    /// Files that no plugin wants may still have to be hashed.
    unrouted_left: bool,
}

/// Why the wait is over.
enum Wake {
    Stop,
    Look(Look),
    Sweep,
}

impl Scout {
    /// Runs until stopped. `on_pass` hears of each pass; what may pass by itself is logged and tried again.
    pub async fn serve(
        &mut self,
        stop: &Stop,
        watching: &WatchReport,
        mut on_pass: impl FnMut(&PassReport),
    ) -> Result<(), ScoutError> {
        self.is_standing = true;
        let mut plan = self.plan(watching);
        let mut look = Look::All;
        loop {
            match self.serve_pass(&look, stop, &mut plan).await {
                Ok(report) => on_pass(&report),
                Err(error) if !error.may_pass() => return Err(error),
                Err(error) => {
                    tracing::error!(%error, "a pass of scout failed; it is tried again");
                    plan.due = Some(Instant::now() + RETRY_PAUSE);
                    plan.next_sweep = plan.next_sweep.min(Instant::now() + RETRY_PAUSE);
                }
            }
            if let Some(watcher) = &plan.watcher {
                watching.set(watcher.status());
            }
            look = match self.idle(stop, &mut plan).await? {
                Wake::Stop => return Ok(()),
                Wake::Sweep => Look::All,
                Wake::Look(look) => look,
            };
            if matches!(look, Look::All) {
                plan.next_sweep = Instant::now() + self.settings.sweep;
            }
        }
    }

    fn plan(&self, watching: &WatchReport) -> Plan {
        let watcher = match self.settings.watches_max {
            0 => Err("watching is turned off".to_owned()),
            max => Watcher::start(max).map_err(|error| error.to_string()),
        };
        if let Err(trouble) = &watcher {
            watching.set(WatchStatus { watched: 0, trouble: Some(trouble.clone()) });
        }
        Plan {
            watcher: watcher.ok(),
            next_sweep: Instant::now() + self.settings.sweep,
            due: None,
            epoch: 0,
            roots: Vec::new(),
            places: Vec::new(),
            unrouted_left: false,
        }
    }

    async fn serve_pass(
        &mut self,
        look: &Look,
        stop: &Stop,
        plan: &mut Plan,
    ) -> Result<PassReport, ScoutError> {
        // Asked before the pass: rules that move meanwhile are seen by the next question.
        plan.epoch = self.catalog.rules_epoch().await?;
        plan.places = self.places();
        let report = self.pass_over(look, plan.watcher.as_ref(), stop).await?;
        let now_us = self.clock.now_us();
        let in_us = |due_us: i64| Duration::from_micros((due_us - now_us).max(0).cast_unsigned());
        plan.due = report.due_us.map(|due_us| Instant::now() + in_us(due_us));
        if report.still_changing.count > 0 {
            let again = Instant::now() + CHANGING_PAUSE;
            plan.due = Some(plan.due.map_or(again, |due| due.min(again)));
        }
        plan.roots = self.root_ids().await?;
        plan.unrouted_left |=
            matches!(look, Look::All) || report.files_new + report.files_changed > 0;
        Ok(report)
    }

    fn places(&self) -> Vec<Option<Place>> {
        self.settings.sources.iter().map(Source::place).collect()
    }

    /// Sources that came, went, or are another directory or file system by now: all below them is looked at.
    fn moved(&self, plan: &Plan) -> Option<Look> {
        let places = self.places().into_iter().zip(&plan.places).enumerate();
        let moved = places.filter(|(_, (now, before))| now != *before);
        let hints: Vec<_> =
            moved.map(|(source, _)| (source, Hint { path: Vec::new(), deep: true })).collect();
        (!hints.is_empty()).then_some(Look::Hints(hints))
    }

    /// Of those that are not in doubt: a file that is missing in one of these is missing in the next look, too.
    async fn root_ids(&self) -> Result<Vec<SourceRootId>, ScoutError> {
        let mut roots = Vec::new();
        for source in &self.settings.sources {
            let known = self.catalog.known_root(source.path_bytes()).await?;
            roots.extend(known.filter(|root| root.doubt.is_none()).map(|root| root.id));
        }
        Ok(roots)
    }

    /// Waits for work; meanwhile hashes what no plugin wants, if that is asked for.
    async fn idle(&self, stop: &Stop, plan: &mut Plan) -> Result<Wake, ScoutError> {
        if self.settings.hash == HashMode::All && plan.unrouted_left {
            let pause = Stop::new();
            let mut report = PassReport::default();
            let mut hashing = std::pin::pin!(self.hash_unrouted(&pause, &mut report));
            tokio::select! {
                done = &mut hashing => match done {
                    Ok(()) => plan.unrouted_left = false,
                    Err(error) if error.may_pass() => {
                        tracing::error!(%error, "files that no plugin wants are hashed later");
                    }
                    Err(error) => return Err(error),
                },
                wake = self.wait(stop, plan) => {
                    pause.stop();
                    hashing.await?;
                    return wake;
                }
            }
        }
        self.wait(stop, plan).await
    }

    async fn wait(&self, stop: &Stop, plan: &Plan) -> Result<Wake, ScoutError> {
        loop {
            let due = plan.due.unwrap_or(plan.next_sweep);
            tokio::select! {
                () = stop.wanted() => return Ok(Wake::Stop),
                () = sleep_until(plan.next_sweep) => return Ok(Wake::Sweep),
                () = sleep_until(due) => return Ok(Wake::Look(Look::nowhere())),
                look = hinted(plan.watcher.as_ref()) => return Ok(Wake::Look(look)),
                () = sleep(ASK) => {}
            }
            if let Some(look) = self.moved(plan) {
                return Ok(Wake::Look(look));
            }
            match self.is_asked_for(plan).await {
                Ok(Some(look)) => return Ok(Wake::Look(look)),
                Ok(None) => {}
                Err(error) if error.is_retryable() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Files that changed under a parser may be gone: their directories are looked at.
    async fn is_asked_for(&self, plan: &Plan) -> Result<Option<Look>, CatalogError> {
        let changed = self.catalog.changed_holds(&plan.roots, None, CHANGED_MAX).await?;
        let have_rules_moved = self.catalog.rules_epoch().await? != plan.epoch;
        if changed.is_empty() && !have_rules_moved {
            return Ok(None);
        }
        let hint = |file: &TodoLocation| {
            let is_its = |source: &Source| source.path_bytes() == file.root;
            let source = self.settings.sources.iter().position(is_its)?;
            Some((source, Hint { path: file.directory.clone(), deep: false }))
        };
        Ok(Some(Look::Hints(changed.iter().filter_map(hint).collect())))
    }
}

/// Waits for hints, and a moment longer for those that belong to them.
async fn hinted(watcher: Option<&Watcher>) -> Look {
    let Some(watcher) = watcher else { return std::future::pending().await };
    watcher.wait().await;
    let last = Instant::now() + QUIET_MAX;
    let mut count = 0;
    while Instant::now() < last && watcher.count() != count {
        count = watcher.count();
        sleep(QUIET).await;
    }
    let hints = watcher.take();
    if hints.all { Look::All } else { Look::Hints(hints.some.into_iter().collect()) }
}
