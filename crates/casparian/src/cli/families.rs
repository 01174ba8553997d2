//! `casparian families`.

mod gather;
mod shape;
mod walk;

use super::context::Context;
use crate::failure::{Ending, Failure};
use crate::output::{Bar, Table, bytes, clean_bytes, count, counted, path_fields};
use gather::{Families, Family, gather};
use serde_json::{Value, json};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

pub const LIMIT: usize = 100;
const COLUMNS_SHOWN: usize = 6;

/// Group the files of a directory by what they are: format, columns, and shape of name
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A directory
    path: PathBuf,
    /// How many families are shown, the largest first
    #[arg(long, value_name = "N", default_value_t = LIMIT)]
    limit: usize,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    show(&arguments.path, arguments.limit, context)
}

pub fn show(path: &Path, limit: usize, context: &Context) -> Result<Ending, Failure> {
    let printer = context.printer;
    let bar = Bar::new(printer.is_watched());
    let found = gather(path, &bar)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
    bar.finish();
    let shown = &found.families[..found.families.len().min(limit)];
    if printer.is_json() {
        printer.document(&document(&found, shown))?;
    } else {
        printer.table(&table(shown))?;
        printer.line(&format!(
            "{} of {} in {}",
            counted(found.files, "file", "files"),
            bytes(found.bytes),
            counted(found.families.len() as u64, "family", "families")
        ))?;
        if shown.len() < found.families.len() {
            printer.note(&format!(
                "{} more families: --limit",
                count((found.families.len() - shown.len()) as u64)
            ));
        }
        if found.beyond > 0 {
            let files = counted(found.beyond, "file is", "files are");
            printer.warning(&format!(
                "{files} of families beyond the first {}, which are not told apart",
                count(gather::FAMILIES_MAX as u64)
            ));
        }
        if found.unreadable > 0 {
            let places = counted(found.unreadable, "file or directory", "files or directories");
            printer.warning(&format!("{places} could not be read"));
        }
    }
    Ok(if found.unreadable > 0 { Ending::WithFailures } else { Ending::Done })
}

fn table(families: &[Family]) -> Table {
    let mut table =
        Table::new(&["files", "size", "format", "name", "columns", "sample"]).numbers(&[0, 1]);
    for family in families {
        table.row([
            &count(family.files),
            &bytes(family.bytes),
            &family.shape.format,
            &clean_bytes(&family.shape.name),
            &columns(&family.shape.columns, family.shape.width),
            &clean_bytes(family.sample.as_os_str().as_bytes()),
        ]);
    }
    table
}

fn columns(names: &[String], width: usize) -> String {
    let shown = names[..names.len().min(COLUMNS_SHOWN)].join(", ");
    match width.saturating_sub(COLUMNS_SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn document(found: &Families, shown: &[Family]) -> Value {
    let families = shown.iter().map(|family| {
        let mut sample = path_fields(family.sample.as_os_str().as_bytes());
        sample.insert("bytes".to_owned(), json!(family.sample_bytes));
        json!({
            "format": family.shape.format,
            "is_read": family.shape.is_read,
            "name": clean_bytes(&family.shape.name),
            "columns": family.shape.columns,
            "width": family.shape.width,
            "files": family.files,
            "bytes": family.bytes,
            "sample": sample,
        })
    });
    json!({
        "families": families.collect::<Vec<_>>(),
        "family_count": found.families.len(),
        "files": found.files,
        "bytes": found.bytes,
        "files_beyond": found.beyond,
        "unreadable": found.unreadable,
    })
}
