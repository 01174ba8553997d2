//! The roles that go on until they are stopped, one by one and all together.

use super::presence::{Presence, scout_lock};
use super::sentinel::{Ended, Sentinel, active_sentinel, prepare};
use super::signals::Signals;
use super::sources::{Scouting, scout};
use super::worker::{self, Plugins, Sentinels};
use crate::cli::{block_on, catalog_url, doubt_text};
use crate::config::{Environment, Settings};
use crate::failure::{Ending, Failure};
use crate::keys;
use crate::output::Printer;
use catalog::{Catalog, CatalogError, OpenMode};
use control::scout::{PassReport, WatchReport, WatchStatus};
use protocol::PublicKey;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// What was just written may not be whole yet.
const SETTLE: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Sentinel, worker and scout.
pub fn serve(
    settings: &Settings,
    environment: &Environment,
    signals: &Signals,
    printer: Printer,
) -> Result<Ending, Failure> {
    let curve = keys::of_inner_worker(settings)?;
    let own_workers = curve.iter().map(|curve| curve.own.public).collect();
    let mut sentinel = start_sentinel(settings, own_workers, "serve")?;
    let endpoint = sentinel.handle().endpoint().to_owned();
    let sentinels = Sentinels { endpoints: vec![endpoint.clone()], curve };
    let worker = worker::start(settings, environment, sentinels, Plugins::OfTheSentinel)?;
    printer.note(&format!("serving on {endpoint}; Ctrl-C stops"));
    let scouted = block_on(async {
        tokio::select! {
            scouted = scout_on(settings, &[], signals, "serve") => scouted,
            () = end_of(&mut sentinel) => Ok(()),
        }
    });
    worker.stop();
    worker.wait();
    sentinel.stop()?;
    scouted?;
    Ok(signals.ending())
}

pub fn run_sentinel(
    settings: &Settings,
    signals: &Signals,
    printer: Printer,
) -> Result<Ending, Failure> {
    while let Some(mut sentinel) = start_or_stand_by(settings, signals, printer)? {
        let endpoint = sentinel.handle().endpoint();
        printer.note(&format!("the Sentinel listens on {endpoint}; Ctrl-C stops"));
        block_on(async {
            tokio::select! {
                () = signals.stop().wanted() => {}
                () = end_of(&mut sentinel) => {}
            }
            Ok(())
        })?;
        if sentinel.end()? == Ended::Stopped || signals.stop().is_wanted() {
            break;
        }
        tracing::warn!("another Sentinel has taken over");
    }
    Ok(signals.ending())
}

pub fn run_worker(
    settings: &Settings,
    environment: &Environment,
    signals: &Signals,
    printer: Printer,
) -> Result<Ending, Failure> {
    let endpoints = settings.connect.value.get().to_vec();
    let curve = keys::of_worker(settings, &endpoints)?;
    let sentinels = Sentinels { endpoints, curve };
    let worker = worker::start(settings, environment, sentinels, Plugins::Announced)?;
    printer.note(&format!(
        "a worker with {} slots for the Sentinel at {}; Ctrl-C stops",
        settings.slots.value, settings.connect.value
    ));
    block_on(async {
        signals.stop().wanted().await;
        Ok(())
    })?;
    worker.stop();
    worker.wait();
    Ok(signals.ending())
}

pub fn run_scout(
    settings: &Settings,
    paths: &[PathBuf],
    signals: &Signals,
    printer: Printer,
) -> Result<Ending, Failure> {
    printer.note("scouting; Ctrl-C stops");
    block_on(scout_on(settings, paths, signals, "scout"))?;
    Ok(signals.ending())
}

/// None: this catalog has a live one.
fn try_sentinel(
    settings: &Settings,
    own_workers: Vec<PublicKey>,
    command: &str,
) -> Result<Option<Sentinel>, Failure> {
    let endpoint = &settings.bind.value;
    let curve = keys::of_sentinel(settings, endpoint, own_workers)?;
    Sentinel::start(settings, endpoint, curve, command)
}

fn start_sentinel(
    settings: &Settings,
    own_workers: Vec<PublicKey>,
    command: &str,
) -> Result<Sentinel, Failure> {
    match try_sentinel(settings, own_workers, command)? {
        Some(sentinel) => Ok(sentinel),
        None => Err(taken(&block_on(who_is_active(settings))?)),
    }
}

async fn who_is_active(settings: &Settings) -> Result<Value, Failure> {
    let catalog = Catalog::open(&catalog_url(&settings.catalog.value)?, OpenMode::ReadOnly).await?;
    let other = active_sentinel(settings, &catalog).await;
    catalog.close().await;
    Ok(other.unwrap_or_default())
}

fn taken(other: &Value) -> Failure {
    let pid = other.get("pid").and_then(Value::as_u64).unwrap_or(0);
    let command = other.get("command").and_then(Value::as_str).unwrap_or("sentinel");
    Failure::usage(format!(
        "this catalog has a Sentinel already: `casparian {command}` with process id {pid}"
    ))
    .hint("stop it first; `casparian run` and `casparian scout` work beside it")
}

/// Beside an active Sentinel of a catalog on a server, until that one is gone. None: stopped meanwhile.
fn start_or_stand_by(
    settings: &Settings,
    signals: &Signals,
    printer: Printer,
) -> Result<Option<Sentinel>, Failure> {
    if settings.catalog.value.file().is_some() {
        return start_sentinel(settings, Vec::new(), "sentinel").map(Some);
    }
    let mut has_told = false;
    loop {
        if let Some(sentinel) = try_sentinel(settings, Vec::new(), "sentinel")? {
            return Ok(Some(sentinel));
        }
        if !has_told {
            has_told = true;
            printer.note("standing by: this catalog has an active Sentinel; Ctrl-C stops");
        }
        if !block_on(until_vacant(settings, signals))? {
            return Ok(None);
        }
    }
}

/// Whether the seat became vacant; else it was stopped. A server that is away for a while is waited for.
async fn until_vacant(settings: &Settings, signals: &Signals) -> Result<bool, Failure> {
    let url = catalog_url(&settings.catalog.value)?;
    let vacant = async {
        loop {
            match is_vacant(&url).await {
                Ok(()) => return Ok(true),
                Err(error) if error.is_retryable() => tokio::time::sleep(LOOK_EVERY).await,
                Err(error) => return Err(error.into()),
            }
        }
    };
    tokio::select! {
        vacant = vacant => vacant,
        () = signals.stop().wanted() => Ok(false),
    }
}

async fn is_vacant(url: &str) -> Result<(), CatalogError> {
    let catalog = Catalog::open(url, OpenMode::ReadOnly).await?;
    while catalog.seated().await?.is_some() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    catalog.close().await;
    Ok(())
}

/// By itself: deposed, or with a catalog that cannot be used. Its stop says which.
async fn end_of(sentinel: &mut Sentinel) {
    while !sentinel.is_finished() {
        sentinel.tell();
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn scout_on(
    settings: &Settings,
    paths: &[PathBuf],
    signals: &Signals,
    command: &str,
) -> Result<(), Failure> {
    prepare(settings)?;
    let url = catalog_url(&settings.catalog.value)?;
    let catalog = Catalog::open(&url, OpenMode::ReadWrite).await?;
    let scouting = Scouting {
        paths: paths.to_vec(),
        all: false,
        settle: SETTLE,
        awaits: true,
        confirm_deletions: false,
    };
    let mut scout = scout(settings, &catalog, &scouting).await?;
    // Of several scouts of one catalog the first one tells of itself.
    let lock = settings.catalog.value.file().map(scout_lock);
    let presence = lock.and_then(|lock| Presence::take(&lock, &says(command, None)).ok());
    let mut presence = presence.flatten();
    let watching = WatchReport::default();
    let mut told = None;
    let on_pass = |report: &PassReport| {
        tell(report);
        let status = Some(watching.status());
        if let Some(presence) = presence.as_mut().filter(|_| told != status) {
            // Only `status` would have liked to know.
            let _ = presence.say(&says(command, status.as_ref()));
            told = status;
        }
    };
    scout.serve(signals.stop(), &watching, on_pass).await?;
    drop(scout);
    catalog.close().await;
    Ok(())
}

fn says(command: &str, status: Option<&WatchStatus>) -> Value {
    json!({
        "command": command,
        "pid": std::process::id(),
        "events": status.is_some_and(|status| status.trouble.is_none()),
        "watched": status.map_or(0, |status| status.watched),
        "trouble": status.and_then(|status| status.trouble.clone()),
    })
}

fn tell(report: &PassReport) {
    if report.files_new + report.files_changed + report.files_deleted + report.versions > 0 {
        tracing::info!(
            seen = report.files_seen,
            new = report.files_new,
            changed = report.files_changed,
            deleted = report.files_deleted,
            versions = report.versions,
            jobs = report.jobs,
            "a pass of scout"
        );
    }
    for root in &report.in_doubt.shown {
        tracing::warn!("{}", doubt_text(&root.path, &root.doubt));
    }
    for one in &report.unreadable.shown {
        let path = crate::output::clean_bytes(&one.path);
        tracing::warn!(path, reason = one.reason, "cannot be read");
    }
}
