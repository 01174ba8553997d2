//! `casparian files`.

use super::context::Context;
use crate::failure::{Ending, Failure};
use crate::output::{Table, absolute, bytes, moment, path_fields, shown};
use catalog::Catalog;
use catalog::report::{FileFilter, FileRow};
use control::route::Glob;
use control::route::Router;
use protocol::LocationId;
use serde_json::{Value, json};

const PAGE: usize = 1_000;
const STATES: [&str; 9] = [
    "new",
    "unrouted",
    "queued",
    "running",
    "completed",
    "skipped",
    "failed",
    "aborted",
    "deleted",
];

/// List the files of the inventory with their state
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only paths that this glob matches, relative to their source
    pattern: Option<String>,
    /// Only files in this state
    #[arg(long, value_name = "STATE", value_parser = STATES)]
    status: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// Only files after this one: the `next` of the page before
    #[arg(long, value_name = "ID")]
    after: Option<LocationId>,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let settings = context.settings()?;
    let wanted = Wanted::new(arguments.pattern.as_deref())?;
    let page = context.read(&settings, async |catalog| page(catalog, arguments, &wanted).await)?;
    let printer = context.printer;
    if printer.is_json() {
        let files = page.files.iter().map(document).collect::<Vec<_>>();
        let next = page.next.map(|id| id.to_string());
        printer.document(&json!({ "files": files, "next": next }))?;
    } else {
        let mut table = Table::new(&["status", "version", "size", "tags", "path"]).numbers(&[2]);
        for file in &page.files {
            let version = file.sequence.map(|sequence| sequence.to_string()).unwrap_or_default();
            let path = shown(&absolute(&file.root, &file.path), &settings.project.root);
            table.row([&file.status, &version, &bytes(file.size), &file.tags, &path]);
        }
        printer.table(&table)?;
        if let Some(next) = page.next {
            printer.note(&format!("there are more: --after {next}"));
        }
    }
    Ok(Ending::Done)
}

struct Page {
    files: Vec<FileRow>,
    /// The last file that was looked at, when there may be more.
    next: Option<LocationId>,
}

async fn page(catalog: &Catalog, arguments: &Arguments, wanted: &Wanted) -> Result<Page, Failure> {
    let mut filter = FileFilter {
        after: arguments.after,
        status: arguments.status.clone(),
        limit: PAGE.min(arguments.limit.saturating_add(1)),
    };
    let mut files: Vec<FileRow> = Vec::new();
    loop {
        let rows = catalog.files(&filter).await?;
        let is_last = rows.len() < filter.limit;
        filter.after = rows.last().map(|file| file.id);
        for file in rows {
            if !wanted.has(&file.path) {
                continue;
            }
            if files.len() == arguments.limit {
                return Ok(Page { next: files.last().map(|file| file.id), files });
            }
            files.push(file);
        }
        if is_last {
            return Ok(Page { files, next: None });
        }
    }
}

/// The pattern that a file's path has to match, if there is one.
struct Wanted(Option<Router>);

impl Wanted {
    fn new(pattern: Option<&str>) -> Result<Self, Failure> {
        let Some(pattern) = pattern else { return Ok(Self(None)) };
        let wrong = |error: &dyn std::fmt::Display| {
            Failure::usage(format!("'{pattern}' is not a glob: {error}"))
        };
        Glob::parse(pattern).map_err(|error| wrong(&error))?;
        let router = Router::new([(pattern, "wanted")]).map_err(|error| wrong(&error))?;
        Ok(Self(Some(router)))
    }

    fn has(&self, path: &[u8]) -> bool {
        self.0.as_ref().is_none_or(|router| !router.matching(path).is_empty())
    }
}

fn document(file: &FileRow) -> Value {
    let mut fields = path_fields(&absolute(&file.root, &file.path));
    fields.insert("id".to_owned(), json!(file.id.to_string()));
    fields.insert("status".to_owned(), json!(file.status));
    fields.insert("size".to_owned(), json!(file.size));
    fields.insert("modified_at".to_owned(), json!(moment(file.mtime_ns.div_euclid(1_000))));
    fields.insert("version".to_owned(), json!(file.sequence));
    fields.insert("content_hash".to_owned(), json!(file.hash.map(|hash| hash.to_string())));
    let tags = file.tags.split(',').filter(|tag| !tag.is_empty()).collect::<Vec<_>>();
    fields.insert("tags".to_owned(), json!(tags));
    Value::Object(fields)
}
