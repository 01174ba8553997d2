//! A file's story, for people and for programs.

use super::facts::Facts;
use super::job::JobFacts;
use super::verdict::Verdict;
use crate::failure::Failure;
use crate::output::{Printer, bytes, count, hex, moment, path_fields, shown};
use control::route::NearMiss;
use serde_json::{Value, json};
use std::path::Path;

pub fn print(printer: Printer, facts: &Facts, project: &Path) -> Result<(), Failure> {
    let verdict = Verdict::of(facts, project);
    if printer.is_json() {
        return printer.document(&document(facts, &verdict, project));
    }
    let path = shown(&facts.absolute, project);
    printer.line(&format!("{path}: {}: {}", verdict.word, verdict.sentence))?;
    for (name, text) in steps(facts, project) {
        printer.line(&format!("  {name:<9} {text}"))?;
    }
    Ok(())
}

fn steps(facts: &Facts, project: &Path) -> Vec<(&'static str, String)> {
    let mut steps = vec![("source", shown(&facts.root, project))];
    steps.extend(seen(facts));
    for version in &facts.versions {
        let current = if version.is_current { ", current" } else { "" };
        let (size, at) = (bytes(version.size), moment(version.detected_at_us));
        let text = format!(
            "{}{current}: {size}, SHA-256 {}, found at {at}",
            version.sequence, version.hash
        );
        steps.push(("version", text));
    }
    for rule in &facts.matched {
        steps.push(("rule", format!("{} gives {} ({})", rule.pattern, rule.tag, rule.origin)));
    }
    for (rule, near) in &facts.near {
        let why = match near {
            NearMiss::Case => "would match, but for upper and lower case",
            NearMiss::Directory => "matches the name, in another directory",
            NearMiss::Extension => "would match without the last extension",
        };
        steps.push(("nearly", format!("{} ({}) {why}", rule.pattern, rule.origin)));
    }
    if !facts.plugins.is_empty() {
        steps.push(("plugins", facts.plugins.join(", ")));
    }
    for (plugin, error) in &facts.rejected {
        steps.push(("rejected", format!("{plugin}: {}", error.lines().next().unwrap_or_default())));
    }
    for job in &facts.jobs {
        steps.extend(told(job, project));
    }
    steps
}

fn seen(facts: &Facts) -> Vec<(&'static str, String)> {
    let mut steps = Vec::new();
    if let Some(location) = &facts.location {
        let (size, at) =
            (bytes(location.stat.size), moment(location.stat.mtime_ns.div_euclid(1_000)));
        let since = moment(location.discovered_at_us);
        steps.push(("seen", format!("first at {since}; {size}, modified {at}")));
        let hashed = match (location.hashed_at_us, location.dirty, location.racy) {
            (_, true, _) => "not yet, under its present size and times".to_owned(),
            (Some(at), _, true) => {
                format!("at {}; so soon after a change that it is hashed once more", moment(at))
            }
            (Some(at), ..) => format!("at {}", moment(at)),
            (None, ..) => "never".to_owned(),
        };
        steps.push(("hashed", hashed));
    }
    if facts.settle_ms > 0 {
        steps.push(("settle", format!("a file rests {} ms before it is taken", facts.settle_ms)));
    }
    steps
}

fn told(facts: &JobFacts, project: &Path) -> Vec<(&'static str, String)> {
    let job = &facts.job;
    let plugin = format!("{} {}", job.plugin, &hex(&job.plugin_version)[..12]);
    let attempts =
        if job.attempt > 1 { format!(", attempt {}", job.attempt) } else { String::new() };
    let ran = match (&job.worker, job.ended_at_us) {
        (Some(worker), Some(at)) => format!(", on {worker} until {}", moment(at)),
        _ => String::new(),
    };
    let text =
        format!("{} {} by {plugin}{attempts}{ran}: {}", job.id, job.state, facts.sentence(project));
    let mut steps = vec![("job", text)];
    for one in &facts.artifacts {
        let text = format!(
            "{} to {}: {}/{} ({})",
            count(one.rows),
            one.topic,
            one.uri,
            one.file,
            one.state
        );
        steps.push(("rows", text));
    }
    steps
}

fn document(facts: &Facts, verdict: &Verdict, project: &Path) -> Value {
    let mut fields = path_fields(&facts.absolute);
    let mut add = |key: &str, value: Value| drop(fields.insert(key.to_owned(), value));
    add("status", json!(verdict.word));
    add("reason", json!(verdict.sentence));
    add("source", Value::Object(path_fields(&facts.root)));
    add("seen", facts.location.as_ref().map_or(Value::Null, |location| {
        json!({
            "first_at": moment(location.discovered_at_us), "size": location.stat.size,
            "modified_at": moment(location.stat.mtime_ns.div_euclid(1_000)),
            "hashed_at": location.hashed_at_us.map(moment), "dirty": location.dirty, "racy": location.racy,
            "deleted_at": location.deleted_at_us.map(moment),
        })
    }));
    let versions = facts.versions.iter().map(|version| {
        json!({
            "id": version.id.to_string(), "sequence": version.sequence, "current": version.is_current,
            "content_hash": version.hash.to_string(), "size": version.size, "found_at": moment(version.detected_at_us),
            "tags": version.tags.split(',').filter(|tag| !tag.is_empty()).collect::<Vec<_>>(),
        })
    });
    add("versions", versions.collect());
    let rules = facts
        .matched
        .iter()
        .map(|rule| json!({ "pattern": rule.pattern, "tag": rule.tag, "origin": rule.origin }));
    add("rules", rules.collect());
    let near = facts.near.iter().map(|(rule, near)| {
        let why = match near {
            NearMiss::Case => "case",
            NearMiss::Directory => "directory",
            NearMiss::Extension => "extension",
        };
        json!({ "pattern": rule.pattern, "tag": rule.tag, "origin": rule.origin, "differs_in": why })
    });
    add("nearly", near.collect());
    add("tags", json!(facts.tags));
    add("plugins", json!(facts.plugins));
    let rejected =
        facts.rejected.iter().map(|(plugin, error)| json!({ "plugin": plugin, "error": error }));
    add("rejected_plugins", rejected.collect());
    add("jobs", facts.jobs.iter().map(|job| job_document(job, project)).collect());
    Value::Object(fields)
}

fn job_document(facts: &JobFacts, project: &Path) -> Value {
    let mut fields = crate::cli::jobs::document(&facts.job);
    fields.insert("reason".to_owned(), json!(facts.sentence(project)));
    let artifacts = facts.artifacts.iter().map(|one| {
        json!({ "topic": one.topic, "uri": one.uri, "file": one.file, "rows": one.rows, "status": one.state })
    });
    fields.insert("artifacts".to_owned(), artifacts.collect());
    Value::Object(fields)
}
