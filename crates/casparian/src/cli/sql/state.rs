//! State as tables of the schema `casparian`. Ids are texts, as everywhere outside.

use super::unknown;
use crate::failure::Failure;
use crate::output::{absolute, clean_bytes, hex};
use arrow_array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array};
use arrow_schema::ArrowError;
use catalog::Catalog;
use catalog::report::{FileFilter, FileRow, JobFilter, JobRow};
use query::lake::Engine;
use std::sync::Arc;

const NAMES: [&str; 4] = ["files", "jobs", "topics", "quarantine"];
const PAGE: usize = 10_000;

pub async fn add(name: &str, catalog: &Catalog, engine: &mut Engine) -> Result<(), Failure> {
    let rows = match name {
        "files" => files(catalog).await?,
        "jobs" => jobs(catalog).await?,
        "topics" => topics(catalog).await?,
        "quarantine" => quarantine(catalog).await?,
        _ => {
            let known = NAMES.map(|name| format!("casparian.{name}"));
            return Err(unknown(&format!("casparian.{name}"), &known));
        }
    };
    let Some(schema) = rows.first().map(RecordBatch::schema) else { return Ok(()) };
    Ok(engine.add_rows("casparian", name, &schema, rows)?)
}

fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> Result<RecordBatch, Failure> {
    let nullable = columns.map(|(name, column)| (name, column, true));
    RecordBatch::try_from_iter_with_nullable(nullable)
        .map_err(|error: ArrowError| Failure::bug(error.to_string()))
}

fn text<T: AsRef<str>>(values: impl Iterator<Item = Option<T>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn number(values: impl Iterator<Item = u64>) -> ArrayRef {
    Arc::new(UInt64Array::from_iter_values(values))
}

fn moment(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<TimestampMicrosecondArray>().with_timezone_utc())
}

async fn files(catalog: &Catalog) -> Result<Vec<RecordBatch>, Failure> {
    let mut filter = FileFilter { limit: PAGE, ..FileFilter::default() };
    let mut batches = Vec::new();
    loop {
        let page = catalog.files(&filter).await?;
        batches.push(file_batch(&page)?);
        match page.last() {
            Some(last) if page.len() == PAGE => filter.after = Some(last.id),
            _ => return Ok(batches),
        }
    }
}

fn file_batch(page: &[FileRow]) -> Result<RecordBatch, Failure> {
    let rows = || page.iter();
    batch([
        ("id", text(rows().map(|row| Some(row.id.to_string())))),
        ("path", text(rows().map(|row| Some(clean_bytes(&absolute(&row.root, &row.path)))))),
        ("status", text(rows().map(|row| Some(&row.status)))),
        ("size", number(rows().map(|row| row.size))),
        ("modified_at", moment(rows().map(|row| Some(row.mtime_ns / 1000)))),
        ("content_hash", text(rows().map(|row| row.hash.as_ref().map(ToString::to_string)))),
        ("tags", text(rows().map(|row| Some(&row.tags)))),
    ])
}

async fn jobs(catalog: &Catalog) -> Result<Vec<RecordBatch>, Failure> {
    let mut filter = JobFilter { limit: PAGE, ..JobFilter::default() };
    let mut batches = Vec::new();
    loop {
        let page = catalog.jobs(&filter).await?;
        batches.push(job_batch(&page)?);
        match page.last() {
            Some(last) if page.len() == PAGE => filter.before = Some(last.id),
            _ => return Ok(batches),
        }
    }
}

fn job_batch(page: &[JobRow]) -> Result<RecordBatch, Failure> {
    let rows = || page.iter();
    batch([
        ("id", text(rows().map(|row| Some(row.id.to_string())))),
        ("kind", text(rows().map(|row| Some(&row.kind)))),
        ("status", text(rows().map(|row| Some(row.state.to_string())))),
        ("plugin", text(rows().map(|row| Some(&row.plugin)))),
        ("plugin_version", text(rows().map(|row| Some(hex(&row.plugin_version))))),
        ("path", text(rows().map(|row| Some(clean_bytes(&absolute(&row.root, &row.path)))))),
        ("file_version_id", text(rows().map(|row| Some(row.version.to_string())))),
        ("attempt", number(rows().map(|row| u64::from(row.attempt)))),
        ("rows", number(rows().map(|row| row.rows))),
        ("rows_quarantined", number(rows().map(|row| row.quarantined))),
        ("bytes_in", number(rows().map(|row| row.bytes_in))),
        ("error", text(rows().map(|row| row.error.as_ref()))),
        ("worker", text(rows().map(|row| row.worker.as_ref()))),
        ("created_at", moment(rows().map(|row| Some(row.created_at_us)))),
        ("ended_at", moment(rows().map(|row| row.ended_at_us))),
    ])
}

async fn topics(catalog: &Catalog) -> Result<Vec<RecordBatch>, Failure> {
    let found = catalog.topics().await?;
    let rows = || found.iter();
    Ok(vec![batch([
        ("topic", text(rows().map(|row| Some(&row.topic)))),
        ("uri", text(rows().map(|row| Some(&row.uri)))),
        ("plugins", text(rows().map(|row| Some(&row.plugins)))),
        ("rows", number(rows().map(|row| row.rows))),
        ("files", number(rows().map(|row| row.files))),
        ("jobs", number(rows().map(|row| row.jobs))),
        ("rows_quarantined", number(rows().map(|row| row.rows_quarantined))),
    ])?])
}

async fn quarantine(catalog: &Catalog) -> Result<Vec<RecordBatch>, Failure> {
    let found = catalog.quarantine(None, usize::MAX >> 1).await?;
    let rows = || found.iter();
    Ok(vec![batch([
        ("topic", text(rows().map(|row| Some(&row.topic)))),
        ("path", text(rows().map(|row| Some(clean_bytes(&absolute(&row.root, &row.path)))))),
        ("job_id", text(rows().map(|row| Some(row.job.to_string())))),
        ("plugin", text(rows().map(|row| Some(&row.plugin)))),
        ("rows", number(rows().map(|row| row.rows))),
    ])?])
}
