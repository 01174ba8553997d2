//! `casparian verify`.

use super::context::Context;
use super::request::{leave, refused_documents};
use crate::config::Settings;
use crate::failure::{Ending, Failure};
use crate::output::{Bar, bytes, clean_bytes, count, counted, path_fields, seconds};
use crate::proof::{Depth, Finding, ProofReport, Verifier};
use catalog::NewRequest;
use serde_json::{Map, Value, json};
use std::time::Instant;

/// Jobs in one request, so that the Sentinel's transactions stay short.
const REQUEST_MAX: usize = 200;

/// Prove that catalog and output agree: every row that was published is there once, and nothing else is
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Put right what can be: misplaced and doubled files go where they belong, what is lost is processed again
    #[arg(long)]
    repair: bool,
    /// Read sizes and footers only, not every byte
    #[arg(long)]
    quick: bool,
    /// Findings that are shown; all are counted, and repaired
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    limit: usize,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let settings = context.settings()?;
    let began = Instant::now();
    let bar = Bar::new(context.printer.is_watched());
    let mut report = context.read(&settings, async |catalog| {
        let verifier = Verifier {
            catalog,
            reader: context.sink_reader(&settings),
            project: &settings.project.root,
            depth: if arguments.quick { Depth::Quick } else { Depth::Full },
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            repair: arguments.repair,
            shown_max: arguments.limit,
            bar: &bar,
        };
        verifier.prove().await
    })?;
    bar.finish();
    let asked = ask(context, &settings, &mut report)?;
    report.elapsed = began.elapsed();
    if context.printer.is_json() {
        context.printer.document(&document(arguments, &report, &asked))?;
    } else {
        print(context, arguments, &report, &asked)?;
    }
    Ok(ending(&report))
}

/// What was put right is right: it was moved, and looked at. What the Sentinel was asked for still has to happen.
fn ending(report: &ProofReport) -> Ending {
    if report.left > 0 {
        Ending::Differs
    } else if report.unchecked.is_empty() {
        Ending::Done
    } else {
        Ending::Unchecked
    }
}

/// What became of the requests to the Sentinel.
#[derive(Debug, Default)]
struct Asked {
    requests: Vec<String>,
    is_carried_out: bool,
    queued: u64,
}

fn ask(context: &Context, settings: &Settings, report: &mut ProofReport) -> Result<Asked, Failure> {
    let mut asked = Asked { is_carried_out: true, ..Asked::default() };
    report.run_again.sort_unstable();
    report.run_again.dedup();
    let mut artifacts = std::mem::take(&mut report.drop);
    let mut chunks = report.run_again.chunks(REQUEST_MAX);
    loop {
        let jobs = chunks.next().unwrap_or_default().to_vec();
        if jobs.is_empty() && artifacts.is_empty() {
            return Ok(asked);
        }
        let request = NewRequest::Restore { jobs, artifacts: std::mem::take(&mut artifacts) };
        let left = leave(context, settings, &request)?;
        asked.requests.push(left.id.to_string());
        asked.is_carried_out &= left.report.is_some();
        let answer = left.report.unwrap_or_default();
        asked.queued += answer.jobs;
        report.refused.extend(answer.refused);
    }
}

fn print(
    context: &Context,
    arguments: &Arguments,
    report: &ProofReport,
    asked: &Asked,
) -> Result<(), Failure> {
    let printer = context.printer;
    for finding in &report.findings {
        printer.lines(&in_words(finding))?;
    }
    let more = report.found() - report.findings.len() as u64;
    if more > 0 {
        printer.line(&format!("and {} more: --limit shows them", count(more)))?;
    }
    for one in &report.unchecked {
        let files = counted(one.files, "file", "files");
        printer.line(&format!("unchecked  {}  {}: {files}: {}", one.topic, one.uri, one.reason))?;
    }
    printer.line(&summary(report))?;
    for (fault, number) in &report.counts {
        printer.line(&format!("  {}: {}", fault.as_str(), count(*number)))?;
    }
    for line in afterwards(arguments, report, asked) {
        printer.line(&line)?;
    }
    for refused in &report.refused {
        printer.line(&format!("not queued: {refused}"))?;
    }
    remark(context, report);
    Ok(())
}

fn in_words(finding: &Finding) -> String {
    let topic = finding.topic.as_deref().unwrap_or("-");
    let file = match finding.file.is_empty() {
        true => finding.job.map(|job| format!("job {job}")).unwrap_or_default(),
        false => format!("{}/{}", finding.uri, clean_bytes(&finding.file)),
    };
    let done = match finding.repaired {
        Some(true) => "done: ",
        Some(false) => "could not be done: ",
        None => "",
    };
    format!(
        "{}  {topic}  {file}\n  expected: {}\n  found:    {}\n  repair:   {done}{}\n",
        finding.fault.as_str(),
        finding.expected,
        finding.found,
        finding.repair
    )
}

fn summary(report: &ProofReport) -> String {
    let verdict = match (report.found(), report.unchecked.is_empty()) {
        (0, true) => "clean".to_owned(),
        (0, false) => "not all could be checked".to_owned(),
        (found, _) => counted(found, "difference", "differences"),
    };
    format!(
        "{verdict}: {}, {}, {}, {} ({})",
        counted(report.files, "current file", "current files"),
        counted(report.rows, "row", "rows"),
        bytes(report.bytes),
        counted(report.jobs, "job", "jobs"),
        seconds(report.elapsed)
    )
}

fn afterwards(arguments: &Arguments, report: &ProofReport, asked: &Asked) -> Vec<String> {
    let mut lines = Vec::new();
    if report.found() == 0 {
        return lines;
    }
    if !arguments.repair {
        lines.push(
            "nothing was changed; `casparian verify --repair` does what stands behind 'repair'"
                .to_owned(),
        );
        return lines;
    }
    if report.moved + report.removed > 0 {
        let moved = counted(report.moved, "file is", "files are");
        lines.push(format!("{moved} moved, {} removed", count(report.removed)));
    }
    if !asked.requests.is_empty() {
        let jobs = counted(report.run_again.len() as u64, "job", "jobs");
        lines.push(match asked.is_carried_out {
            true => format!("{} queued again; verify once more when they are done", counted(asked.queued, "job is", "jobs are")),
            false => format!("{jobs} to run again: the next `casparian run` or `casparian serve` does it; then verify once more"),
        });
    }
    lines
}

/// What is no difference, and yet worth knowing.
fn remark(context: &Context, report: &ProofReport) {
    let printer = context.printer;
    if report.in_flight > 0 {
        let files = counted(report.in_flight, "output is", "outputs are");
        printer.note(&format!("{files} being published right now, and set aside"));
    }
    if report.pending_moves > 0 {
        let files = counted(report.pending_moves, "replaced file waits", "replaced files wait");
        printer.note(&format!("{files} to be moved to _history; a run does it"));
    }
    if !report.undeclared.is_empty() {
        let topics = report.undeclared.join(", ");
        printer
            .note(&format!("no plugin declares these topics any more; their rows stay: {topics}"));
    }
}

fn document(arguments: &Arguments, report: &ProofReport, asked: &Asked) -> Value {
    let counts =
        report.counts.iter().map(|(fault, number)| (fault.as_str().to_owned(), json!(number)));
    let unchecked = report.unchecked.iter().map(|one| {
        json!({ "topic": one.topic, "uri": one.uri, "files": one.files, "reason": one.reason })
    });
    let repair = arguments.repair.then(|| {
        json!({
            "moved": report.moved, "removed": report.removed, "run_again": report.run_again.len(),
            "requests": asked.requests, "carried_out": asked.is_carried_out,
            "refused": refused_documents(&report.refused),
        })
    });
    json!({
        "clean": report.found() == 0 && report.unchecked.is_empty(),
        "mode": if arguments.quick { "quick" } else { "full" },
        "files": report.files, "rows": report.rows, "bytes": report.bytes, "jobs": report.jobs,
        "in_flight": report.in_flight, "pending_moves": report.pending_moves,
        "differences": report.found(), "left": report.left,
        "counts": counts.collect::<Map<_, _>>(),
        "findings": report.findings.iter().map(finding_document).collect::<Vec<_>>(),
        "unchecked": unchecked.collect::<Vec<_>>(),
        "undeclared_topics": report.undeclared,
        "repair": repair,
        "seconds": report.elapsed.as_secs_f64(),
    })
}

fn finding_document(finding: &Finding) -> Value {
    let file = match finding.file.is_empty() {
        true => Map::new(),
        false => path_fields(&finding.file),
    };
    let mut fields = Map::new();
    let mut add = |key: &str, value: Value| drop(fields.insert(key.to_owned(), value));
    add("kind", json!(finding.fault.as_str()));
    add("topic", json!(finding.topic));
    add("uri", json!(finding.uri));
    add("file", file.get("path").cloned().unwrap_or(Value::Null));
    if let Some(bytes) = file.get("path_b64") {
        add("file_b64", bytes.clone());
    }
    add("job", json!(finding.job.map(|job| job.to_string())));
    add("expected", json!(finding.expected));
    add("found", json!(finding.found));
    add("repair", json!(finding.repair.as_str()));
    add("repair_text", json!(finding.repair.to_string()));
    add("repaired", json!(finding.repaired));
    Value::Object(fields)
}
