//! `casparian routes`.

use super::context::Context;
use crate::failure::{Ending, Failure};
use crate::output::{Table, clean_bytes, path_fields};
use catalog::report::RuleRow;
use catalog::{Catalog, RoutingTable};
use control::route::Router;
use serde_json::{Value, json};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// List the routing rules; for a path, show which match, the tags they give and the plugins that take it
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A file of a source, or any path relative to one; it need not exist
    path: Option<PathBuf>,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let settings = context.settings()?;
    let path = arguments.path.as_deref();
    let (rules, table, inside) = context.read(&settings, async |catalog| {
        let inside = match path {
            Some(path) => Some(relative(catalog, path).await?),
            None => None,
        };
        Ok((catalog.rules().await?, catalog.routing_table().await?, inside))
    })?;
    let matching = match &inside {
        Some(inside) => matching(&rules, inside)?,
        None => (0..rules.len()).collect(),
    };
    let shown = matching.iter().map(|at| &rules[*at]).collect::<Vec<_>>();
    let takers = takers(&table, &shown);
    if context.printer.is_json() {
        let mut document = inside.as_deref().map(path_fields).unwrap_or_default();
        document.insert("rules".to_owned(), shown.iter().map(|rule| rule_document(rule)).collect());
        if inside.is_some() {
            document.insert("tags".to_owned(), json!(tags(&shown)));
            document.insert("plugins".to_owned(), json!(takers));
        }
        context.printer.document(&Value::Object(document))?;
        return Ok(Ending::Done);
    }
    let mut lines = Table::new(&["pattern", "tag", "from"]);
    for rule in &shown {
        lines.row([&rule.pattern, &rule.tag, &rule.origin]);
    }
    context.printer.table(&lines)?;
    if let Some(inside) = inside {
        let name = clean_bytes(&inside);
        let verdict = match (shown.is_empty(), takers.is_empty()) {
            (true, _) => "no rule matches: no plugin takes it".to_owned(),
            (false, true) => format!("tags {}: no plugin takes them", tags(&shown).join(", ")),
            _ => format!("tags {} -> plugins {}", tags(&shown).join(", "), takers.join(", ")),
        };
        context.printer.line(&format!("{name}: {verdict}"))?;
    }
    Ok(Ending::Done)
}

/// The path below the innermost source that it lies in, else as it was given.
async fn relative(catalog: &Catalog, path: &Path) -> Result<Vec<u8>, Failure> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let real = std::fs::canonicalize(&absolute).unwrap_or(absolute);
    for root in real.ancestors().skip(1) {
        if catalog.root_of(root.as_os_str().as_bytes()).await?.is_some() {
            let below = real.strip_prefix(root).unwrap_or(&real);
            return Ok(below.as_os_str().as_bytes().to_vec());
        }
    }
    let plain = path.strip_prefix("./").unwrap_or(path);
    Ok(plain.as_os_str().as_bytes().to_vec())
}

fn matching(rules: &[RuleRow], path: &[u8]) -> Result<Vec<usize>, Failure> {
    let pairs = rules.iter().map(|rule| (rule.pattern.as_str(), rule.tag.as_str()));
    let router = Router::new(pairs).map_err(|error| Failure::usage(error.to_string()))?;
    Ok(router.matching(path))
}

fn tags<'r>(rules: &[&'r RuleRow]) -> Vec<&'r str> {
    let mut tags = rules.iter().map(|rule| rule.tag.as_str()).collect::<Vec<_>>();
    tags.sort_unstable();
    tags.dedup();
    tags
}

fn takers(table: &RoutingTable, rules: &[&RuleRow]) -> Vec<String> {
    let tags = tags(rules);
    let takes = |wanted: &[String]| wanted.iter().any(|tag| tags.contains(&tag.as_str()));
    let plugins = table.plugins.iter().filter(|plugin| takes(&plugin.tags));
    plugins.map(|plugin| plugin.name.to_string()).collect()
}

fn rule_document(rule: &RuleRow) -> Value {
    json!({ "pattern": rule.pattern, "tag": rule.tag, "origin": rule.origin })
}
