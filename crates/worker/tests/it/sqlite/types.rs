//! Every type is stored so that its values can be told from each other and come back exactly.

use super::rig::{Lake, job};
use arrow_array::builder::{Int64Builder, ListBuilder, MapBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::*;
use arrow_buffer::i256;
use arrow_schema::{DataType, Field, TimeUnit};
use serde_json::{Value, json};
use std::sync::Arc;

fn text(text: impl Into<String>) -> Value {
    json!({ "text": text.into() })
}

fn real(value: f64) -> Value {
    json!({ "real": format!("{:016x}", value.to_bits()) })
}

/// What Python reads of a column, under which declared type.
#[track_caller]
fn check(column: impl Array + 'static, declared: &str, expected: &[Value]) {
    let lake = Lake::new();
    lake.done(job(1, 1), &[("x", Arc::new(column) as ArrayRef)]);
    let rows = lake.python("SELECT x FROM t ORDER BY rowid");
    let values: Vec<Value> = rows.into_iter().flatten().collect();
    assert_eq!(values, expected);
    let types = lake.shell("SELECT type FROM pragma_table_info('t') WHERE name = 'x'");
    assert_eq!(types.concat(), declared);
}

#[test]
fn truths_and_integers_to_their_extremes() {
    let null = Value::Null;
    let truths = BooleanArray::from(vec![Some(true), None, Some(false)]);
    check(truths, "BOOLEAN", &[json!(1), null.clone(), json!(0)]);
    check(Int8Array::from(vec![i8::MIN]), "INTEGER", &[json!(i8::MIN)]);
    check(UInt32Array::from(vec![u32::MAX]), "INTEGER", &[json!(u32::MAX)]);
    let integers = Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)]);
    check(integers, "INTEGER", &[json!(i64::MIN), null.clone(), json!(i64::MAX)]);
    let edge = i64::MAX as u64;
    let unsigned =
        UInt64Array::from(vec![Some(0), Some(edge), Some(edge + 1), Some(u64::MAX), None]);
    let large = [text("9223372036854775808"), text("18446744073709551615")];
    check(unsigned, "", &[json!(0), json!(edge), large[0].clone(), large[1].clone(), null]);
    let spans = DurationNanosecondArray::from(vec![i64::MIN]);
    check(spans, "INTEGER", &[json!(i64::MIN)]);
}

#[test]
fn floats_bit_by_bit_but_for_the_sign_of_zero() {
    let values = [0.1, 1.0, 1e300, 5e-324, f64::MIN, f64::INFINITY, f64::NEG_INFINITY, 9.2e18];
    check(Float64Array::from(values.to_vec()), "REAL", &values.map(real));
    let odd = Float64Array::from(vec![Some(f64::NAN), Some(-f64::NAN), Some(-0.0), None]);
    check(odd, "REAL", &[text("NaN"), text("NaN"), real(0.0), Value::Null]);
    check(
        Float32Array::from(vec![0.1, f32::MAX]),
        "REAL",
        &[real(0.1_f32.into()), real(f32::MAX.into())],
    );
    let half = arrow_cast::cast(&Float32Array::from(vec![1.5]), &DataType::Float16).unwrap();
    check(half.as_primitive::<types::Float16Type>().clone(), "REAL", &[real(1.5)]);
}

#[test]
fn decimals_with_every_digit() {
    let nines = "9".repeat(38);
    let values = vec![10_i128.pow(38) - 1, 1 - 10_i128.pow(38), 0, -5];
    let decimals =
        |scale| Decimal128Array::from(values.clone()).with_precision_and_scale(38, scale).unwrap();
    let minus = format!("-{nines}");
    check(decimals(0), "TEXT", &[&*nines, &*minus, "0", "-5"].map(text));
    let expected = [format!("0.{nines}"), format!("-0.{nines}")];
    let zeros = "0".repeat(37);
    let small = [format!("0.0{zeros}"), format!("-0.{zeros}5")];
    check(decimals(38), "TEXT", &[&*expected[0], &*expected[1], &*small[0], &*small[1]].map(text));
    let huge = i256::from_string(&"9".repeat(76)).unwrap();
    let huge = Decimal256Array::from(vec![huge]).with_precision_and_scale(76, 10).unwrap();
    check(huge, "TEXT", &[text(format!("{}.{}", "9".repeat(66), "9".repeat(10)))]);
}

#[test]
fn texts_and_bytes_as_they_are() {
    let texts = ["", "a\0b", "\u{1F600}é", "1.50", "NULL", "'; DROP TABLE t; --", "\u{feff}x"];
    let column = StringArray::from_iter(texts.map(Some).into_iter().chain([None]));
    let expected: Vec<Value> = texts.map(text).into_iter().chain([Value::Null]).collect();
    check(column, "TEXT", &expected);
    let bytes: [Option<&[u8]>; 4] = [Some(b""), Some(b"\x00\xff"), Some(b"12"), None];
    let blob = |hex: &str| json!({ "bytes": hex });
    let expected = [blob(""), blob("00ff"), blob("3132"), Value::Null];
    check(BinaryArray::from(bytes.to_vec()), "BLOB", &expected);
}

#[test]
fn dates_and_times_of_all_times() {
    let dates =
        Date32Array::from(vec![Some(0), Some(-25_568), Some(i32::MIN), Some(i32::MAX), None]);
    let expected = ["1970-01-01", "1899-12-31", "-5877641-06-23", "+5881580-07-11"];
    let expected: Vec<Value> = expected.map(text).into_iter().chain([Value::Null]).collect();
    check(dates, "TEXT", &expected);
    let times = Time64MicrosecondArray::from(vec![0, 86_399_999_999]);
    check(times, "TEXT", &["00:00:00.000000", "23:59:59.999999"].map(text));
    check(Time32SecondArray::from(vec![1]), "TEXT", &[text("00:00:01")]);
    let nanoseconds = TimestampNanosecondArray::from(vec![i64::MIN, -1]);
    let expected = ["1677-09-21 00:12:43.145224192", "1969-12-31 23:59:59.999999999"];
    check(nanoseconds, "TEXT", &expected.map(text));
    // One hour twice in the night of a change of clocks: as instants they differ.
    let instants = TimestampMillisecondArray::from(vec![1_729_987_200_000, 1_729_990_800_000]);
    let expected = ["2024-10-27 00:00:00.000+00:00", "2024-10-27 01:00:00.000+00:00"];
    check(instants.with_timezone("Europe/Berlin"), "TEXT", &expected.map(text));
}

#[test]
fn sqlite_understands_the_dates_and_times() {
    let lake = Lake::new();
    let at: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![1_709_210_096_123_456]));
    let zoned: ArrayRef =
        Arc::new(TimestampMillisecondArray::from(vec![1_709_210_096_123]).with_timezone("+02:00"));
    let day: ArrayRef = Arc::new(Date32Array::from(vec![-25_568]));
    lake.done(job(1, 1), &[("at", at), ("zoned", zoned), ("day", day)]);
    let sql = "SELECT datetime(at), unixepoch(zoned), date(day, '+1 day'), at > '2024-02-29 12:34:56' FROM t";
    assert_eq!(lake.shell(sql), ["2024-02-29 12:34:56|1709210096|1900-01-01|1"]);
}

#[test]
fn nested_values_as_json() {
    let mut lists = ListBuilder::new(StringBuilder::new());
    lists.append_value([Some("a\"b"), None]);
    lists.append_null();
    lists.append_value(Vec::<Option<&str>>::new());
    check(lists.finish(), "TEXT", &[text("[\"a\\\"b\",null]"), Value::Null, text("[]")]);
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    map.keys().append_value("k");
    map.values().append_value(i64::MAX);
    map.append(true).unwrap();
    let expected = format!("[{{\"key\":\"k\",\"value\":{}}}]", i64::MAX);
    check(map.finish(), "TEXT", &[text(expected)]);
    let parts: Vec<(Arc<Field>, ArrayRef)> = vec![(
        Arc::new(Field::new("f", DataType::Float64, true)),
        Arc::new(Float64Array::from(vec![f64::NAN, -0.0, 1.0])),
    )];
    let expected = ["{\"f\":\"NaN\"}", "{\"f\":\"-0.0\"}", "{\"f\":1.0}"];
    check(StructArray::from(parts), "TEXT", &expected.map(text));
    let lake = Lake::new();
    let mut lists = ListBuilder::new(Int64Builder::new());
    lists.append_value([Some(1), Some(41)]);
    lake.done(job(1, 1), &[("l", Arc::new(lists.finish()) as ArrayRef)]);
    assert_eq!(lake.shell("SELECT sum(value) FROM t, json_each(l)"), ["42"]);
}

#[test]
fn a_duration_of_each_unit_is_its_count() {
    for unit in [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond] {
        let count = Int64Array::from(vec![-5]);
        let span = arrow_cast::cast(&count, &DataType::Duration(unit)).unwrap();
        let lake = Lake::new();
        lake.done(job(1, 1), &[("x", span)]);
        assert_eq!(lake.shell("SELECT typeof(x), x FROM t"), ["integer|-5"]);
    }
}
