//! Every type is stored so that its values come back exactly.

use super::rig::Server;
use crate::sqlite::job;
use arrow_array::builder::{Int64Builder, ListBuilder, MapBuilder, StringBuilder};
use arrow_array::*;
use arrow_buffer::i256;
use arrow_schema::{DataType, Field};
use std::sync::Arc;

/// What `psql` shows of a column, under which type; null is nothing at all.
#[track_caller]
fn check(column: impl Array + 'static, declared: &str, expected: &[&str]) {
    let Some(server) = Server::new() else { return };
    server.done(job(1, 1), &[("x", Arc::new(column) as ArrayRef)]);
    let found =
        server.ask("SET extra_float_digits = 3; SELECT coalesce('=' || x::text, '') FROM t");
    let expected: Vec<String> = expected
        .iter()
        .map(|it| if *it == "NULL" { String::new() } else { format!("={it}") })
        .collect();
    assert_eq!(found, expected);
    let types = server.ask("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'x'");
    assert_eq!(types.concat(), declared);
}

#[test]
fn truths_and_integers_to_their_extremes() {
    let truths = BooleanArray::from(vec![Some(true), None, Some(false)]);
    check(truths, "boolean", &["true", "NULL", "false"]);
    check(Int8Array::from(vec![i8::MIN]), "smallint", &["-128"]);
    check(UInt16Array::from(vec![u16::MAX]), "integer", &["65535"]);
    check(UInt32Array::from(vec![u32::MAX]), "bigint", &["4294967295"]);
    let integers = Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)]);
    check(integers, "bigint", &["-9223372036854775808", "NULL", "9223372036854775807"]);
    let unsigned = UInt64Array::from(vec![Some(0), Some(u64::MAX), Some(10_000), None]);
    check(unsigned, "numeric(20,0)", &["0", "18446744073709551615", "10000", "NULL"]);
}

#[test]
fn floats_with_nan_infinities_and_the_sign_of_zero() {
    let values = vec![Some(0.1), Some(5e-324), Some(f64::MAX), Some(f64::NAN), Some(-0.0), None];
    let expected = ["0.1", "5e-324", "1.7976931348623157e+308", "NaN", "-0", "NULL"];
    check(Float64Array::from(values), "double precision", &expected);
    let infinities = Float64Array::from(vec![f64::INFINITY, f64::NEG_INFINITY]);
    check(infinities, "double precision", &["Infinity", "-Infinity"]);
    check(Float32Array::from(vec![0.1, f32::MAX]), "real", &["0.1", "3.4028235e+38"]);
    let half = arrow_cast::cast(&Float32Array::from(vec![1.5]), &DataType::Float16).unwrap();
    let half: &Float16Array = half.as_any().downcast_ref().unwrap();
    check(half.clone(), "real", &["1.5"]);
}

#[test]
fn decimals_with_every_digit() {
    let nines = "9".repeat(38);
    let values =
        vec![Some(10_i128.pow(38) - 1), Some(1 - 10_i128.pow(38)), Some(0), Some(-5), None];
    let decimals =
        |scale| Decimal128Array::from(values.clone()).with_precision_and_scale(38, scale).unwrap();
    check(decimals(0), "numeric(38,0)", &[&nines, &format!("-{nines}"), "0", "-5", "NULL"]);
    let (large, small) = (&nines[..36], format!("{}.{}", &nines[..36], "99"));
    assert_eq!(large.len(), 36);
    check(decimals(2), "numeric(38,2)", &[&small, &format!("-{small}"), "0.00", "-0.05", "NULL"]);
    let huge = i256::from_string(&"9".repeat(76)).unwrap();
    let huge = Decimal256Array::from(vec![huge]).with_precision_and_scale(76, 10).unwrap();
    check(huge, "numeric(76,10)", &[&format!("{}.{}", "9".repeat(66), "9".repeat(10))]);
}

#[test]
fn texts_and_bytes_as_they_are() {
    let texts = [Some(""), Some("\u{1F600}é"), Some("'; DROP TABLE t; --"), None];
    let expected = ["", "\u{1F600}é", "'; DROP TABLE t; --", "NULL"];
    check(StringArray::from_iter(texts), "text", &expected);
    let bytes: [Option<&[u8]>; 3] = [Some(b""), Some(b"\x00\xff"), None];
    check(BinaryArray::from(bytes.to_vec()), "bytea", &["\\x", "\\x00ff", "NULL"]);
}

#[test]
fn dates_and_times_of_all_times() {
    let dates =
        Date32Array::from(vec![Some(0), Some(-25_568), Some(-2_440_588), Some(2_932_897), None]);
    let expected = ["1970-01-01", "1899-12-31", "4714-11-24 BC", "10000-01-01", "NULL"];
    check(dates, "date", &expected);
    let times = Time64MicrosecondArray::from(vec![0, 86_399_999_999]);
    check(times, "time without time zone", &["00:00:00", "23:59:59.999999"]);
    check(Time32SecondArray::from(vec![1]), "time without time zone", &["00:00:01"]);
    let nanoseconds = TimestampNanosecondArray::from(vec![Some(-1_000), Some(1_000), None]);
    let expected = ["1969-12-31 23:59:59.999999", "1970-01-01 00:00:00.000001", "NULL"];
    check(nanoseconds, "timestamp without time zone", &expected);
    let early = TimestampMicrosecondArray::from(vec![-210_866_803_200_000_000, i64::MAX]);
    let expected = ["4714-11-24 00:00:00 BC", "294247-01-10 04:00:54.775807"];
    check(early, "timestamp without time zone", &expected);
    let instants = TimestampMillisecondArray::from(vec![1_729_987_200_000, 1_729_990_800_000]);
    let expected = ["2024-10-27 00:00:00+00", "2024-10-27 01:00:00+00"];
    check(instants.with_timezone("Europe/Berlin"), "timestamp with time zone", &expected);
    let spans = DurationNanosecondArray::from(vec![-1_000, 3_600_000_000_000]);
    check(spans, "interval", &["-00:00:00.000001", "01:00:00"]);
}

#[test]
fn nested_values_as_json() {
    let mut lists = ListBuilder::new(StringBuilder::new());
    lists.append_value([Some("a\"b"), None]);
    lists.append_null();
    check(lists.finish(), "jsonb", &["[\"a\\\"b\", null]", "NULL"]);
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    map.keys().append_value("k");
    map.values().append_value(i64::MAX);
    map.append(true).unwrap();
    check(map.finish(), "jsonb", &["[{\"key\": \"k\", \"value\": 9223372036854775807}]"]);
    let parts: Vec<(Arc<Field>, ArrayRef)> = vec![(
        Arc::new(Field::new("f", DataType::Float64, true)),
        Arc::new(Float64Array::from(vec![f64::NAN, -0.0, 0.1])),
    )];
    let expected = ["{\"f\": \"NaN\"}", "{\"f\": \"-0.0\"}", "{\"f\": 0.1}"];
    check(StructArray::from(parts), "jsonb", &expected);
}
