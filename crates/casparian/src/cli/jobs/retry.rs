//! `casparian jobs retry`.

use crate::cli::context::Context;
use crate::cli::request::{leave, refused_documents};
use crate::failure::{Ending, Failure};
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
        RetrySelection::Jobs(arguments.id.clone())
    };
    let left = leave(context, &settings, &NewRequest::Retry { selection })?;
    let answer = left.report.as_ref().map(|report| {
        let first = format!("{} jobs are queued again", report.jobs);
        let refused = report.refused.iter().map(ToString::to_string);
        std::iter::once(first).chain(refused).collect::<Vec<_>>().join("\n")
    });
    let printer = context.printer;
    if printer.is_json() {
        let report = left.report.unwrap_or_default();
        printer.document(&json!({
            "request": left.id.to_string(), "carried_out": answer.is_some(), "result": answer,
            "jobs": report.jobs, "refused": refused_documents(&report.refused),
        }))?;
        return Ok(Ending::Done);
    }
    match answer {
        Some(answer) => printer.lines(&answer)?,
        None => printer.line(&left.without_answer("queues them again"))?,
    }
    Ok(Ending::Done)
}
