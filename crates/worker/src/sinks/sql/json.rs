//! Lists, structs and maps as JSON. Every value is there exactly, and can be told from every other when its type is known:
//!
//! - integers and durations (counts of their unit) are numbers, with all of their digits; decimals are strings
//! - floats are numbers with as many digits as they need; what JSON has no number for is a string: `"NaN"`, `"Infinity"`, `"-Infinity"`, `"-0.0"`
//! - bytes are base64; dates, times and timestamps are strings by ISO 8601, an instant in UTC
//! - a struct is an object with all of its parts; a map is a list of `{"key": ..., "value": ...}` in its order

use super::iso;
use crate::sinks::columns::time_unit;
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, MapArray, StructArray};
use arrow_schema::{DataType, TimeUnit};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::io::Write;

/// Appends the value of a row. `column` has one of the canonical types, at all depths.
pub fn write(text: &mut Vec<u8>, column: &dyn Array, row: usize) {
    if column.is_null(row) {
        text.extend_from_slice(b"null");
        return;
    }
    match column.data_type() {
        DataType::Boolean if column.as_boolean().value(row) => text.extend_from_slice(b"true"),
        DataType::Boolean => text.extend_from_slice(b"false"),
        DataType::Float16 => float(text, column.as_primitive::<Float16Type>().value(row).to_f64()),
        DataType::Float32 => float(text, column.as_primitive::<Float32Type>().value(row).into()),
        DataType::Float64 => float(text, column.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => string(text, column.as_string::<i32>().value(row)),
        DataType::Binary => bytes(text, column.as_binary::<i32>().value(row)),
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            list(text, items.len(), |text, at| write(text, &items, at));
        }
        DataType::Struct(_) => object(text, column.as_struct(), row),
        DataType::Map(..) => pairs(text, column.as_map(), row),
        DataType::Decimal128(_, scale) => {
            let value = column.as_primitive::<Decimal128Type>().value(row);
            quoted(text, |text| iso::decimal(text, value, scale.unsigned_abs()));
        }
        DataType::Decimal256(_, scale) => {
            let value = column.as_primitive::<Decimal256Type>().value(row);
            quoted(text, |text| iso::large_decimal(text, value, scale.unsigned_abs()));
        }
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>().value(row).into();
            quoted(text, |text| iso::date(text, days));
        }
        DataType::Time32(unit) | DataType::Time64(unit) => {
            let value = count(column, row);
            quoted(text, |text| iso::time(text, value, time_unit(*unit)));
        }
        DataType::Timestamp(unit, zone) => {
            let (value, is_instant) = (count(column, row), zone.is_some());
            let unit = time_unit(*unit);
            quoted(text, |text| iso::timestamp(text, value, unit, b'T', is_instant));
        }
        DataType::UInt64 => {
            iso::integer(text, column.as_primitive::<UInt64Type>().value(row).into());
        }
        _ => integer(text, count(column, row)),
    }
}

/// Integers, and what counts something.
fn count(column: &dyn Array, row: usize) -> i64 {
    use DataType::{Duration, Int8, Int16, Int32, Int64, Time32, Time64, Timestamp};
    macro_rules! of {
        ($type:ty) => {
            column.as_primitive::<$type>().value(row).into()
        };
    }
    match column.data_type() {
        Int8 => of!(Int8Type),
        Int16 => of!(Int16Type),
        Int32 => of!(Int32Type),
        Int64 => of!(Int64Type),
        DataType::UInt8 => of!(UInt8Type),
        DataType::UInt16 => of!(UInt16Type),
        DataType::UInt32 => of!(UInt32Type),
        Time32(TimeUnit::Second) => of!(Time32SecondType),
        Time32(_) => of!(Time32MillisecondType),
        Time64(TimeUnit::Microsecond) => of!(Time64MicrosecondType),
        Time64(_) => of!(Time64NanosecondType),
        Timestamp(TimeUnit::Second, _) => of!(TimestampSecondType),
        Timestamp(TimeUnit::Millisecond, _) => of!(TimestampMillisecondType),
        Timestamp(TimeUnit::Microsecond, _) => of!(TimestampMicrosecondType),
        Timestamp(TimeUnit::Nanosecond, _) => of!(TimestampNanosecondType),
        Duration(TimeUnit::Second) => of!(DurationSecondType),
        Duration(TimeUnit::Millisecond) => of!(DurationMillisecondType),
        Duration(TimeUnit::Microsecond) => of!(DurationMicrosecondType),
        Duration(TimeUnit::Nanosecond) => of!(DurationNanosecondType),
        other => unreachable!("{other} is no canonical type"),
    }
}

fn integer(text: &mut Vec<u8>, value: i64) {
    iso::decimal(text, value.into(), 0);
}

fn float(text: &mut Vec<u8>, value: f64) {
    let name: &[u8] = match value {
        _ if value.is_nan() => b"\"NaN\"",
        f64::INFINITY => b"\"Infinity\"",
        f64::NEG_INFINITY => b"\"-Infinity\"",
        _ if value == 0.0 && value.is_sign_negative() => b"\"-0.0\"",
        _ => {
            // The shortest digits that mean this number and no other. A vector takes them all.
            let _ = write!(text, "{value:?}");
            return;
        }
    };
    text.extend_from_slice(name);
}

fn string(text: &mut Vec<u8>, value: &str) {
    text.push(b'"');
    for byte in value.bytes() {
        match byte {
            b'"' | b'\\' => text.extend_from_slice(&[b'\\', byte]),
            b'\n' => text.extend_from_slice(b"\\n"),
            b'\r' => text.extend_from_slice(b"\\r"),
            b'\t' => text.extend_from_slice(b"\\t"),
            0..0x20 => {
                let _ = write!(text, "\\u{byte:04x}");
            }
            _ => text.push(byte),
        }
    }
    text.push(b'"');
}

fn bytes(text: &mut Vec<u8>, value: &[u8]) {
    quoted(text, |text| {
        let start = text.len();
        text.resize(start + value.len().div_ceil(3) * 4, 0);
        // The room is as large as it has to be.
        let written = BASE64_STANDARD.encode_slice(value, &mut text[start..]).unwrap_or_default();
        text.truncate(start + written);
    });
}

fn quoted(text: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    text.push(b'"');
    write(text);
    text.push(b'"');
}

fn list(text: &mut Vec<u8>, len: usize, mut item: impl FnMut(&mut Vec<u8>, usize)) {
    text.push(b'[');
    for at in 0..len {
        if at > 0 {
            text.push(b',');
        }
        item(text, at);
    }
    text.push(b']');
}

fn object(text: &mut Vec<u8>, parts: &StructArray, row: usize) {
    text.push(b'{');
    for (at, (field, part)) in parts.fields().iter().zip(parts.columns()).enumerate() {
        if at > 0 {
            text.push(b',');
        }
        string(text, field.name());
        text.push(b':');
        write(text, part, row);
    }
    text.push(b'}');
}

fn pairs(text: &mut Vec<u8>, map: &MapArray, row: usize) {
    let entries = map.value(row);
    let (keys, values) = (entries.column(0), entries.column(1));
    list(text, entries.len(), |text, at| {
        text.extend_from_slice(b"{\"key\":");
        write(text, keys, at);
        text.extend_from_slice(b",\"value\":");
        write(text, values, at);
        text.push(b'}');
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::builder::{Int64Builder, MapBuilder, StringBuilder};
    use arrow_array::*;
    use arrow_buffer::OffsetBuffer;
    use arrow_schema::Field;
    use std::sync::Arc;

    /// Each value as JSON.
    fn all(column: impl Array + 'static) -> Vec<String> {
        let json = |row| {
            let mut text = Vec::new();
            write(&mut text, &column, row);
            String::from_utf8(text).unwrap()
        };
        (0..column.len()).map(json).collect()
    }

    #[test]
    fn numbers_have_all_of_their_digits() {
        assert_eq!(
            all(Int64Array::from(vec![i64::MIN, i64::MAX])),
            ["-9223372036854775808", "9223372036854775807"]
        );
        assert_eq!(all(UInt64Array::from(vec![u64::MAX])), ["18446744073709551615"]);
        let floats = [0.1, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, 5e-324];
        assert_eq!(
            all(Float64Array::from(floats.to_vec())),
            ["0.1", "\"-0.0\"", "\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "1e300", "5e-324"]
        );
        assert_eq!(all(Float32Array::from(vec![0.1])), ["0.10000000149011612"]);
        let decimals = Decimal128Array::from(vec![-5]).with_precision_and_scale(38, 2).unwrap();
        assert_eq!(all(decimals), ["\"-0.05\""]);
        let large = arrow_buffer::i256::from_string(&format!("-{}", "9".repeat(76))).unwrap();
        let large = Decimal256Array::from(vec![large]).with_precision_and_scale(76, 76).unwrap();
        assert_eq!(all(large), [format!("\"-0.{}\"", "9".repeat(76))]);
        assert_eq!(all(DurationMillisecondArray::from(vec![-7])), ["-7"]);
    }

    #[test]
    fn texts_bytes_and_times_are_strings() {
        let texts = StringArray::from(vec![Some("a\"\\\n\u{0}\u{1F600}"), Some(""), None]);
        assert_eq!(all(texts), ["\"a\\\"\\\\\\n\\u0000\u{1F600}\"", "\"\"", "null"]);
        assert_eq!(all(BinaryArray::from(vec![&b"\xff\x00"[..], b""])), ["\"/wA=\"", "\"\""]);
        assert_eq!(all(Date32Array::from(vec![-25_567])), ["\"1900-01-01\""]);
        assert_eq!(all(Time64NanosecondArray::from(vec![1])), ["\"00:00:00.000000001\""]);
        let instants = TimestampMicrosecondArray::from(vec![-1]).with_timezone("Europe/Berlin");
        assert_eq!(all(instants), ["\"1969-12-31T23:59:59.999999+00:00\""]);
    }

    #[test]
    fn what_is_nested_keeps_its_order_and_its_nulls() {
        let item = Arc::new(Field::new("item", DataType::Int64, true));
        let items = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
        let offsets = OffsetBuffer::from_lengths([2, 0, 1]);
        let lists = ListArray::new(item, offsets, items, None);
        let fields = vec![
            Arc::new(Field::new("l", lists.data_type().clone(), true)),
            Arc::new(Field::new("a\"", DataType::Boolean, true)),
        ];
        let truths = BooleanArray::from(vec![Some(true), None, Some(false)]);
        let parts: Vec<ArrayRef> = vec![Arc::new(lists), Arc::new(truths)];
        let nulls = vec![true, true, false].into();
        let objects = StructArray::new(fields.into(), parts, Some(nulls));
        assert_eq!(
            all(objects),
            ["{\"l\":[1,null],\"a\\\"\":true}", "{\"l\":[],\"a\\\"\":null}", "null"]
        );
        let mut maps = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
        for (key, value) in [("k", Some(1)), ("b", None)] {
            maps.keys().append_value(key);
            maps.values().append_option(value);
        }
        maps.append(true).unwrap();
        let expected = "[{\"key\":\"k\",\"value\":1},{\"key\":\"b\",\"value\":null}]";
        assert_eq!(all(maps.finish()), [expected]);
    }
}
