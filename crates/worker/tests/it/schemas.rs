//! Columns that change between the batches of one job.

use crate::support::read;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    ArrayRef, Float64Array, Int32Array, Int64Array, NullArray, RecordBatch, StringArray,
    StringViewArray, TimestampMicrosecondArray, TimestampSecondArray,
};
use arrow_schema::DataType;
use arrow_select::concat::concat_batches;
use protocol::{JobAttempt, JobId, StagedOutput, VersionId};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use worker::sinks::{Lineage, SinkError, Sinks};

const JOB: JobAttempt = JobAttempt { id: JobId::new(9), attempt: 1 };

fn batch(columns: &[(&str, ArrayRef)]) -> RecordBatch {
    RecordBatch::try_from_iter(columns.iter().cloned()).unwrap()
}

fn ints(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn stage(lake: &Path, batches: &[RecordBatch]) -> Result<Option<StagedOutput>, SinkError> {
    let sinks = Sinks::new(lake.to_owned(), "w1".parse().unwrap());
    let target = crate::support::sink("t", "parquet://t");
    let lineage = Lineage { job: JOB.id, version: VersionId::new(3) };
    let mut stager = sinks.stager(&target, JOB, lineage)?;
    for batch in batches {
        stager.write(batch)?;
    }
    let sealed = stager.seal()?;
    let sealed = sealed.map(|unsynced| unsynced.sync().map(|()| unsynced.output)).transpose()?;
    let mut promotion = sinks.promotion();
    if let Some(output) = &sealed {
        promotion.promote(output)?;
    }
    promotion.sync()?;
    Ok(sealed)
}

fn stored(batches: &[RecordBatch]) -> RecordBatch {
    let lake = TempDir::new().unwrap();
    let output = stage(lake.path(), batches).unwrap().unwrap();
    let read = read(&lake.path().join("t").join(&output.final_name));
    assert_eq!(output.rows as usize, read.iter().map(RecordBatch::num_rows).sum::<usize>());
    concat_batches(&read[0].schema(), &read).unwrap()
}

fn refused(batches: &[RecordBatch]) -> String {
    let lake = TempDir::new().unwrap();
    let error = stage(lake.path(), batches).unwrap_err().to_string();
    let staging = lake.path().join("t/_staging");
    assert_eq!(std::fs::read_dir(staging).unwrap().count(), 0, "something stays in staging");
    error
}

#[test]
fn new_and_missing_columns_are_null_where_they_were_not_given() {
    let first = batch(&[("a", ints(&[1])), ("b", ints(&[2]))]);
    let second = batch(&[("c", ints(&[5])), ("a", ints(&[3]))]);
    let stored = stored(&[first, second.clone(), second]);
    let column = |name: &str| stored[name].as_primitive::<Int64Type>().iter().collect::<Vec<_>>();
    assert_eq!(column("a"), [Some(1), Some(3), Some(3)]);
    assert_eq!(column("b"), [Some(2), None, None]);
    assert_eq!(column("c"), [None, Some(5), Some(5)]);
    assert_eq!(column("_job_id"), [Some(9); 3]);
    assert_eq!(column("_file_version_id"), [Some(3); 3]);
}

#[test]
fn types_widen_without_loss() {
    let text: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let view: ArrayRef = Arc::new(StringViewArray::from(vec!["y"]));
    let seconds: ArrayRef = Arc::new(TimestampSecondArray::from(vec![1]));
    let micros: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![2]));
    let nothing: ArrayRef = Arc::new(NullArray::new(1));
    let small: ArrayRef = Arc::new(Int32Array::from(vec![7]));
    let float: ArrayRef = Arc::new(Float64Array::from(vec![0.5]));
    let first =
        batch(&[("s", text), ("t", seconds), ("n", nothing), ("i", small.clone()), ("f", small)]);
    let second =
        batch(&[("s", view), ("t", micros), ("n", ints(&[4])), ("i", ints(&[8])), ("f", float)]);
    let stored = stored(&[first, second]);
    assert_eq!(stored["s"].data_type(), &DataType::LargeUtf8);
    assert_eq!(stored["s"].as_string::<i64>().iter().flatten().collect::<Vec<_>>(), ["x", "y"]);
    assert_eq!(stored["t"].as_primitive::<TimestampMicrosecondType>().values(), &[1_000_000, 2]);
    assert_eq!(stored["n"].as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [None, Some(4)]);
    assert_eq!(stored["i"].as_primitive::<Int64Type>().values(), &[7, 8]);
    assert_eq!(stored["f"].as_primitive::<Float64Type>().values(), &[7.0, 0.5]);
}

#[test]
fn f17_a_column_that_changes_its_type_is_named_with_both_types() {
    let text: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let error = refused(&[batch(&[("a", ints(&[1]))]), batch(&[("a", text)])]);
    let expected = "topic t: column 'a' was Int64 and is now Utf8; publish one type per column";
    assert_eq!(error, expected);
}

#[test]
fn an_integer_that_no_float_holds_is_refused() {
    let float: ArrayRef = Arc::new(Float64Array::from(vec![0.5]));
    let large = batch(&[("a", ints(&[(1 << 53) + 1]))]);
    let error = refused(&[large.clone(), batch(&[("a", float.clone())])]);
    assert!(error.contains("column 'a'") && error.contains("9007199254740993"), "{error}");
    refused(&[batch(&[("a", float)]), large]);
}

#[test]
fn reserved_double_and_missing_columns_are_refused() {
    let reserved = refused(&[batch(&[("_job_id", ints(&[1]))])]);
    assert!(reserved.contains("'_job_id' is reserved"), "{reserved}");
    let double = refused(&[batch(&[("a", ints(&[1])), ("a", ints(&[1]))])]);
    assert!(double.contains("two columns are named 'a'"), "{double}");
}

#[test]
fn a_million_rows_are_stored_in_bounded_row_groups() {
    let lake = TempDir::new().unwrap();
    let rows = (0..100_000).collect::<Vec<_>>();
    let batches = vec![batch(&[("a", ints(&rows))]); 12];
    let output = stage(lake.path(), &batches).unwrap().unwrap();
    assert_eq!((output.rows, output.schema.as_str()), (1_200_000, "a: Int64"));
    let file = lake.path().join("t").join(output.final_name);
    assert_eq!(std::fs::metadata(&file).unwrap().len(), output.size_bytes);
    assert_eq!(read(&file).iter().map(RecordBatch::num_rows).sum::<usize>(), 1_200_000);
}
