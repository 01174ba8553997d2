//! `casparian worker`.

use super::context::Context;
use crate::config::{SentinelKey, Slots};
use crate::failure::{Ending, Failure};
use crate::roles::{Signals, run_worker};
use std::path::PathBuf;

/// Take jobs from a Sentinel, until stopped: run plugins and write the tables
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The address of a Sentinel; given more than once, the next one is tried when one does not answer
    /// [default: worker.connect]
    #[arg(long, value_name = "ADDRESS")]
    connect: Vec<String>,
    /// The public key of the Sentinel, which `casparian keys` shows where it runs [default: worker.sentinel_key]
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    sentinel_key: Option<SentinelKey>,
    /// Jobs at once [default: worker.slots]
    #[arg(long, value_name = "N")]
    slots: Option<Slots>,
    /// Where the CURVE keys lie [default: security.keys]
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let mut flags = context.flags.clone();
    flags.connect.clone_from(&arguments.connect);
    flags.sentinel_key = arguments.sentinel_key;
    flags.slots = arguments.slots;
    flags.keys.clone_from(&arguments.keys);
    let settings = context.settings_with(&flags)?;
    let signals = Signals::listen()?;
    run_worker(&settings, &context.environment, &signals, context.printer)
}
