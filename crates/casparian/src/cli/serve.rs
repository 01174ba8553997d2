//! `casparian serve`.

use super::context::Context;
use crate::config::Slots;
use crate::failure::{Ending, Failure};
use crate::roles::{Signals, serve};
use std::path::PathBuf;

/// Do everything, until stopped: watch the sources, and process what is new as it comes
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where further workers may connect [default: sentinel.bind]
    #[arg(long, value_name = "ADDRESS")]
    bind: Option<String>,
    /// Jobs at once [default: worker.slots]
    #[arg(long, value_name = "N")]
    slots: Option<Slots>,
    /// Where the CURVE keys lie [default: security.keys]
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let mut flags = context.flags.clone();
    flags.bind.clone_from(&arguments.bind);
    flags.slots = arguments.slots;
    flags.keys.clone_from(&arguments.keys);
    let settings = context.settings_with(&flags)?;
    let signals = Signals::listen()?;
    serve(&settings, &context.environment, &signals, context.printer)
}
