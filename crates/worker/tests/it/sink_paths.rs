//! Output stays below the output root, whatever lies there.

use crate::support::sink;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use protocol::{JobAttempt, JobId, VersionId};
use std::os::unix::fs::symlink;
use std::sync::Arc;
use tempfile::TempDir;
use worker::sinks::{Lineage, Sinks};

fn open(lake: &TempDir, uri: &str) -> Result<(), String> {
    let sinks = Sinks::new(lake.path().to_owned(), "w1".parse().unwrap());
    let job = JobAttempt { id: JobId::new(1), attempt: 1 };
    let lineage = Lineage { job: job.id, version: VersionId::new(1) };
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let batch = RecordBatch::try_from_iter([("a", column)]).unwrap();
    let stager = sinks.stager(&sink("t", uri), job, lineage, false);
    let written = stager.and_then(|mut stager| stager.write(&batch));
    written.map_err(|error| error.to_string())
}

#[test]
fn f24_no_link_below_the_output_root_is_followed() {
    let elsewhere = TempDir::new().unwrap();
    for link in ["a", "a/b", "a/b/_staging", "a/b/_staging/w1"] {
        let lake = TempDir::new().unwrap();
        let path = lake.path().join(link);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(elsewhere.path(), &path).unwrap();
        let error = open(&lake, "parquet://a/b").unwrap_err();
        assert!(error.contains("is a symbolic link"), "{link}: {error}");
        let sinks = Sinks::new(lake.path().to_owned(), "w2".parse().unwrap());
        assert_eq!(sinks.sweep().unwrap(), 0);
        assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }
}

#[test]
fn the_output_root_itself_may_be_a_link() {
    let real = TempDir::new().unwrap();
    let home = TempDir::new().unwrap();
    symlink(real.path(), home.path().join("lake")).unwrap();
    let sinks = Sinks::new(home.path().join("lake"), "w1".parse().unwrap());
    sinks.sweep().unwrap();
    assert_eq!(open(&real, "parquet://a/year=2024"), Ok(()));
}

#[test]
fn a_sink_that_this_worker_does_not_have_is_named() {
    let error = open(&TempDir::new().unwrap(), "@warehouse").unwrap_err();
    assert!(error.starts_with("@warehouse: this worker has no such sink"), "{error}");
}

#[test]
fn a_file_where_a_directory_should_be_is_named() {
    let lake = TempDir::new().unwrap();
    std::fs::write(lake.path().join("a"), "").unwrap();
    assert!(open(&lake, "parquet://a").unwrap_err().contains("no directory"));
}
