//! `casparian sentinel`.

use super::context::Context;
use crate::failure::{Ending, Failure};
use crate::roles::{Signals, run_sentinel};
use std::path::PathBuf;

/// Be the Sentinel of this catalog, until stopped: give jobs to workers and record what they did
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where workers connect [default: sentinel.bind]
    #[arg(long, value_name = "ADDRESS")]
    bind: Option<String>,
    /// Where the CURVE keys lie [default: security.keys]
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let mut flags = context.flags.clone();
    flags.bind.clone_from(&arguments.bind);
    flags.keys.clone_from(&arguments.keys);
    let settings = context.settings_with(&flags)?;
    let signals = Signals::listen()?;
    run_sentinel(&settings, &signals, context.printer)
}
