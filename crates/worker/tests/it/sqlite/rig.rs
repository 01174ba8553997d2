//! A file, loads into it, and what others read in it.

use crate::schemas::batch;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use protocol::{JobAttempt, JobId, TableName, TopicName};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use worker::sinks::SinkError;
use worker::sinks::sql::{Load, Loaded, OriginCount};
use worker::sinks::sqlite::{SqliteReader, SqliteSink};

pub const PATIENCE: Duration = Duration::from_secs(60);
pub const FILE: &str = "x.db";
/// Of the file that each job of these tests reads.
pub const VERSION: i64 = 3;

pub fn job(id: i64, attempt: u32) -> JobAttempt {
    JobAttempt { id: JobId::new(id), attempt }
}

pub fn topic() -> TopicName {
    "sales".parse().unwrap()
}

/// What a worker stages: the columns of the plugin, and those of the lineage.
pub fn staged(job: JobAttempt, columns: &[(&str, ArrayRef)]) -> RecordBatch {
    let rows = columns.first().map_or(0, |(_, column)| column.len());
    let id = |id: i64| Arc::new(Int64Array::from_value(id, rows)) as ArrayRef;
    let lineage = [("_job_id", id(job.id.get())), ("_file_version_id", id(VERSION))];
    let plain = batch(&[columns, &lineage[..]].concat());
    let fields = plain.schema_ref().fields().iter().map(|field| {
        let is_lineage = ["_job_id", "_file_version_id"].contains(&field.name().as_str());
        field.as_ref().clone().with_nullable(!is_lineage)
    });
    let schema = arrow_schema::Schema::new(fields.collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), plain.columns().to_vec()).unwrap()
}

pub fn ints(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

pub struct Lake(pub TempDir);

impl Lake {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().join(FILE)
    }

    pub fn sink(&self) -> SqliteSink {
        SqliteSink::open(self.0.path(), FILE, PATIENCE).unwrap()
    }

    pub fn reader(&self) -> SqliteReader {
        SqliteReader::open(self.0.path(), FILE, PATIENCE).unwrap().unwrap()
    }

    /// Into the table `t`.
    pub fn load(
        &self,
        job: JobAttempt,
        columns: &[(&str, ArrayRef)],
        supersede: &[JobId],
    ) -> Result<Loaded, SinkError> {
        load_into(&mut self.sink(), "t", job, &[staged(job, columns)], supersede)
    }

    pub fn done(&self, job: JobAttempt, columns: &[(&str, ArrayRef)]) {
        assert_eq!(self.load(job, columns, &[]).unwrap(), Loaded::Done);
    }

    pub fn done_in(&self, table: &str, job: JobAttempt) {
        let rows = [staged(job, &[("a", ints(&[1]))])];
        assert_eq!(load_into(&mut self.sink(), table, job, &rows, &[]).unwrap(), Loaded::Done);
    }

    pub fn refused(&self, job: JobAttempt, columns: &[(&str, ArrayRef)]) -> String {
        self.load(job, columns, &[]).unwrap_err().to_string()
    }

    pub fn counts(&self, table: &str) -> Vec<(i64, u64)> {
        let mut counts = Vec::new();
        let each = |it: OriginCount| {
            assert_eq!(it.version.get(), VERSION);
            counts.push((it.job.get(), it.rows));
        };
        self.reader().counts(&table.parse().unwrap(), each).unwrap();
        counts
    }

    /// `attempt state rows` of each job.
    pub fn records(&self) -> Vec<String> {
        let sql = "SELECT job_id || ' ' || attempt || ' ' || state || ' ' || rows FROM _casparian_commits ORDER BY job_id";
        self.shell(sql)
    }

    /// Lines that SQLite's own shell prints.
    pub fn shell(&self, sql: &str) -> Vec<String> {
        shell(&self.path(), sql)
    }

    /// The rows that Python's sqlite3 reads. Text and bytes come as `{"text": ...}` and `{"bytes": hex}`, floats as `{"real": hex of their bits}`.
    pub fn python(&self, sql: &str) -> Vec<Vec<Value>> {
        let script = r#"
import json, sqlite3, struct, sys
def shown(value):
    if isinstance(value, str): return {"text": value}
    if isinstance(value, bytes): return {"bytes": value.hex()}
    if isinstance(value, float): return {"real": struct.pack(">d", value).hex()}
    return value
rows = sqlite3.connect(sys.argv[1]).execute(sys.argv[2])
print(json.dumps([[shown(value) for value in row] for row in rows]))
"#;
        let output = Command::new(crate::support::python())
            .args(["-c", script])
            .arg(self.path())
            .arg(sql)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

pub fn shell(path: &Path, sql: &str) -> Vec<String> {
    let output = Command::new("sqlite3").arg("-batch").arg(path).arg(sql).output();
    let output = output.expect("no sqlite3; `make test` installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

pub fn load_into(
    sink: &mut SqliteSink,
    table: &str,
    job: JobAttempt,
    batches: &[RecordBatch],
    supersede: &[JobId],
) -> Result<Loaded, SinkError> {
    let table: TableName = table.parse().unwrap();
    sink.load(Load {
        topic: &topic(),
        table: &table,
        job,
        schema: batches[0].schema(),
        rows: batches.iter().map(|batch| batch.num_rows() as u64).sum(),
        supersede,
        batches: &mut batches.iter().cloned().map(Ok),
    })
}
