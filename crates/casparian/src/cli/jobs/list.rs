//! `casparian jobs list`.

use super::document;
use crate::cli::context::Context;
use crate::failure::{Ending, Failure};
use crate::output::{Table, absolute, count, moment, shown};
use catalog::report::{JobFilter, JobRow};
use catalog::{JobState, Lane};
use protocol::JobId;
use serde_json::{Value, json};

/// List jobs, the newest first
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only jobs in this state
    #[arg(long, value_name = "STATE")]
    status: Option<JobState>,
    /// Only jobs of this plugin
    #[arg(long, value_name = "NAME")]
    plugin: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// Only jobs before this one: the `next` of the page before
    #[arg(long, value_name = "ID")]
    before: Option<JobId>,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let settings = context.settings()?;
    let filter = JobFilter {
        state: arguments.status,
        plugin: arguments.plugin.clone(),
        before: arguments.before,
        limit: arguments.limit.saturating_add(1),
        ..JobFilter::default()
    };
    let mut jobs = context.read(&settings, async |catalog| Ok(catalog.jobs(&filter).await?))?;
    let has_more = jobs.len() > arguments.limit;
    jobs.truncate(arguments.limit);
    let next = jobs.last().filter(|_| has_more).map(|job| job.id.to_string());
    let printer = context.printer;
    if printer.is_json() {
        let jobs = jobs.iter().map(|job| Value::Object(document(job))).collect::<Vec<_>>();
        printer.document(&json!({ "jobs": jobs, "next": next }))?;
        return Ok(Ending::Done);
    }
    let mut table = Table::new(&["id", "status", "plugin", "try", "rows", "path", "error"]);
    table = table.numbers(&[3, 4]);
    for job in &jobs {
        let path = shown(&absolute(&job.root, &job.path), &settings.project.root);
        let (attempt, rows) = (job.attempt.to_string(), count(job.rows));
        let state = state(job);
        table.row([&job.id.to_string(), &state, &job.plugin, &attempt, &rows, &path, &why(job)]);
    }
    printer.table(&table)?;
    if let Some(next) = next {
        printer.note(&format!("there are more: --before {next}"));
    }
    Ok(Ending::Done)
}

fn state(job: &JobRow) -> String {
    let hold = job.hold.as_deref().filter(|_| job.state == JobState::Pending);
    let lane = (job.lane != Lane::Fresh && !job.state.is_end()).then(|| job.lane.as_str());
    let remarks = hold.into_iter().chain(lane).collect::<Vec<_>>();
    match remarks.is_empty() {
        true => job.state.to_string(),
        false => format!("{} ({})", job.state, remarks.join(", ")),
    }
}

/// The last line of an error says what it is: above it stands the traceback.
fn why(job: &JobRow) -> String {
    if let Some(by) = &job.aborted_by {
        let at = job.ended_at_us.map(moment).unwrap_or_default();
        return format!("by {by}, {at}");
    }
    let lines = job.error.as_deref().unwrap_or_default().lines();
    lines.rev().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned()
}
