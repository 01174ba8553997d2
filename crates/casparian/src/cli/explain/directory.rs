//! A directory at a glance.

use super::facts::Facts;
use super::obstacle;
use crate::failure::Failure;
use crate::output::{Printer, count, counted, path_fields, shown};
use catalog::Catalog;
use catalog::report::DirectoryCounts;
use serde_json::{Map, Value, json};
use std::path::Path;

pub async fn print(
    printer: Printer,
    catalog: &Catalog,
    facts: &Facts,
    project: &Path,
) -> Result<(), Failure> {
    let counts = match facts.root_id {
        Some(root) => catalog.directory_counts(root, &facts.path).await?,
        None => DirectoryCounts::default(),
    };
    let obstacle = facts.obstacle.as_ref();
    let reason = match obstacle {
        Some(obstacle) => obstacle::sentence(obstacle, &facts.root),
        None if facts.root_id.is_none() => {
            "no scan has seen this source yet: `casparian run` does it".to_owned()
        }
        None => "a scan walks it".to_owned(),
    };
    if printer.is_json() {
        let jobs = counts.jobs.iter().map(|(state, jobs)| (state.clone(), json!(jobs)));
        let mut fields = path_fields(&facts.absolute);
        fields.insert("status".to_owned(), json!(obstacle.map_or("directory", obstacle::word)));
        fields.insert("reason".to_owned(), json!(reason));
        fields.insert("source".to_owned(), Value::Object(path_fields(&facts.root)));
        fields.insert("files".to_owned(), json!(counts.files));
        fields.insert("files_deleted".to_owned(), json!(counts.deleted));
        fields.insert("files_unhashed".to_owned(), json!(counts.unhashed));
        fields.insert("jobs".to_owned(), Value::Object(jobs.collect::<Map<_, _>>()));
        return printer.document(&Value::Object(fields));
    }
    let word = obstacle.map_or("directory", obstacle::word);
    printer.line(&format!("{}: {word}: {reason}", shown(&facts.absolute, project)))?;
    let files = counted(counts.files, "file", "files");
    let (deleted, unhashed) = (count(counts.deleted), count(counts.unhashed));
    printer.line(&format!(
        "  files     {files} in the inventory; {unhashed} not hashed, {deleted} deleted"
    ))?;
    for (state, jobs) in &counts.jobs {
        let text = counted(*jobs, "job", "jobs");
        printer.line(&format!("  {:<9} {text}", state.to_lowercase()))?;
    }
    Ok(())
}
