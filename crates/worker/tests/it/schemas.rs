//! Columns that change between the batches of one job.

use crate::support::read;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, Decimal128Array, Float64Array, Int32Array, Int64Array, ListArray, NullArray,
    RecordBatch, StringArray, StringViewArray, StructArray, TimestampMicrosecondArray,
    TimestampSecondArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field};
use arrow_select::concat::concat_batches;
use protocol::{JobAttempt, JobId, StagedOutput, VersionId};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use worker::sinks::{Lineage, SinkError, Sinks};

const JOB: JobAttempt = JobAttempt { id: JobId::new(9), attempt: 1 };

pub fn batch(columns: &[(&str, ArrayRef)]) -> RecordBatch {
    RecordBatch::try_from_iter(columns.iter().cloned()).unwrap()
}

pub fn ints(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn stage(lake: &Path, batches: &[RecordBatch]) -> Result<Option<StagedOutput>, SinkError> {
    let sinks = Sinks::new(lake.to_owned(), "w1".parse().unwrap());
    let target = crate::support::sink("t", "parquet://t");
    let lineage = Lineage { job: JOB.id, version: VersionId::new(3) };
    let mut stager = sinks.stager(&target, JOB, lineage, false)?;
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

pub fn stored(batches: &[RecordBatch]) -> RecordBatch {
    let lake = TempDir::new().unwrap();
    let output = stage(lake.path(), batches).unwrap().unwrap();
    let read = read(&lake.path().join("t").join(&output.final_name));
    assert_eq!(output.rows as usize, read.iter().map(RecordBatch::num_rows).sum::<usize>());
    concat_batches(&read[0].schema(), &read).unwrap()
}

pub fn refused(batches: &[RecordBatch]) -> String {
    let lake = TempDir::new().unwrap();
    let error = stage(lake.path(), batches).unwrap_err().to_string();
    if let Ok(staging) = std::fs::read_dir(lake.path().join("t/_staging")) {
        assert_eq!(staging.count(), 0, "something stays in staging");
    }
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
fn parts_of_objects_and_items_of_lists_grow_like_columns() {
    let object = |parts: &[(&str, ArrayRef)]| -> ArrayRef {
        Arc::new(StructArray::try_from(parts.to_vec()).unwrap())
    };
    let list = |values: &[Option<i64>], ends: &[i32]| -> ArrayRef {
        let offsets = OffsetBuffer::new(ends.to_vec().into());
        let item = Arc::new(Field::new("item", DataType::Int64, true));
        let values = Arc::new(Int64Array::from(values.to_vec()));
        Arc::new(ListArray::new(item, offsets, values, None))
    };
    let nothing =
        Arc::new(ListArray::new_null(Arc::new(Field::new("item", DataType::Null, true)), 1));
    let first = batch(&[("o", object(&[("x", ints(&[1])), ("y", ints(&[2]))])), ("l", nothing)]);
    let longer = batch(&[
        ("o", object(&[("z", ints(&[0, 5])), ("x", ints(&[0, 3]))])),
        ("l", list(&[Some(9), Some(1), None], &[0, 1, 3])),
    ]);
    // A part of a longer batch, whose lists do not start at 0.
    let stored = stored(&[first, longer.slice(1, 1)]);
    let parts = stored["o"].as_struct();
    assert_eq!(parts.column_names(), ["x", "y", "z"]);
    let part = |name: &str| parts[name].as_primitive::<Int64Type>().iter().collect::<Vec<_>>();
    assert_eq!((part("x"), part("y")), (vec![Some(1), Some(3)], vec![Some(2), None]));
    assert_eq!(part("z"), [None, Some(5)]);
    let lists = stored["l"].as_list::<i32>();
    assert!(lists.is_null(0));
    assert_eq!(lists.value(1).as_primitive::<Int64Type>(), &Int64Array::from(vec![Some(1), None]));
}

#[test]
fn decimals_get_the_digits_that_both_need() {
    let decimals = |value: i128, precision, scale| -> ArrayRef {
        let array = Decimal128Array::from(vec![value]);
        Arc::new(array.with_precision_and_scale(precision, scale).unwrap())
    };
    let first = batch(&[("a", decimals(12_345, 5, 2))]);
    let second = batch(&[("a", decimals(12_345, 5, 4))]);
    let stored = stored(&[first, second, batch(&[("a", ints(&[7]))])]);
    assert_eq!(stored["a"].data_type(), &DataType::Decimal128(24, 4));
    let values = stored["a"].as_primitive::<Decimal128Type>().values();
    assert_eq!(values, &[1_234_500, 12_345, 70_000]);
}

#[test]
fn columns_that_come_one_after_the_other_make_one_file() {
    let batches = (0..60).map(|n| batch(&[(&format!("c{n}"), ints(&[n]))])).collect::<Vec<_>>();
    let stored = stored(&batches);
    assert_eq!((stored.num_columns(), stored.num_rows()), (62, 60));
    for row in 0..60 {
        let column = stored[format!("c{row}").as_str()].as_primitive::<Int64Type>();
        assert_eq!((column.null_count(), column.value(row)), (59, row as i64));
    }
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
