//! `casparian backfill`.

use super::context::Context;
use super::request::{Left, leave};
use crate::config::Settings;
use crate::failure::{Ending, Failure};
use crate::output::{Table, absolute, count, counted, path_fields, shown};
use crate::sql_plugins;
use catalog::NewRequest;
use control::architect::read_directory;
use control::backfill::{BackfillError, BackfillPlan, Selection, plan};
use control::clock::{Clock, SystemClock};
use protocol::PluginVersion;
use serde_json::{Value, json};
use std::path::Path;

/// Process files that are there once more, with the plugin's present version; new rows replace the old ones
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The plugin
    plugin: String,
    /// Which files: path=GLOB, root=DIR, tag=TAG, status=completed|failed|aborted|quarantined, since=TIME, until=TIME,
    /// or != for the others, joined by `and`; TIME is a date, 2026-01-31T12:00:00Z, or how long ago: 12h, 2d
    #[arg(long = "where", value_name = "CONDITIONS")]
    conditions: Vec<String>,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let settings = context.settings()?;
    let here = std::path::absolute(".").unwrap_or_default();
    let selection = Selection::parse(&arguments.conditions, SystemClock.now_us(), &here)
        .map_err(|error| Failure::usage(format!("--where: {error}")))?;
    let plugin = arguments.plugin.as_str();
    let present = present_version(&settings, plugin);
    let found = context
        .read(&settings, async |catalog| Ok(plan(catalog, plugin, present, &selection).await?))?;
    let left = match arguments.dry_run || found.counts.jobs == 0 {
        true => None,
        false => {
            let selection = selection.to_string();
            let request = NewRequest::Backfill { plugin: plugin.to_owned(), selection };
            Some(leave(context, &settings, &request)?)
        }
    };
    let printer = context.printer;
    if printer.is_json() {
        printer.document(&document(&found, left.as_ref(), arguments.dry_run))?;
        return Ok(Ending::Done);
    }
    printer.table(&table(&found))?;
    examples(&found, &settings, context)?;
    let said = match (&left, left.as_ref().and_then(|left| left.report.as_ref())) {
        (_, Some(report)) => {
            format!("{} queued in the backfill lane", counted(report.jobs, "job is", "jobs are"))
        }
        (Some(left), None) => left.without_answer("queues them in the backfill lane"),
        (None, None) if arguments.dry_run => "a dry run: nothing was done".to_owned(),
        (None, None) => "there is nothing to do".to_owned(),
    };
    printer.line(&said)?;
    Ok(Ending::Done)
}

/// The Sentinel registers what lies in the directory before it does anything else.
fn present_version(settings: &Settings, plugin: &str) -> Option<PluginVersion> {
    let sources = read_directory(&settings.plugins_dir.value, sql_plugins::CHECK).ok()?;
    let source = sources.into_iter().find(|source| source.name == plugin)?;
    source.declared.is_ok().then_some(source.version)
}

fn document(found: &BackfillPlan, left: Option<&Left>, is_dry: bool) -> Value {
    let counts = &found.counts;
    let report = left.and_then(|left| left.report.as_ref());
    let examples = found.examples.iter().map(|one| {
        let mut fields = path_fields(&absolute(&one.file.root, &one.file.path));
        fields.insert("job".to_owned(), json!(one.job.to_string()));
        Value::Object(fields)
    });
    json!({
        "files": counts.files, "jobs": counts.jobs, "done": counts.done, "under_way": counts.under_way, "spent": counts.spent,
        "gone": found.gone, "gone_examples": examples.collect::<Vec<_>>(),
        "dry_run": is_dry, "request": left.map(|left| left.id.to_string()),
        "carried_out": report.is_some() || (left.is_none() && !is_dry), "queued": report.map(|report| report.jobs),
    })
}

fn table(found: &BackfillPlan) -> Table {
    let counts = &found.counts;
    let mut table = Table::bare();
    table.row(["files", &count(counts.files)]);
    let mut maybe = |name: &str, number: u64, what: &str| {
        if number > 0 {
            table.row([name, &format!("{} {what}", count(number))]);
        }
    };
    maybe("to do", counts.jobs, "by the plugin's present version");
    maybe("done", counts.done, "by the plugin's present version already");
    maybe("under way", counts.under_way, "with the plugin's present version");
    maybe(
        "spent",
        counts.spent,
        "failed or aborted with the present version: --where status=failed, or `casparian jobs retry`",
    );
    maybe("gone", found.gone, "have rows of an older version and no bytes to make them anew from");
    table
}

fn examples(found: &BackfillPlan, settings: &Settings, context: &Context) -> Result<(), Failure> {
    let project: &Path = &settings.project.root;
    for one in &found.examples {
        let path = shown(&absolute(&one.file.root, &one.file.path), project);
        context.printer.line(&format!("  gone: {path} (job {})", one.job))?;
    }
    Ok(())
}

impl From<BackfillError> for Failure {
    fn from(error: BackfillError) -> Self {
        match error {
            BackfillError::Catalog(error) => error.into(),
            BackfillError::NotActive { .. } => Self::usage(error.to_string()),
        }
    }
}
