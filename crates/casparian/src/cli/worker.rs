//! `casparian worker`.

use super::context::Context;
use crate::config::Slots;
use crate::failure::{Ending, Failure};
use crate::roles::{Signals, run_worker};

/// Take jobs from a Sentinel, until stopped: run plugins and write the tables
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The address of the Sentinel [default: worker.connect]
    #[arg(long, value_name = "ADDRESS")]
    connect: Option<String>,
    /// Jobs at once [default: worker.slots]
    #[arg(long, value_name = "N")]
    slots: Option<Slots>,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let mut flags = context.flags.clone();
    flags.connect.clone_from(&arguments.connect);
    flags.slots = arguments.slots;
    let settings = context.settings_with(&flags)?;
    let signals = Signals::listen()?;
    run_worker(&settings, &context.environment, &signals, context.printer)
}
