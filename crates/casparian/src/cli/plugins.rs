//! `casparian plugins`.

use super::context::Context;
use crate::failure::{Ending, Failure};
use crate::output::{Table, hex, moment};
use catalog::report::PluginRow;
use serde_json::{Value, json};

/// List the plugins: what each wants and fills, and why one was rejected
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Also versions that were replaced or dropped
    #[arg(long)]
    all: bool,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let settings = context.settings()?;
    let plugins =
        context.read(&settings, async |catalog| Ok(catalog.plugins(arguments.all).await?))?;
    let printer = context.printer;
    if printer.is_json() {
        let plugins = plugins.iter().map(document).collect::<Vec<_>>();
        printer.document(&json!({ "plugins": plugins }))?;
        return Ok(Ending::Done);
    }
    let mut table = Table::new(&["plugin", "language", "status", "version", "wants", "topics"]);
    for plugin in &plugins {
        let version = hex(&plugin.version[..6.min(plugin.version.len())]);
        let (wants, topics) = (wants(plugin).join(" "), topics(plugin).join(" "));
        let (language, status) = (plugin.language.as_str(), plugin.status.as_str());
        table.row([&plugin.name, language, status, &version, &wants, &topics]);
    }
    printer.table(&table)?;
    for plugin in &plugins {
        if let Some(error) = &plugin.error {
            printer.lines(&format!("\n{} is rejected:\n{error}", plugin.name))?;
        }
    }
    if plugins.is_empty() {
        let dir = settings.plugins_dir.value.display();
        printer.note(&format!("no plugins yet: put one into {dir}, then `casparian run`"));
    }
    Ok(Ending::Done)
}

fn document(plugin: &PluginRow) -> Value {
    let declared = plugin.declaration.as_ref();
    json!({
        "name": plugin.name,
        "language": plugin.language.as_str(),
        "status": plugin.status.as_str(),
        "version": hex(&plugin.version),
        "origin": plugin.origin,
        "patterns": declared.map(|declared| &declared.patterns),
        "tags": declared.map(|declared| &declared.tags),
        "topics": topics(plugin),
        "reader": declared.and_then(|declared| declared.reader.as_ref()),
        "error": plugin.error,
        "deployed_at": plugin.deployed_at_us.map(moment),
    })
}

fn wants(plugin: &PluginRow) -> Vec<String> {
    let Some(declared) = &plugin.declaration else { return Vec::new() };
    let tags = declared.tags.iter().map(|tag| format!("tag:{tag}"));
    declared.patterns.iter().cloned().chain(tags).collect()
}

fn topics(plugin: &PluginRow) -> Vec<String> {
    let topics = plugin.declaration.iter().flat_map(|declared| &declared.topics);
    topics.map(|topic| topic.name.to_string()).collect()
}
