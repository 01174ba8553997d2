//! `casparian jobs retry`.

use crate::cli::context::Context;
use crate::cli::request::{Left, leave, refused_documents};
use crate::config::Settings;
use crate::failure::{Ending, Failure};
use crate::output::counted;
use catalog::report::JobFilter;
use catalog::{NewRequest, RetrySelection};
use protocol::JobId;
use serde_json::json;

/// Queue failed and aborted jobs again, for the plugin's present version
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Which jobs
    #[arg(required_unless_present = "failed", conflicts_with = "failed")]
    id: Vec<JobId>,
    /// All jobs that failed
    #[arg(long)]
    failed: bool,
    /// Only those of this plugin
    #[arg(long, value_name = "NAME", requires = "failed")]
    plugin: Option<String>,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let settings = context.settings()?;
    let selection = if arguments.failed {
        RetrySelection::Failed { plugin: arguments.plugin.clone() }
    } else {
        known(&arguments.id, context, &settings)?;
        RetrySelection::Jobs(arguments.id.clone())
    };
    let left = leave(context, &settings, &NewRequest::Retry { selection })?;
    tell(&left, context)?;
    let has_refused = left.report.is_some_and(|report| !report.refused.is_empty());
    Ok(if has_refused { Ending::WithFailures } else { Ending::Done })
}

/// A number that is mistyped is told at once, though no Sentinel may be there to notice.
fn known(ids: &[JobId], context: &Context, settings: &Settings) -> Result<(), Failure> {
    let unknown = context.read(settings, async |catalog| {
        for id in ids {
            let filter = JobFilter { id: Some(*id), limit: 1, ..JobFilter::default() };
            if catalog.jobs(&filter).await?.is_empty() {
                return Ok(Some(*id));
            }
        }
        Ok(None)
    })?;
    match unknown {
        None => Ok(()),
        Some(id) => Err(Failure::usage(format!("there is no job {id}; nothing is tried again"))
            .hint("`casparian jobs list` shows the jobs with their ids")),
    }
}

fn tell(left: &Left, context: &Context) -> Result<(), Failure> {
    let printer = context.printer;
    if printer.is_json() {
        let report = left.report.clone().unwrap_or_default();
        return printer.document(&json!({
            "request": left.id.to_string(), "carried_out": left.report.is_some(),
            "jobs": report.jobs, "refused": refused_documents(&report.refused),
        }));
    }
    let Some(report) = &left.report else {
        return printer.line(&left.without_answer("queues them again"));
    };
    let is = if report.jobs == 1 { "is" } else { "are" };
    printer.line(&format!("{} {is} queued again", counted(report.jobs, "job", "jobs")))?;
    for one in &report.refused {
        printer.line(&format!("not queued: {one}"))?;
    }
    Ok(())
}
