//! The profile of a file for people.

use super::Inspected;
use crate::failure::Failure;
use crate::output::{Printer, Table, bytes, clean_bytes, count, counted};
use readers::{ColumnProfile, Profile, Reject, RowCount, TextLayout};
use std::os::unix::ffi::OsStrExt;

/// Of a column's samples, together.
const SAMPLES_SHOWN_MAX: usize = 50;
const RECORD_SHOWN_MAX: usize = 100;

pub(super) fn print(inspected: &Inspected<'_>, printer: Printer) -> Result<(), Failure> {
    let mut facts = Table::bare();
    facts.row(["file", &clean_bytes(inspected.path.as_os_str().as_bytes())]);
    facts.row(["size", &bytes(inspected.bytes)]);
    let profile = match &inspected.result {
        Ok(profile) => profile,
        Err(error) => {
            facts.row(["not read", &error.to_string()]);
            return printer.table(&facts);
        }
    };
    of_format(profile, &mut facts);
    facts.row(["rows", &rows(profile)]);
    for note in &profile.decision.notes {
        facts.row(["note", note]);
    }
    if let Some(broken) = &profile.broken {
        facts.row(["broken", &broken.to_string()]);
    }
    printer.table(&facts)?;
    printer.line("")?;
    printer.table(&columns(profile))?;
    problems(profile, printer)?;
    printer.line("")?;
    printer.line(&format!("READER: {}", profile.decision.pins().line()))
}

fn of_format(profile: &Profile, facts: &mut Table) {
    let decision = &profile.decision;
    let packed = decision
        .compression
        .map_or(String::new(), |packed| format!(", packed with {}", packed.name()));
    facts.row(["format", &format!("{}{packed}", decision.format)]);
    if let Some(encoding) = &decision.encoding {
        facts.row(["encoding", encoding]);
    }
    if let Some(layout) = &decision.layout {
        facts.row(["layout", &of_layout(layout)]);
    }
    if let Some(records) = &decision.records_at {
        facts.row(["records", records]);
    }
}

fn of_layout(layout: &TextLayout) -> String {
    let mut words = Vec::new();
    let mut sign =
        |name: &str, sign: Option<char>| words.extend(sign.map(|sign| format!("{name} {sign:?}")));
    sign("quote", layout.quote);
    sign("escape", layout.escape);
    sign("comment", layout.comment);
    if let Some(delimiter) = &layout.delimiter {
        words.insert(0, format!("delimiter {delimiter:?}"));
    }
    words.push(match layout.header {
        0 => "no header".to_owned(),
        line => format!("header in line {}", line + layout.skip),
    });
    if layout.footer > 0 {
        words.push(format!("{} below the table", counted(layout.footer, "line", "lines")));
    }
    words.join(", ")
}

fn rows(profile: &Profile) -> String {
    let rows = match profile.rows {
        RowCount::Exact(rows) => count(rows),
        RowCount::Estimate(rows) => format!("about {}", count(rows)),
        RowCount::AtLeast(rows) => format!("at least {}", count(rows)),
    };
    match profile.sampled_rows {
        Some(sampled) => format!("{rows}; what follows is told by {} of them", count(sampled)),
        None => rows,
    }
}

fn columns(profile: &Profile) -> Table {
    let mut table =
        Table::new(&["column", "type", "null", "min", "max", "samples", "because"]).numbers(&[2]);
    for (decision, seen) in profile.decision.columns.iter().zip(&profile.columns) {
        let extreme = |value: &Option<String>| value.clone().unwrap_or_default();
        table.row([
            &decision.name,
            &decision.type_name(),
            &null_share(seen),
            &extreme(&seen.min),
            &extreme(&seen.max),
            &samples(seen),
            &decision.evidence,
        ]);
    }
    table
}

fn null_share(seen: &ColumnProfile) -> String {
    match (seen.nulls, seen.rows) {
        (0, _) => "-".to_owned(),
        (nulls, rows) if nulls * 1000 < rows => "<0.1 %".to_owned(),
        (nulls, rows) => format!("{:.1} %", nulls as f64 * 100.0 / rows as f64),
    }
}

fn samples(seen: &ColumnProfile) -> String {
    let mut shown = String::new();
    for sample in &seen.samples {
        if !shown.is_empty() && shown.len() + sample.len() > SAMPLES_SHOWN_MAX {
            break;
        }
        if !shown.is_empty() {
            shown.push_str(", ");
        }
        shown.push_str(sample);
    }
    shown
}

fn problems(profile: &Profile, printer: Printer) -> Result<(), Failure> {
    if profile.problem_count == 0 {
        return Ok(());
    }
    printer.line("")?;
    printer.line(&format!(
        "{} cannot be read and would go to quarantine:",
        counted(profile.problem_count, "row", "rows")
    ))?;
    let mut table = Table::new(&["line", "offset", "column", "reason", "record"]).numbers(&[0, 1]);
    for reject in &profile.problems {
        let Reject { row, line, offset, column, reason, record } = reject;
        let number =
            |number: &Option<u64>| number.map_or(String::new(), |number| number.to_string());
        let record: String =
            record.iter().flat_map(|record| record.chars().take(RECORD_SHOWN_MAX)).collect();
        let line = line.map_or(format!("row {row}"), |line| line.to_string());
        table.row([&line, &number(offset), column.as_deref().unwrap_or_default(), reason, &record]);
    }
    printer.table(&table)
}
