//! `casparian scout`.

use super::context::Context;
use crate::failure::{Ending, Failure};
use crate::roles::{Signals, run_scout};
use std::path::PathBuf;

/// Find and version files and queue their jobs, on and on until stopped; a Sentinel and workers do the rest
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Directories or files [default: the sources of casparian.toml]
    path: Vec<PathBuf>,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let settings = context.settings()?;
    let signals = Signals::listen()?;
    run_scout(&settings, &arguments.path, &signals, context.printer)
}
