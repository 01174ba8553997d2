//! One shot: inventory, versions, jobs, until every routed file is done or waits for something that this run cannot give.

use super::drain::{Drain, Drained, judge};
use super::engine::Engine;
use super::run_report::RunReport;
use super::sentinel::{active_sentinel, prepare, registrar};
use super::sources::{Scouting, scout};
use super::watching::watched;
use crate::cli::catalog_url;
use crate::config::{Environment, Settings};
use crate::failure::Failure;
use crate::output::Bar;
use catalog::report::JobFilter;
use catalog::{Catalog, JobState, OpenMode, Opportunities};
use control::Stop;
use control::clock::{Clock, SystemClock};
use control::scout::{PassReport, Progress, Scout, ScoutError};
use std::time::{Duration, Instant};

/// A file that keeps changing is looked at again so often, then it is reported.
const LOOKS_MAX: u32 = 3;
/// Between two looks, so that whoever writes may come to an end.
const LOOK_PAUSE_US: i64 = 1_000_000;
/// Failed files that are named.
const FAILURES_MAX: usize = 1_000;
/// For the first version of a pass.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// So long a catalog that cannot be written is waited for, and so long between two tries.
const CATALOG_PATIENCE: Duration = Duration::from_secs(300);
const CATALOG_PAUSE: Duration = Duration::from_secs(1);
const PATIENCE_AT_LEAST: Duration = Duration::from_secs(60);

pub struct Run<'a> {
    pub settings: &'a Settings,
    pub environment: &'a Environment,
    pub scouting: Scouting,
    pub is_watched: bool,
}

impl Run<'_> {
    pub async fn execute(&self, stop: &Stop) -> Result<RunReport, Failure> {
        let began = Instant::now();
        prepare(self.settings)?;
        let url = catalog_url(&self.settings.catalog.value)?;
        let catalog = Catalog::open(&url, OpenMode::ReadWrite).await?;
        let mut scout = scout(self.settings, &catalog, &self.scouting).await?;
        let since_us = SystemClock.now_us();
        let mut engine = None;
        let mut report = RunReport {
            helper: active_sentinel(self.settings, &catalog).await,
            ..RunReport::default()
        };
        if report.helper.is_none() && !self.is_registered(&catalog).await? {
            self.start(&catalog, &mut engine, &mut report).await?;
        }
        let worked = self.work(&catalog, &mut scout, &mut engine, stop, &mut report).await;
        let stopped = engine.map_or(Ok(()), Engine::stop);
        worked?;
        stopped?;
        report.interrupted = stop.is_wanted();
        self.sum_up(&catalog, since_us, &mut report).await?;
        catalog.close().await;
        report.elapsed = began.elapsed();
        Ok(report)
    }

    /// Whether what plugins there are stands in the catalog: then nothing is started before there is work, and a run over unchanged files
    /// writes nothing.
    async fn is_registered(&self, catalog: &Catalog) -> Result<bool, Failure> {
        Ok(registrar(self.settings)?.is_current(catalog, SystemClock.now_us()).await?)
    }

    /// A Sentinel of our own; unless somebody else's is live by now.
    async fn start(
        &self,
        catalog: &Catalog,
        engine: &mut Option<Engine>,
        report: &mut RunReport,
    ) -> Result<(), Failure> {
        let (settings, environment) = (self.settings.clone(), self.environment.clone());
        // On a thread of its own: a pass that is under way has to go on, as it may hold what the Sentinel waits for.
        let start = move || Engine::start(&settings, &environment, "run");
        let started = tokio::task::spawn_blocking(start).await;
        *engine = started.map_err(|error| Failure::bug(error.to_string()))??;
        match engine {
            Some(_) => report.had_engine = true,
            None => report.helper = active_sentinel(self.settings, catalog).await,
        }
        Ok(())
    }

    async fn work(
        &self,
        catalog: &Catalog,
        scout: &mut Scout,
        engine: &mut Option<Engine>,
        stop: &Stop,
        report: &mut RunReport,
    ) -> Result<(), Failure> {
        let mut looks = 0;
        loop {
            let epoch = catalog.routing_table().await?.epoch;
            let (progress, bar) = (scout.progress(), Bar::new(self.is_watched));
            let pass = {
                let mut pass = std::pin::pin!(patient_pass(scout, stop, &progress, &bar));
                let is_idle = engine.is_none() && report.helper.is_none();
                tokio::select! {
                    pass = &mut pass => pass?,
                    () = until_versions(&progress), if is_idle => {
                        let (pass, started) = tokio::join!(pass, self.start(catalog, engine, report));
                        started?;
                        pass?
                    }
                }
            };
            bar.finish();
            let due_us = pass.due_us.filter(|_| pass.settling > 0);
            let is_moving = pass.still_changing.count > 0;
            report.add_pass(pass);
            let drained = self.drain(catalog, engine, stop, report).await?;
            looks += 1;
            let is_rerouted = catalog.routing_table().await?.epoch != epoch;
            let is_due = due_us.is_some() || drained == Drained::LookAgain;
            let again = is_moving || is_rerouted || is_due;
            let is_over = matches!(drained, Drained::Stopped | Drained::Stuck);
            if is_over || stop.is_wanted() || !again || looks > LOOKS_MAX {
                return Ok(());
            }
            let pause_us = SystemClock.now_us() + LOOK_PAUSE_US;
            rest_until(due_us.unwrap_or(pause_us), stop).await;
        }
    }

    /// A live Sentinel that dies meanwhile leaves its work to this run.
    async fn drain(
        &self,
        catalog: &Catalog,
        engine: &mut Option<Engine>,
        stop: &Stop,
        report: &mut RunReport,
    ) -> Result<Drained, Failure> {
        let bar = Bar::new(self.is_watched);
        if engine.is_none() && report.helper.is_none() {
            if is_quiet(catalog).await? {
                return Ok(Drained::Done);
            }
            self.start(catalog, engine, report).await?;
        }
        let patience = PATIENCE_AT_LEAST.max(self.settings.lease.value.get() * 3);
        let drain = Drain { catalog, stop, bar: &bar, patience };
        let until_us = SystemClock.now_us();
        loop {
            if let Some(engine) = engine {
                return drain.until_done(engine).await;
            }
            let is_live = async || active_sentinel(self.settings, catalog).await.is_some();
            if let Some(drained) = drain.until_helped(until_us, is_live).await? {
                return Ok(drained);
            }
            self.start(catalog, engine, report).await?;
        }
    }

    async fn sum_up(
        &self,
        catalog: &Catalog,
        since_us: i64,
        report: &mut RunReport,
    ) -> Result<(), Failure> {
        report.totals = catalog.run_totals(since_us).await?;
        report.waiting = catalog.waiting().await?;
        report.failed_files = catalog.failed_files().await?;
        report.plugins = catalog.plugins(false).await?;
        if report.waiting.changed > 0 {
            let filter = JobFilter {
                state: Some(JobState::Pending),
                limit: FAILURES_MAX,
                ..JobFilter::default()
            };
            catalog.jobs(&filter).await?.iter().for_each(|job| report.add_waiting(job));
        }
        if report.totals.jobs_failed > 0 {
            let filter = JobFilter {
                state: Some(JobState::Failed),
                ended_since_us: Some(since_us),
                limit: FAILURES_MAX,
                ..JobFilter::default()
            };
            report.failures = catalog.jobs(&filter).await?;
            report.failures.reverse();
        }
        Ok(())
    }
}

/// A pass, begun again while somebody else holds the catalog.
async fn patient_pass(
    scout: &mut Scout,
    stop: &Stop,
    progress: &Progress,
    bar: &Bar,
) -> Result<PassReport, ScoutError> {
    let began = Instant::now();
    loop {
        match watched(scout.pass(stop), progress, bar).await {
            Err(ScoutError::Catalog(error))
                if error.is_retryable()
                    && began.elapsed() < CATALOG_PATIENCE
                    && !stop.is_wanted() =>
            {
                tracing::warn!(%error, "trying again");
                tokio::time::sleep(CATALOG_PAUSE).await;
            }
            ended => return ended,
        }
    }
}

/// Nothing is left that a Sentinel or a worker could do.
async fn is_quiet(catalog: &Catalog) -> Result<bool, Failure> {
    let there = catalog.opportunities(SystemClock.now_us()).await?;
    let waiting = catalog.waiting().await?;
    let is_done = judge(&waiting) == Some(Drained::Done) && waiting.compactions_put_off == 0;
    Ok(there == Opportunities::default() && is_done)
}

async fn until_versions(progress: &Progress) {
    while progress.counts().versions == 0 {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn rest_until(due_us: i64, stop: &Stop) {
    let left_us = due_us.saturating_sub(SystemClock.now_us()).max(0);
    tokio::select! {
        () = tokio::time::sleep(Duration::from_micros(left_us.cast_unsigned())) => {}
        () = stop.wanted() => {}
    }
}
