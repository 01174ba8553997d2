//! `casparian jobs`: a file per verb.

mod abort;
mod list;
mod retry;
mod show;

use super::context::Context;
use crate::failure::{Ending, Failure};
use crate::output::{absolute, hex, moment, path_fields};
use catalog::report::JobRow;
use clap::Subcommand;
use serde_json::{Map, Value, json};

/// List jobs, show one, queue failed ones again, or stop some
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(list::Arguments),
    Show(show::Arguments),
    Retry(retry::Arguments),
    Abort(abort::Arguments),
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    match &arguments.verb {
        Verb::List(arguments) => list::execute(arguments, context),
        Verb::Show(arguments) => show::execute(arguments, context),
        Verb::Retry(arguments) => retry::execute(arguments, context),
        Verb::Abort(arguments) => abort::execute(arguments, context),
    }
}

/// The same keys in a list and by itself.
pub(super) fn document(job: &JobRow) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut add = |key: &str, value: Value| drop(fields.insert(key.to_owned(), value));
    add("id", json!(job.id.to_string()));
    add("kind", json!(job.kind));
    add("lane", json!(job.lane.as_str()));
    add("status", json!(job.state.as_str()));
    add("plugin", json!(job.plugin));
    add("plugin_version", json!(hex(&job.plugin_version)));
    add("file_version_id", json!(job.version.to_string()));
    add("attempt", json!(job.attempt));
    add("rows", json!(job.rows));
    add("rows_quarantined", json!(job.quarantined));
    add("bytes_in", json!(job.bytes_in));
    add("size_bytes", json!(job.size_bytes));
    add("error_class", json!(job.error_class));
    add("error", json!(job.error));
    add("hold", json!(job.hold));
    add("held_by", json!(job.held_by.map(|id| id.to_string())));
    add("superseded_by", json!(job.superseded_by.map(|id| id.to_string())));
    add("aborted_by", json!(job.aborted_by));
    add("worker", json!(job.worker));
    add("created_at", json!(moment(job.created_at_us)));
    add("started_at", json!(job.claimed_at_us.map(moment)));
    add("ended_at", json!(job.ended_at_us.map(moment)));
    add("not_before", json!(job.not_before_us.map(moment)));
    fields.extend(path_fields(&absolute(&job.root, &job.path)));
    fields
}
