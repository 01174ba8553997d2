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
use arrow_cast::display::array_value_to_string;
use arrow_schema::{DataType, Field};
use arrow_select::concat::concat_batches;
use protocol::{JobAttempt, JobId, StagedOutput, TopicSchema, VersionId};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use worker::contract::{Misfit, TopicContract};
use worker::sinks::{Lineage, Sinks};

const JOB: JobAttempt = JobAttempt { id: JobId::new(9), attempt: 1 };

pub fn batch(columns: &[(&str, ArrayRef)]) -> RecordBatch {
    RecordBatch::try_from_iter(columns.iter().cloned()).unwrap()
}

pub fn ints(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

/// What is stored of the batches, and what is not and why.
fn stage(
    lake: &Path,
    batches: &[RecordBatch],
) -> Result<(Option<StagedOutput>, Vec<Misfit>), String> {
    let sinks = Sinks::new(lake.to_owned(), "w1".parse().unwrap());
    let target = crate::support::sink("t", "parquet://t");
    let lineage = Lineage { job: JOB.id, version: VersionId::new(3) };
    let mut contract = TopicContract::new(&target);
    let mut stager = sinks.stager(&target, JOB, lineage, false).unwrap();
    let mut misfits = Vec::new();
    for batch in batches {
        let taken = contract.take(batch).map_err(|error| error.to_string())?;
        misfits.extend(taken.misfits);
        stager.write(&taken.rows).unwrap();
    }
    let sealed = stager.seal(contract.schema()).unwrap();
    let sealed = sealed.map(|unsynced| unsynced.sync().map(|()| unsynced.output)).transpose();
    let sealed = sealed.unwrap();
    let mut promotion = sinks.promotion();
    if let Some(output) = &sealed {
        promotion.promote(JOB, output, &[]).unwrap();
    }
    promotion.finish().files.unwrap();
    Ok((sealed, misfits))
}

fn stored_with_misfits(batches: &[RecordBatch]) -> (RecordBatch, Vec<Misfit>) {
    let lake = TempDir::new().unwrap();
    let (output, misfits) = stage(lake.path(), batches).unwrap();
    let output = output.unwrap();
    let read = read(&lake.path().join("t").join(&output.final_name));
    assert_eq!(output.rows as usize, read.iter().map(RecordBatch::num_rows).sum::<usize>());
    (concat_batches(&read[0].schema(), &read).unwrap(), misfits)
}

pub fn stored(batches: &[RecordBatch]) -> RecordBatch {
    let (stored, misfits) = stored_with_misfits(batches);
    assert_eq!(misfits, []);
    stored
}

pub fn refused(batches: &[RecordBatch]) -> String {
    let lake = TempDir::new().unwrap();
    let error = stage(lake.path(), batches).unwrap_err();
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
    let large = ints(&[1 << 40]);
    let second =
        batch(&[("s", view), ("t", micros), ("n", ints(&[4])), ("i", large), ("f", float)]);
    let stored = stored(&[first, second]);
    assert_eq!(stored["s"].data_type(), &DataType::Utf8);
    assert_eq!(stored["s"].as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["x", "y"]);
    assert_eq!(stored["t"].as_primitive::<TimestampMicrosecondType>().values(), &[1_000_000, 2]);
    assert_eq!(stored["n"].as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [None, Some(4)]);
    assert_eq!(stored["i"].as_primitive::<Int64Type>().values(), &[7, 1 << 40]);
    assert_eq!(stored["f"].as_primitive::<Float64Type>().values(), &[7.0, 0.5]);
}

#[test]
fn f17_rows_whose_value_is_of_another_type_leave_with_the_reason() {
    let text: ArrayRef = Arc::new(StringArray::from(vec![Some("x"), None]));
    let (stored, misfits) =
        stored_with_misfits(&[batch(&[("a", ints(&[1]))]), batch(&[("a", text)])]);
    assert_eq!(stored["a"].as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(1), None]);
    let reason = "'x' is no int64".to_owned();
    assert_eq!(misfits, [Misfit { row: 0, column: Some("a".to_owned()), reason }]);
}

#[test]
fn integers_become_floats_only_while_every_one_is_exact() {
    let float = |value: f64| batch(&[("a", Arc::new(Float64Array::from(vec![value])) as ArrayRef)]);
    let int = |value: i64| batch(&[("a", ints(&[value]))]);
    let large = (1 << 53) + 1;
    let (stored, misfits) = stored_with_misfits(&[int(large), float(0.5), float(7.0)]);
    assert_eq!(stored["a"].as_primitive::<Int64Type>().values(), &[large, 7]);
    assert_eq!(misfits[0].reason, "'0.5' is no int64");
    let (stored, misfits) = stored_with_misfits(&[float(0.5), int(large), int(1 << 62)]);
    assert_eq!(stored["a"].as_primitive::<Float64Type>().values(), &[0.5, (1_u64 << 62) as f64]);
    assert_eq!(misfits[0].reason, "'9007199254740993' is no float64");
    let stored = crate::schemas::stored(&[int(3), float(0.5)]);
    assert_eq!(stored["a"].as_primitive::<Float64Type>().values(), &[3.0, 0.5]);
}

fn declared(columns: &str, rows: &RecordBatch) -> Result<(RecordBatch, Vec<Misfit>), String> {
    let mut target = crate::support::sink("t", "parquet://t");
    target.schema_def = Some(TopicSchema::parse_declared(columns).unwrap());
    let taken = TopicContract::new(&target).take(rows).map_err(|error| error.to_string())?;
    Ok((taken.rows, taken.misfits))
}

/// Rows that are kept of a column of texts under a declared type, as text, and the reasons of the others.
fn read_as(column_type: &str, texts: &[&str]) -> (Vec<String>, Vec<String>) {
    let column: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
    let (rows, misfits) = declared(&format!("a {column_type}"), &batch(&[("a", column)])).unwrap();
    let shown = (0..rows.num_rows()).map(|row| array_value_to_string(&rows["a"], row).unwrap());
    (shown.collect(), misfits.into_iter().map(|misfit| misfit.reason).collect())
}

#[test]
fn texts_are_read_as_the_declared_type_exactly_or_not_at_all() {
    let check = |column_type: &str, texts: &[&str], kept: &[&str], reasons: &[&str]| {
        let (found, why) = read_as(column_type, texts);
        assert_eq!(found, kept, "{column_type}");
        assert_eq!(why, reasons, "{column_type}");
    };
    check(
        "int8",
        &["-128", " 7 ", "", "128", "1.0", "x"],
        &["-128", "7", ""],
        &["'128' is no int8", "'1.0' is no int8", "'x' is no int8"],
    );
    check(
        "decimal(5,2)",
        &["1.50", "1.500", "999.99", "1.005", "1000", "1e2"],
        &["1.50", "1.50", "999.99"],
        &["'1.005' is no decimal(5, 2)", "'1000' is no decimal(5, 2)", "'1e2' is no decimal(5, 2)"],
    );
    check(
        "date",
        &["1850-02-28", "2023-02-29", "31/05/24"],
        &["1850-02-28"],
        &["'2023-02-29' is no date", "'31/05/24' is no date"],
    );
    check(
        "timestamp(ms)",
        &["2024-01-02 03:04:05.678", "2024-01-02T03:04:05.6789", "2024-01-02T03:04:05Z"],
        &["2024-01-02T03:04:05.678"],
        &[
            "'2024-01-02T03:04:05.6789' is no timestamp(ms)",
            "'2024-01-02T03:04:05Z' is no timestamp(ms)",
        ],
    );
    check(
        "timestamp(us, UTC)",
        &["2024-01-02T03:04:05+02:00", "2024-01-02 03:04:05"],
        &["2024-01-02T01:04:05Z"],
        &["'2024-01-02 03:04:05' is no timestamp(us, UTC)"],
    );
    check("bool", &["true", "FALSE", "maybe"], &["true", "false"], &["'maybe' is no bool"]);
    check(
        "float64",
        &["0.1", "-inf", "1e400", "0,5"],
        &["0.1", "-inf"],
        &["'1e400' is no float64", "'0,5' is no float64"],
    );
    check("float32", &["0.5", "inf", "1e39"], &["0.5", "inf"], &["'1e39' is no float32"]);
    check("float16", &["0.5", "70000"], &["0.5"], &["'70000' is no float16"]);
}

#[test]
fn what_is_declared_not_null_is_there_or_the_row_leaves() {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    let rows = batch(&[("a", column.clone()), ("b", column)]);
    let (kept, misfits) = declared("a int not null", &rows).unwrap();
    assert_eq!(kept.num_rows(), 1);
    let reason = "null where the schema says not null".to_owned();
    assert_eq!(misfits, [Misfit { row: 1, column: Some("a".to_owned()), reason }]);
    let (kept, misfits) = declared("z int not null", &rows).unwrap();
    assert_eq!((kept.num_rows(), misfits.len()), (0, 2));
}

#[test]
fn a_strict_schema_refuses_what_is_new() {
    let mut target = crate::support::sink("t", "parquet://t");
    target.options.strict = true;
    target.schema_def = serde_json::from_str(r#"[{"name":"a","type":"int32"}]"#).unwrap();
    let refused =
        |rows: &RecordBatch| TopicContract::new(&target).take(rows).unwrap_err().to_string();
    let new = refused(&batch(&[("a", ints(&[1])), ("b", ints(&[1]))]));
    assert!(new.starts_with("topic t: column 'b' (int64) is not in its schema"), "{new}");
    let wider = refused(&batch(&[("a", ints(&[1 << 40]))]));
    assert!(wider.starts_with("topic t: column 'a' is int32 and now int64"), "{wider}");
    assert!(TopicContract::new(&target).take(&batch(&[("a", ints(&[1]))])).is_ok());
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
    assert_eq!(stored["a"].data_type(), &DataType::Decimal128(7, 4));
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
    let output = stage(lake.path(), &batches).unwrap().0.unwrap();
    let column_type = output.schema.column("a").map(|column| column.column_type.to_string());
    assert_eq!((output.rows, column_type.as_deref()), (1_200_000, Some("int64")));
    let file = lake.path().join("t").join(output.final_name);
    assert_eq!(std::fs::metadata(&file).unwrap().len(), output.size_bytes);
    assert_eq!(read(&file).iter().map(RecordBatch::num_rows).sum::<usize>(), 1_200_000);
}
