//! Source roots that are in doubt: what people and scripts are told of them.

use crate::failure::Failure;
use crate::output::{Printer, clean_bytes, count, path_fields};
use catalog::{DoubtReason, RootDoubt};
use control::scout::{Bounded, RootInDoubt};
use serde_json::{Map, Value, json};

/// Thing, cause and cure.
pub fn doubt_text(path: &[u8], doubt: &RootDoubt) -> String {
    let path = clean_bytes(path);
    let cause = match doubt.reason {
        DoubtReason::FileSystem => "lies on another file system than before",
        DoubtReason::Directory => "is empty, or was, and another directory than before",
        DoubtReason::Empty => "is empty",
    };
    let files = if doubt.missing == 1 { "known file is" } else { "known files are" };
    format!(
        "the source {path} {cause}, and {} {files} missing, which do not count as deleted; mount what belongs there, or, if they are \
         gone for good, say so: casparian scan --confirm-deletions {path}",
        count(doubt.missing),
    )
}

pub fn fields(path: &[u8], doubt: &RootDoubt) -> Map<String, Value> {
    let mut fields = path_fields(path);
    fields.insert("reason".to_owned(), json!(doubt.reason.as_str()));
    fields.insert("missing".to_owned(), json!(doubt.missing));
    fields.insert("error".to_owned(), json!(doubt_text(path, doubt)));
    fields
}

pub fn documents(roots: &[RootInDoubt]) -> Value {
    roots.iter().map(|root| Value::Object(fields(&root.path, &root.doubt))).collect()
}

pub fn print(roots: &Bounded<RootInDoubt>, printer: Printer) -> Result<(), Failure> {
    if roots.count > 0 {
        printer.data(&format!("\n{} in doubt:\n", count(roots.count)))?;
    }
    for root in &roots.shown {
        printer.line(&format!("  {}", doubt_text(&root.path, &root.doubt)))?;
    }
    Ok(())
}
