//! `casparian quarantine --rows`.

use crate::cli::context::Context;
use crate::config::Settings;
use crate::failure::{Ending, Failure};
use crate::output::{Table, absolute, path_fields, shown};
use catalog::report::QuarantineRow;
use protocol::SinkUri;
use serde_json::{Value, json};
use std::ops::ControlFlow;
use worker::sinks::{Area, Filter, FoundRow, Seen, SinkReader};

pub fn execute(
    found: &[QuarantineRow],
    limit: usize,
    context: &Context,
    settings: &Settings,
) -> Result<Ending, Failure> {
    let reader = context.sink_reader(settings);
    let mut rows: Vec<(&QuarantineRow, FoundRow)> = Vec::new();
    for of_job in found {
        let left = limit.saturating_sub(rows.len());
        if left == 0 {
            break;
        }
        rows.extend(read(&reader, of_job, left)?.into_iter().map(|row| (of_job, row)));
    }
    let printer = context.printer;
    if printer.is_json() {
        let rows = rows.iter().map(|(of_job, row)| document(of_job, row)).collect::<Vec<_>>();
        printer.document(&json!({ "rows": rows }))?;
        return Ok(Ending::Done);
    }
    let mut table =
        Table::new(&["topic", "file", "row", "line", "offset", "column", "why", "record"])
            .numbers(&[2, 3, 4]);
    for (of_job, row) in &rows {
        let path = shown(&absolute(&of_job.root, &of_job.path), &settings.project.root);
        let value = |name| value(row, name).unwrap_or_default();
        table.row([
            of_job.topic.as_str(),
            &path,
            value("_row"),
            value("_line"),
            value("_offset"),
            value("_column"),
            value("_reason"),
            value("_record"),
        ]);
    }
    printer.table(&table)?;
    Ok(Ending::Done)
}

fn read(
    reader: &SinkReader,
    of_job: &QuarantineRow,
    limit: usize,
) -> Result<Vec<FoundRow>, Failure> {
    let unreachable = |error: &dyn std::fmt::Display| Failure::unreachable(error.to_string());
    let uri: SinkUri = of_job.uri.parse().map_err(|error| unreachable(&error))?;
    let file = reader.file(&uri, Area::Current, of_job.file.as_bytes());
    let file = file.map_err(|error| unreachable(&error))?.ok_or_else(|| {
        let what = format!("{}/{} is not there", of_job.uri, of_job.file);
        Failure::unreachable(format!("{what}: `casparian verify` says what is missing"))
    })?;
    let mut rows = Vec::new();
    let give = |row: FoundRow| {
        rows.push(row);
        if rows.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    match file.find(&Filter::job(of_job.job), &mut Seen::default(), give) {
        Ok(_) => Ok(rows),
        Err(error) => Err(unreachable(&error)),
    }
}

fn value<'a>(row: &'a FoundRow, name: &str) -> Option<&'a str> {
    let found = row.values.iter().find(|(column, _)| column == name);
    found.and_then(|(_, value)| value.as_deref())
}

fn document(of_job: &QuarantineRow, row: &FoundRow) -> Value {
    let number = |name| value(row, name).and_then(|text| text.parse::<u64>().ok());
    let mut document = json!({
        "topic": of_job.topic, "job": row.job.to_string(), "version": row.version.to_string(),
        "row": number("_row"), "line": number("_line"), "offset": number("_offset"),
        "column": value(row, "_column"), "reason": value(row, "_reason"),
        "record": value(row, "_record").map(record),
    });
    if let Value::Object(fields) = &mut document {
        fields.extend(path_fields(&absolute(&of_job.root, &of_job.path)));
    }
    document
}

/// What was published is kept as a JSON object; what could not be read as the text that it is.
fn record(text: &str) -> Value {
    let published = serde_json::from_str(text).ok().filter(Value::is_object);
    published.unwrap_or_else(|| Value::from(text))
}
