//! `casparian jobs abort`.

use crate::cli::context::Context;
use crate::cli::request::{Left, leave, refused_documents};
use crate::config::Settings;
use crate::failure::{Ending, Failure};
use crate::output::counted;
use catalog::report::JobFilter;
use catalog::{JobState, NewRequest, RefusedJob};
use protocol::JobId;
use serde_json::json;
use std::collections::BTreeSet;

/// Stop jobs: those that wait at once, those that run with all processes of their plugin; nothing of them is published
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Which jobs
    #[arg(required = true)]
    id: Vec<JobId>,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let settings = context.settings()?;
    let ids = arguments.id.iter().copied().collect::<BTreeSet<_>>();
    let (jobs, mut refused) = judge(&ids, context, &settings)?;
    let left = match jobs.is_empty() {
        true => None,
        false => Some(leave(context, &settings, &NewRequest::Abort { jobs })?),
    };
    let report = left.as_ref().and_then(|left| left.report.clone());
    refused.extend(report.iter().flat_map(|report| report.refused.clone()));
    let aborted = report.map(|report| report.jobs);
    tell(left.as_ref(), aborted, &refused, context)?;
    Ok(if refused.is_empty() { Ending::Done } else { Ending::WithFailures })
}

/// Jobs that may be aborted, and the answers that need no Sentinel.
fn judge(
    ids: &BTreeSet<JobId>,
    context: &Context,
    settings: &Settings,
) -> Result<(Vec<JobId>, Vec<RefusedJob>), Failure> {
    let states = context.read(settings, async |catalog| {
        let mut states = Vec::with_capacity(ids.len());
        for id in ids {
            let filter = JobFilter { id: Some(*id), limit: 1, ..JobFilter::default() };
            states.push((*id, catalog.jobs(&filter).await?.pop().map(|job| job.state)));
        }
        Ok(states)
    })?;
    let (mut jobs, mut refused) = (Vec::new(), Vec::new());
    for (id, state) in states {
        let Some(state) = state else {
            return Err(Failure::usage(format!("there is no job {id}; nothing is aborted"))
                .hint("`casparian jobs list` shows the jobs with their ids"));
        };
        match JobState::why_not_aborted(state) {
            Some(reason) => refused.push(RefusedJob::new(id, reason)),
            None => jobs.push(id),
        }
    }
    Ok((jobs, refused))
}

fn tell(
    left: Option<&Left>,
    aborted: Option<u64>,
    refused: &[RefusedJob],
    context: &Context,
) -> Result<(), Failure> {
    let printer = context.printer;
    if printer.is_json() {
        return printer.document(&json!({
            "request": left.map(|left| left.id.to_string()),
            "carried_out": left.is_none() || aborted.is_some(),
            "jobs": aborted.unwrap_or(0),
            "refused": refused_documents(refused),
        }));
    }
    match (left, aborted) {
        (None, _) => {}
        (_, Some(0)) if !refused.is_empty() => {}
        (_, Some(jobs)) => {
            let (is, what) = (if jobs == 1 { "is" } else { "are" }, counted(jobs, "job", "jobs"));
            printer.line(&format!("{what} {is} aborted; `casparian jobs retry` queues again"))?;
        }
        (Some(left), None) => printer.line(&left.without_answer("aborts them first"))?,
    }
    for one in refused {
        printer.line(&format!("not aborted: {one}"))?;
    }
    Ok(())
}
