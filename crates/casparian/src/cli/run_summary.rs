//! What `run` says at its end.

use super::{doubt, waiting};
use crate::config::Settings;
use crate::failure::Failure;
use crate::output::{Printer, Table, absolute, bytes, count, counted, path_fields, seconds, shown};
use crate::roles::RunReport;
use catalog::report::JobRow;
use control::scout::{Bounded, Unreadable};
use serde_json::{Value, json};
use std::path::Path;

/// Names of each kind that people are shown; `--json` has more.
const SHOWN_MAX: usize = 100;

pub fn document(report: &RunReport) -> Value {
    json!({
        "files_seen": report.files_seen,
        "files_new": report.files_new,
        "files_changed": report.files_changed,
        "files_deleted": report.files_deleted,
        "versions": report.versions,
        "jobs_completed": report.totals.jobs_completed,
        "jobs_failed": report.totals.jobs_failed,
        "jobs_skipped": report.totals.jobs_skipped,
        "jobs_aborted": report.totals.jobs_aborted,
        "rows": report.totals.rows,
        "rows_quarantined": report.totals.rows_quarantined,
        "bytes_in": report.totals.bytes_in,
        "seconds": report.elapsed.as_secs_f64(),
        "failures": report.failures.iter().map(failure).collect::<Vec<_>>(),
        "waiting": waiting::document(&report.waiting),
        "unreadable": unreadable(&report.unreadable, &report.still_changing),
        "roots_in_doubt": doubt::documents(&report.in_doubt.shown),
    })
}

fn failure(job: &JobRow) -> Value {
    let mut fields = path_fields(&absolute(&job.root, &job.path));
    fields.insert("job".to_owned(), json!(job.id.to_string()));
    fields.insert("plugin".to_owned(), json!(job.plugin));
    fields.insert("error_class".to_owned(), json!(job.error_class));
    fields.insert("error".to_owned(), json!(job.error));
    Value::Object(fields)
}

pub fn unreadable(unreadable: &Bounded<Unreadable>, changing: &Bounded<Vec<u8>>) -> Value {
    let unreadable = unreadable.shown.iter().map(|one| (&one.path, one.reason.as_str()));
    let changing = changing.shown.iter().map(|path| (path, STILL_CHANGING));
    let documents = unreadable.chain(changing).map(|(path, reason)| {
        let mut fields = path_fields(path);
        fields.insert("error".to_owned(), json!(reason));
        Value::Object(fields)
    });
    documents.collect()
}

const STILL_CHANGING: &str = "it changed each time it was read: run again when it is at rest";

pub fn print(report: &RunReport, settings: &Settings, printer: Printer) -> Result<(), Failure> {
    printer.table(&table(report))?;
    let project = &settings.project.root;
    failures(report, project, printer)?;
    doubt::print(&report.in_doubt, printer)?;
    paths("could not be read", &report.unreadable, project, printer)?;
    if report.still_changing.count > 0 {
        printer.data(&format!("\n{} still changing:\n", count(report.still_changing.count)))?;
        for path in report.still_changing.shown.iter().take(SHOWN_MAX) {
            printer.line(&format!("  {}: {STILL_CHANGING}", shown(path, project)))?;
        }
    }
    remarks(report, settings, printer);
    Ok(())
}

fn table(report: &RunReport) -> Table {
    let mut table = Table::bare();
    let totals = &report.totals;
    let mut files = format!("{} seen", count(report.files_seen));
    add(&mut files, report.files_new, "new");
    add(&mut files, report.files_changed, "changed");
    add(&mut files, report.files_deleted, "deleted");
    add(&mut files, report.unreadable.count, "unreadable");
    add(&mut files, report.passed_over.count, "passed over (links, pipes, sockets)");
    add(&mut files, report.settling, "not at rest yet");
    table.row(["files", &files]);
    table.row(["versions", &count(report.versions)]);
    let mut jobs = format!("{} completed", count(totals.jobs_completed));
    add(&mut jobs, totals.jobs_failed, "failed");
    add(&mut jobs, totals.jobs_aborted, "aborted");
    add(&mut jobs, totals.jobs_skipped, "skipped (their content is in the topic)");
    table.row(["jobs", &jobs]);
    let mut rows = format!("{} from {}", count(totals.rows), bytes(totals.bytes_in));
    add(&mut rows, totals.rows_quarantined, "in quarantine");
    table.row(["rows", &rows]);
    table.row(["time", &seconds(report.elapsed)]);
    let waiting = waiting::reasons(&report.waiting);
    if !waiting.is_empty() {
        table.row(["waiting", &waiting.join(", ")]);
    }
    table
}

fn add(text: &mut String, number: u64, what: &str) {
    if number > 0 {
        *text += &format!(", {} {what}", count(number));
    }
}

fn failures(report: &RunReport, project: &Path, printer: Printer) -> Result<(), Failure> {
    if report.failures.is_empty() {
        return Ok(());
    }
    printer.data(&format!(
        "\n{}:\n",
        counted(report.totals.jobs_failed, "failed job", "failed jobs")
    ))?;
    for job in report.failures.iter().take(SHOWN_MAX) {
        let path = shown(&absolute(&job.root, &job.path), project);
        let class = job.error_class.as_deref().unwrap_or("error");
        let error = job.error.as_deref().unwrap_or_default();
        let reason = error.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        printer.line(&format!("  {path} ({}): {class}: {reason}", job.plugin))?;
    }
    let rest = report.totals.jobs_failed.saturating_sub(SHOWN_MAX as u64);
    if rest > 0 {
        printer
            .line(&format!("  and {} more: casparian jobs list --status failed", count(rest)))?;
    }
    printer.note(
        "`casparian jobs show ID` has the whole story, `casparian jobs retry --failed` tries again",
    );
    Ok(())
}

pub fn paths(
    what: &str,
    found: &Bounded<Unreadable>,
    project: &Path,
    printer: Printer,
) -> Result<(), Failure> {
    if found.count == 0 {
        return Ok(());
    }
    printer.data(&format!("\n{} {what}:\n", count(found.count)))?;
    for one in found.shown.iter().take(SHOWN_MAX) {
        printer.line(&format!("  {}: {}", shown(&one.path, project), one.reason))?;
    }
    Ok(())
}

fn remarks(report: &RunReport, settings: &Settings, printer: Printer) {
    for line in &report.bad_ignores.shown {
        printer.warning(&format!("ignored as no pattern: {line}"));
    }
    if !report.had_engine {
        for plugin in report.rejected() {
            printer.warning(plugin.error.as_deref().unwrap_or(&plugin.name));
        }
    }
    if let Some(helper) = &report.helper {
        let pid = helper.get("pid").and_then(Value::as_u64).unwrap_or(0);
        printer.note(&format!("the jobs were done by the Sentinel that is live (pid {pid})"));
    }
    let earlier = report.failed_files.saturating_sub(report.totals.jobs_failed);
    if earlier > 0 {
        printer.note(&format!(
            "{} failed in earlier runs: `casparian jobs list --status failed` shows them, `casparian jobs retry --failed` tries again",
            counted(earlier, "file", "files"),
        ));
    }
    if !report.has_active_plugin() {
        printer.note(&format!(
            "no plugin is active, so the files are only known: put a plugin into {} and run again (`casparian init` shows one)",
            settings.plugins_dir.value.display(),
        ));
    }
}
