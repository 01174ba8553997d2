//! Rows, and under each where it comes from.

use super::origin::Origin;
use super::search::Traced;
use crate::failure::Failure;
use crate::output::{Printer, bytes, count, counted, hex, moment, path_fields, shown};
use serde_json::{Map, Value, json};
use std::path::Path;

/// Columns that are shown to people.
const VALUES_SHOWN: usize = 12;

pub fn print(
    printer: Printer,
    topic: &str,
    traced: &Traced,
    origins: &[Origin],
    project: &Path,
) -> Result<(), Failure> {
    for (file, why) in &traced.unreadable {
        printer.warning(&format!("{file} was left out: {why}; `casparian verify` says what to do"));
    }
    if printer.is_json() {
        return printer.document(&document(topic, traced, origins));
    }
    for origin in origins {
        printer.lines(&origin_in_words(origin, project))?;
        let own = traced.rows.iter().filter(|row| row.row.job == origin.job.id);
        for row in own {
            let place = format!("{} row {}", row.file, count(row.row.position));
            printer.line(&format!("  {place}: {}", values(&row.row.values)))?;
        }
    }
    let known = |job| origins.iter().any(|origin| origin.job.id == job);
    for row in traced.rows.iter().filter(|row| !known(row.row.job)) {
        printer.line(&format!(
            "job {}, which the catalog does not know; {} row {}",
            row.row.job, row.file, row.row.position
        ))?;
    }
    let files = counted(traced.files, "file", "files");
    printer.note(&match (traced.rows.len(), traced.has_more) {
        (0, _) => format!("no row of {topic} meets this ({files} read)"),
        (rows, true) => {
            format!("the first {}: there are more (--limit)", counted(rows as u64, "row", "rows"))
        }
        (rows, false) => format!("{} ({files} read)", counted(rows as u64, "row", "rows")),
    });
    Ok(())
}

fn origin_in_words(origin: &Origin, project: &Path) -> String {
    let (job, taken) = (&origin.job, &origin.taken);
    let ended = job.ended_at_us.map(moment).unwrap_or_default();
    let worker = job.worker.as_deref().unwrap_or("no worker");
    let mut lines = vec![
        format!("job {} {}, attempt {}, ended {ended}", job.id, job.state, job.attempt),
        format!("  plugin   {} {}", job.plugin, hex(&job.plugin_version)),
        format!("  worker   {worker}"),
    ];
    if let Some(environment) = &taken.environment {
        let git = match environment.git_hash.as_str() {
            "" => String::new(),
            hash => format!(", git {hash}"),
        };
        lines.push(format!(
            "  on       {}@{}, {}{git}",
            environment.user, environment.host, environment.os
        ));
    }
    let path = shown(&origin.path, project);
    lines.push(format!("  file     {path}, version {}, {}", taken.sequence, bytes(taken.size)));
    lines.push(format!("  SHA-256  {}; {}", taken.content_hash, origin.bytes.sentence()));
    for one in &origin.artifacts {
        lines.push(format!(
            "  output   {}/{}: {} ({})",
            one.uri,
            one.file,
            counted(one.rows, "row", "rows"),
            one.state
        ));
    }
    if let Some(by) = job.superseded_by {
        lines.push(format!("  replaced by job {by}"));
    }
    lines.join("\n")
}

fn values(values: &[(String, Option<String>)]) -> String {
    let shown = values.iter().take(VALUES_SHOWN);
    let shown = shown.map(|(name, value)| format!("{name}={}", value.as_deref().unwrap_or("NULL")));
    let more = values.len().saturating_sub(VALUES_SHOWN);
    let shown = shown.collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown}, and {more} columns more") } else { shown }
}

fn document(topic: &str, traced: &Traced, origins: &[Origin]) -> Value {
    let rows = traced.rows.iter().map(|one| {
        let values = one.row.values.iter().map(|(name, value)| (name.clone(), json!(value)));
        json!({
            "uri": one.uri, "file": one.file, "row": one.row.position,
            "job": one.row.job.to_string(), "file_version_id": one.row.version.to_string(),
            "values": values.collect::<Map<_, _>>(),
        })
    });
    let unreadable =
        traced.unreadable.iter().map(|(file, why)| json!({ "file": file, "error": why }));
    json!({
        "topic": topic, "rows": rows.collect::<Vec<_>>(), "more": traced.has_more,
        "files_read": traced.files,
        "origins": origins.iter().map(origin_document).collect::<Vec<_>>(),
        "unreadable": unreadable.collect::<Vec<_>>(),
    })
}

fn origin_document(origin: &Origin) -> Value {
    let (job, taken) = (&origin.job, &origin.taken);
    let environment = taken.environment.as_ref().map(|it| {
        let versions = serde_json::from_str::<Value>(&it.versions).unwrap_or(json!(it.versions));
        json!({ "host": it.host, "user": it.user, "git_hash": it.git_hash, "os": it.os, "versions": versions })
    });
    let mut file = path_fields(&origin.path);
    file.insert("file_version_id".to_owned(), json!(job.version.to_string()));
    file.insert("version".to_owned(), json!(taken.sequence));
    file.insert("content_hash".to_owned(), json!(taken.content_hash.to_string()));
    file.insert("size".to_owned(), json!(taken.size));
    file.insert("bytes".to_owned(), json!(origin.bytes.as_str()));
    let artifacts = origin.artifacts.iter().map(|one| {
        json!({ "topic": one.topic, "uri": one.uri, "file": one.file, "rows": one.rows, "hash": hex(&one.hash), "status": one.state })
    });
    json!({
        "job": job.id.to_string(), "status": job.state.as_str(), "attempt": job.attempt,
        "plugin": job.plugin, "plugin_version": hex(&job.plugin_version),
        "worker": job.worker, "environment": environment,
        "started_at": job.claimed_at_us.map(moment), "ended_at": job.ended_at_us.map(moment),
        "superseded_by": job.superseded_by.map(|id| id.to_string()),
        "file": file, "artifacts": artifacts.collect::<Vec<_>>(),
    })
}
