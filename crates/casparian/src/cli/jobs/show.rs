//! `casparian jobs show`.

use super::document;
use crate::cli::context::Context;
use crate::failure::{Ending, Failure};
use crate::output::{Table, absolute, bytes, count, hex, moment, shown};
use crate::roles::log_tail;
use catalog::report::{ArtifactRow, JobFilter, JobRow};
use protocol::JobId;
use serde_json::{Value, json};
use std::path::Path;

/// Show a job: what it took, what it published, why it failed, and the end of its log
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// As `jobs list` shows it
    id: JobId,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let settings = context.settings()?;
    let id = arguments.id;
    let filter = JobFilter { id: Some(id), limit: 1, ..JobFilter::default() };
    let (job, artifacts) = context.read(&settings, async |catalog| {
        Ok((catalog.jobs(&filter).await?.pop(), catalog.artifacts_of(id).await?))
    })?;
    let job = job.ok_or_else(|| {
        Failure::usage(format!("there is no job {id}"))
            .hint("`casparian jobs list` shows the jobs with their ids")
    })?;
    let log = log_tail(&settings, id);
    let printer = context.printer;
    if printer.is_json() {
        let mut fields = document(&job);
        let artifacts = artifacts.iter().map(artifact_document).collect::<Vec<_>>();
        fields.insert("artifacts".to_owned(), json!(artifacts));
        fields.insert("log".to_owned(), json!(log));
        printer.document(&Value::Object(fields))?;
        return Ok(Ending::Done);
    }
    printer.table(&facts(&job, &settings.project.root))?;
    if !artifacts.is_empty() {
        printer.data("\n")?;
        printer.table(&published(&artifacts))?;
    }
    for (name, text) in [("error", &job.error), ("log", &log)] {
        if let Some(text) = text.as_deref().filter(|text| !text.is_empty()) {
            printer.lines(&format!("\n{name}:\n{text}"))?;
        }
    }
    Ok(Ending::Done)
}

fn facts(job: &JobRow, project: &Path) -> Table {
    let mut table = Table::bare();
    table.row(["id", &job.id.to_string()]);
    table.row(["status", job.state.as_str()]);
    table.row(["lane", job.lane.as_str()]);
    table.row(["path", &shown(&absolute(&job.root, &job.path), project)]);
    table.row(["file version", &job.version.to_string()]);
    table.row(["plugin", &format!("{} {}", job.plugin, hex(&job.plugin_version))]);
    table.row(["attempt", &job.attempt.to_string()]);
    table.row(["rows", &count(job.rows)]);
    table.row(["bytes in", &bytes(job.bytes_in)]);
    table.row(["created", &moment(job.created_at_us)]);
    let mut maybe = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            table.row([name, &value]);
        }
    };
    maybe("started", job.claimed_at_us.map(moment));
    maybe("ended", job.ended_at_us.map(moment));
    maybe("worker", job.worker.clone());
    maybe("waits for", job.hold.clone().filter(|_| !job.state.is_end()));
    maybe("held by", job.held_by.map(|id| id.to_string()));
    maybe("superseded by", job.superseded_by.map(|id| id.to_string()));
    maybe("aborted by", job.aborted_by.clone());
    maybe("error class", job.error_class.clone());
    table
}

fn published(artifacts: &[ArtifactRow]) -> Table {
    let mut table = Table::new(&["topic", "rows", "size", "status", "file"]).numbers(&[1, 2]);
    for artifact in artifacts {
        let size = bytes(artifact.size_bytes);
        let file = format!("{}/{}", artifact.uri, artifact.file);
        table.row([&artifact.topic, &count(artifact.rows), &size, &artifact.state, &file]);
    }
    table
}

fn artifact_document(artifact: &ArtifactRow) -> Value {
    json!({
        "topic": artifact.topic, "uri": artifact.uri, "file": artifact.file,
        "rows": artifact.rows, "size_bytes": artifact.size_bytes,
        "hash": hex(&artifact.hash), "status": artifact.state,
    })
}
