//! `casparian quarantine`.

mod rows;

use super::context::Context;
use crate::failure::{Ending, Failure};
use crate::output::{Table, absolute, clean, count, counted, path_fields, shown};
use catalog::report::QuarantineRow;
use serde_json::{Value, json};

/// List the rows that fit no column of their topic: of which files, how many, and why
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only of this topic
    topic: Option<String>,
    /// The rows themselves, as the plugin published them
    #[arg(long)]
    rows: bool,
    /// Files, or rows, at most
    #[arg(long, default_value_t = 100)]
    limit: usize,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let settings = context.settings()?;
    let (topic, limit) = (arguments.topic.as_deref(), arguments.limit);
    let found =
        context.read(&settings, async |catalog| Ok(catalog.quarantine(topic, limit).await?))?;
    if arguments.rows {
        return rows::execute(&found, arguments.limit, context, &settings);
    }
    let printer = context.printer;
    if printer.is_json() {
        let found = found.iter().map(document).collect::<Vec<_>>();
        printer.document(&json!({ "quarantine": found }))?;
        return Ok(Ending::Done);
    }
    let mut table = Table::new(&["topic", "rows", "file", "job", "why"]).numbers(&[1]);
    for row in &found {
        let path = shown(&absolute(&row.root, &row.path), &settings.project.root);
        table.row([&row.topic, &count(row.rows), &path, &row.job.to_string(), &why(row)]);
    }
    printer.table(&table)?;
    if found.is_empty() {
        printer.note("no row is in quarantine");
    } else {
        printer.note(
            "mend the plugin or its SCHEMA: with the next `casparian run` its new version gets these files again",
        );
    }
    Ok(Ending::Done)
}

fn document(row: &QuarantineRow) -> Value {
    let mut document = json!({
        "topic": row.topic, "rows": row.rows, "job": row.job.to_string(), "plugin": row.plugin,
        "reasons": row.reasons, "uri": row.uri, "file": row.file,
    });
    if let Value::Object(fields) = &mut document {
        fields.extend(path_fields(&absolute(&row.root, &row.path)));
    }
    document
}

fn why(row: &QuarantineRow) -> String {
    let reasons = row.reasons.iter().map(|one| {
        let rows = counted(one.rows, "row", "rows");
        match &one.column {
            Some(column) => format!("{}: {} ({rows})", clean(column), clean(&one.reason)),
            None => format!("{} ({rows})", clean(&one.reason)),
        }
    });
    reasons.collect::<Vec<_>>().join("; ")
}
