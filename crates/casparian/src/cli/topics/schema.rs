//! `casparian topics --schema`.

use super::unknown;
use crate::cli::context::Context;
use crate::failure::{Ending, Failure};
use crate::output::{Printer, Table, clean, moment};
use catalog::report::SchemaRow;
use protocol::{Column, TopicSchema};
use serde_json::{Value, json};

pub fn execute(topic: Option<&str>, context: &Context) -> Result<Ending, Failure> {
    let settings = context.settings()?;
    let rows = context.read(&settings, async |catalog| Ok(catalog.schemas(topic).await?))?;
    if let Some(topic) = topic.filter(|_| rows.is_empty()) {
        let topics = context.read(&settings, async |catalog| Ok(catalog.topics().await?))?;
        if !topics.iter().any(|known| known.topic == topic) {
            return Err(unknown(topic));
        }
    }
    let topics = rows.chunk_by(|a, b| a.topic == b.topic);
    let printer = context.printer;
    if printer.is_json() {
        let topics = topics.map(document).collect::<Vec<_>>();
        printer.document(&json!({ "topics": topics }))?;
        return Ok(Ending::Done);
    }
    for versions in topics {
        print(&printer, versions)?;
    }
    if rows.is_empty() {
        printer.note("no topic has columns yet: its first rows bring them, or SCHEMA in a plugin");
    }
    Ok(Ending::Done)
}

/// Of one topic.
fn document(versions: &[SchemaRow]) -> Value {
    let history = versions.iter().map(|row| {
        json!({
            "version": row.version, "at": moment(row.created_at_us),
            "job": row.job.map(|job| job.to_string()), "columns": columns(&row.schema),
        })
    });
    let history = history.collect::<Vec<_>>();
    let latest = versions.last();
    json!({
        "topic": latest.map(|row| &row.topic),
        "version": latest.map(|row| row.version),
        "columns": latest.map(|row| columns(&row.schema)),
        "history": history,
    })
}

fn columns(schema: &TopicSchema) -> Vec<Value> {
    let column = |column: &Column| {
        json!({
            "name": column.name, "type": column.column_type.to_string(),
            "declared": column.declared, "not_null": column.not_null,
        })
    };
    schema.columns.iter().map(column).collect()
}

fn print(printer: &Printer, versions: &[SchemaRow]) -> Result<(), Failure> {
    let Some(latest) = versions.last() else { return Ok(()) };
    printer.lines(&format!("{}, version {}", clean(&latest.topic), latest.version))?;
    let mut table = Table::new(&["column", "type", "promised"]);
    for column in &latest.schema.columns {
        let promised = match (column.declared, column.not_null) {
            (true, true) => "by SCHEMA, not null",
            (true, false) => "by SCHEMA",
            _ => "",
        };
        table.row([&column.name, &column.column_type.to_string(), promised]);
    }
    printer.table(&table)?;
    let mut table = Table::new(&["version", "since", "by", "what changed"]);
    let mut before = TopicSchema::default();
    for row in versions {
        let by = row.job.map_or("SCHEMA".to_owned(), |job| format!("job {job}"));
        let changes = changes(&before, &row.schema).join("; ");
        table.row([&row.version.to_string(), &moment(row.created_at_us), &by, &changes]);
        before.clone_from(&row.schema);
    }
    printer.table(&table)?;
    Ok(())
}

fn changes(before: &TopicSchema, after: &TopicSchema) -> Vec<String> {
    let change = |column: &Column| {
        let (name, now) = (&column.name, &column.column_type);
        match before.column(name) {
            None => Some(format!("+ {name} {now}")),
            Some(known) if known.column_type != *now => {
                Some(format!("{name} {} -> {now}", known.column_type))
            }
            Some(known) if known.not_null != column.not_null => {
                Some(format!("{name} {}", if column.not_null { "not null" } else { "may be null" }))
            }
            Some(known) if known.declared != column.declared => {
                let who = if column.declared { "is in SCHEMA" } else { "is no longer in SCHEMA" };
                Some(format!("{name} {who}"))
            }
            Some(_) => None,
        }
    };
    after.columns.iter().filter_map(change).collect()
}
