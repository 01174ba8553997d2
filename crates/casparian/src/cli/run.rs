//! `casparian run`.

use super::context::{Context, block_on};
use super::run_summary;
use crate::failure::{Ending, Failure};
use crate::roles::{Run, Scouting, Signals};
use std::path::PathBuf;
use std::time::Duration;

/// Process what is new or has changed, once: find files, version them, run their plugins, publish the tables
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Directories or files [default: the sources of casparian.toml]
    path: Vec<PathBuf>,
    /// Hash and version also files that no plugin wants
    #[arg(long)]
    all: bool,
    /// What is missing in a source that is in doubt (empty, or on another file system than before) is deleted
    #[arg(long)]
    confirm_deletions: bool,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let settings = context.settings()?;
    let signals = Signals::listen()?;
    let scouting = Scouting {
        paths: arguments.path.clone(),
        all: arguments.all,
        settle: Duration::ZERO,
        awaits: false,
        confirm_deletions: arguments.confirm_deletions,
    };
    let run = Run {
        settings: &settings,
        environment: &context.environment,
        scouting,
        is_watched: context.printer.is_watched(),
    };
    let report = block_on(run.execute(signals.stop()))?;
    if context.printer.is_json() {
        context.printer.document(&run_summary::document(&report))?;
    } else {
        run_summary::print(&report, &settings, context.printer)?;
    }
    Ok(match (report.interrupted, report.has_failures()) {
        (true, _) => Ending::Interrupted,
        (false, true) => Ending::WithFailures,
        (false, false) => Ending::Done,
    })
}
