//! The list of commands.

use super::context::Context;
use super::global::Global;
use super::{
    backfill, doctor, explain, families, files, init, inspect, jobs, keys, plugins, quarantine,
    routes, run, scan, scout, sentinel, serve, sql, status, topics, trace, verify, worker,
};
use crate::failure::{Ending, Failure};
use clap::{Parser, Subcommand};

/// Turns files on disk into tables whose rows can each be traced back to the exact bytes they came from.
#[derive(Debug, Parser)]
#[command(name = "casparian", version, max_term_width = 120, subcommand_required = true)]
#[command(arg_required_else_help = true, disable_help_subcommand = true, infer_subcommands = false)]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Init(init::Arguments),
    Run(run::Arguments),
    Serve(serve::Arguments),
    Sentinel(sentinel::Arguments),
    Worker(worker::Arguments),
    Scout(scout::Arguments),
    Scan(scan::Arguments),
    Status(status::Arguments),
    Files(files::Arguments),
    Inspect(inspect::Arguments),
    Families(families::Arguments),
    Jobs(jobs::Arguments),
    Backfill(backfill::Arguments),
    Topics(topics::Arguments),
    Quarantine(quarantine::Arguments),
    Plugins(plugins::Arguments),
    Routes(routes::Arguments),
    Explain(explain::Arguments),
    Trace(trace::Arguments),
    Sql(sql::Arguments),
    Verify(verify::Arguments),
    Keys(keys::Arguments),
    Doctor(doctor::Arguments),
}

impl Command {
    /// Whether it goes on until it is stopped.
    pub fn is_standing(&self) -> bool {
        matches!(self, Self::Serve(_) | Self::Sentinel(_) | Self::Worker(_) | Self::Scout(_))
    }

    pub fn execute(self, context: &Context) -> Result<Ending, Failure> {
        match self {
            Self::Init(arguments) => init::execute(&arguments, context),
            Self::Run(arguments) => run::execute(&arguments, context),
            Self::Serve(arguments) => serve::execute(&arguments, context),
            Self::Sentinel(arguments) => sentinel::execute(&arguments, context),
            Self::Worker(arguments) => worker::execute(&arguments, context),
            Self::Scout(arguments) => scout::execute(&arguments, context),
            Self::Scan(arguments) => scan::execute(&arguments, context),
            Self::Status(arguments) => status::execute(&arguments, context),
            Self::Inspect(arguments) => inspect::execute(&arguments, context),
            Self::Families(arguments) => families::execute(&arguments, context),
            Self::Files(arguments) => files::execute(&arguments, context),
            Self::Jobs(arguments) => jobs::execute(&arguments, context),
            Self::Backfill(arguments) => backfill::execute(&arguments, context),
            Self::Topics(arguments) => topics::execute(&arguments, context),
            Self::Quarantine(arguments) => quarantine::execute(&arguments, context),
            Self::Plugins(arguments) => plugins::execute(&arguments, context),
            Self::Routes(arguments) => routes::execute(&arguments, context),
            Self::Explain(arguments) => explain::execute(&arguments, context),
            Self::Trace(arguments) => trace::execute(&arguments, context),
            Self::Sql(arguments) => sql::execute(&arguments, context),
            Self::Verify(arguments) => verify::execute(&arguments, context),
            Self::Keys(arguments) => keys::execute(&arguments, context),
            Self::Doctor(arguments) => doctor::execute(&arguments, context),
        }
    }
}
