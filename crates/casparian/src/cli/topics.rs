//! `casparian topics`.

use super::context::Context;
use crate::failure::{Ending, Failure};
use crate::output::{Table, bytes, count};
use serde_json::json;

/// List the tables: rows, files and size, where they lie, and which plugins fill them
#[derive(Debug, clap::Args)]
pub struct Arguments {}

pub fn execute(_: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let settings = context.settings()?;
    let topics = context.read(&settings, async |catalog| Ok(catalog.topics().await?))?;
    let printer = context.printer;
    if printer.is_json() {
        let topics = topics.iter().map(|topic| {
            let plugins = topic.plugins.split(',').filter(|name| !name.is_empty());
            json!({
                "topic": topic.topic, "uri": topic.uri, "plugins": plugins.collect::<Vec<_>>(),
                "rows": topic.rows, "files": topic.files, "size_bytes": topic.size_bytes,
                "jobs": topic.jobs,
            })
        });
        printer.document(&json!({ "topics": topics.collect::<Vec<_>>() }))?;
        return Ok(Ending::Done);
    }
    let header = ["topic", "rows", "files", "size", "jobs", "uri", "plugins"];
    let mut table = Table::new(&header).numbers(&[1, 2, 3, 4]);
    for topic in &topics {
        table.row([
            &topic.topic,
            &count(topic.rows),
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
