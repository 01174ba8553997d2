//! `casparian scan`.

use super::context::{Context, block_on};
use super::doubt;
use super::run_summary::{paths, unreadable};
use crate::failure::{Ending, Failure};
use crate::output::{Bar, Table, count, seconds};
use crate::roles::{Scouting, Signals, scan};
use control::scout::PassReport;
use serde_json::json;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Bring the inventory up to date, and nothing else: no file is opened
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Directories or files [default: the sources of casparian.toml]
    path: Vec<PathBuf>,
    /// What is missing in a source that is in doubt (empty, or on another file system than before) is deleted
    #[arg(long)]
    confirm_deletions: bool,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let began = Instant::now();
    let settings = context.settings()?;
    let signals = Signals::listen()?;
    let scouting = Scouting {
        paths: arguments.path.clone(),
        all: false,
        settle: Duration::ZERO,
        awaits: false,
        confirm_deletions: arguments.confirm_deletions,
    };
    let bar = Bar::new(context.printer.is_watched());
    let report = block_on(scan(&settings, &scouting, signals.stop(), &bar))?;
    let printer = context.printer;
    if printer.is_json() {
        printer.document(&json!({
            "files_seen": report.files_seen,
            "files_new": report.files_new,
            "files_changed": report.files_changed,
            "files_deleted": report.files_deleted,
            "seconds": began.elapsed().as_secs_f64(),
            "unreadable": unreadable(&report.unreadable, &report.still_changing),
            "roots_in_doubt": doubt::documents(&report.in_doubt.shown),
        }))?;
    } else {
        printer.table(&table(&report, began))?;
        doubt::print(&report.in_doubt, printer)?;
        paths("could not be read", &report.unreadable, &settings.project.root, printer)?;
    }
    Ok(match (report.stopped, report.unreadable.count + report.in_doubt.count) {
        (true, _) => Ending::Interrupted,
        (false, 0) => Ending::Done,
        (false, _) => Ending::WithFailures,
    })
}

fn table(report: &PassReport, began: Instant) -> Table {
    let mut table = Table::bare().numbers(&[1]);
    table.row(["files seen", &count(report.files_seen)]);
    table.row(["new", &count(report.files_new)]);
    table.row(["changed", &count(report.files_changed)]);
    table.row(["deleted", &count(report.files_deleted)]);
    if report.passed_over.count > 0 {
        table.row(["passed over", &count(report.passed_over.count)]);
    }
    table.row(["time", &seconds(began.elapsed())]);
    table
}
