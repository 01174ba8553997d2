//! `casparian topics`.

mod schema;

use super::context::Context;
use crate::failure::{Ending, Failure, Kind};
use crate::output::{Table, bytes, count};
use serde_json::json;

/// List the tables: rows, files and size, where they lie, and which plugins fill them
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only this one
    topic: Option<String>,
    /// Their columns, and how these came about
    #[arg(long)]
    schema: bool,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    if arguments.schema {
        return schema::execute(arguments.topic.as_deref(), context);
    }
    list(arguments.topic.as_deref(), context)
}

fn list(only: Option<&str>, context: &Context) -> Result<Ending, Failure> {
    let settings = context.settings()?;
    let mut topics = context.read(&settings, async |catalog| Ok(catalog.topics().await?))?;
    if let Some(only) = only {
        topics.retain(|topic| topic.topic == only);
        if topics.is_empty() {
            return Err(unknown(only));
        }
    }
    let printer = context.printer;
    if printer.is_json() {
        let topics = topics.iter().map(|topic| {
            let plugins = topic.plugins.split(',').filter(|name| !name.is_empty());
            json!({
                "topic": topic.topic, "uri": topic.uri, "plugins": plugins.collect::<Vec<_>>(),
                "rows": topic.rows, "files": topic.files, "size_bytes": topic.size_bytes,
                "jobs": topic.jobs, "rows_quarantined": topic.rows_quarantined,
            })
        });
        printer.document(&json!({ "topics": topics.collect::<Vec<_>>() }))?;
        return Ok(Ending::Done);
    }
    let header = ["topic", "rows", "quarantined", "files", "size", "jobs", "uri", "plugins"];
    let mut table = Table::new(&header).numbers(&[1, 2, 3, 4, 5]);
    for topic in &topics {
        table.row([
            &topic.topic,
            &count(topic.rows),
            &count(topic.rows_quarantined),
            &count(topic.files),
            &bytes(topic.size_bytes),
            &count(topic.jobs),
            &topic.uri,
            &topic.plugins,
        ]);
    }
    printer.table(&table)?;
    Ok(Ending::Done)
}

fn unknown(topic: &str) -> Failure {
    Failure::new(Kind::Usage, format!("there is no topic '{topic}': `casparian topics` lists them"))
}
