//! Which types can be stored, and which one holds the values of two others without loss.

use arrow_schema::DataType::{
    Binary, BinaryView, Decimal32, Decimal64, Decimal128, Decimal256, Dictionary, Float64, Int16,
    Int32, Int64, Interval, LargeBinary, LargeList, LargeUtf8, List, Null, RunEndEncoded, Struct,
    Timestamp, UInt16, UInt32, UInt64, Union, Utf8, Utf8View,
};
use arrow_schema::{DataType, FieldRef, Fields, IntervalUnit, TimeUnit};
use std::collections::HashMap;
use std::sync::Arc;

/// The part of a type that Parquet has nothing for, if there is one.
pub fn unstorable(data_type: &DataType) -> Option<&DataType> {
    match data_type {
        Union(..) | Interval(IntervalUnit::MonthDayNano) => Some(data_type),
        Struct(fields) if fields.is_empty() => Some(data_type),
        Struct(fields) => fields.iter().find_map(|field| unstorable(field.data_type())),
        Dictionary(_, value) => unstorable(value),
        RunEndEncoded(_, field)
        | List(field)
        | LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => unstorable(field.data_type()),
        _ => None,
    }
}

/// The type that holds the values of both, if there is one.
pub fn wider(a: &DataType, b: &DataType) -> Option<DataType> {
    Some(match (a, b) {
        _ if a == b => a.clone(),
        (Null, other) | (other, Null) => other.clone(),
        (Dictionary(_, value), other) | (other, Dictionary(_, value)) => wider(value, other)?,
        (Timestamp(x, zone), Timestamp(y, other)) if zone == other => {
            Timestamp(finer(*x, *y), zone.clone())
        }
        (List(x), List(y)) => List(wider_item(x, y)?),
        (List(x) | LargeList(x), List(y) | LargeList(y)) => LargeList(wider_item(x, y)?),
        (Struct(x), Struct(y)) => Struct(wider_fields(x, y)?),
        _ if is_text(a) && is_text(b) => LargeUtf8,
        _ if is_bytes(a) && is_bytes(b) => LargeBinary,
        _ if a.is_integer() && b.is_integer() => wider_integer(a, b)?,
        // Whether an integer is exact as a float is seen when its value is converted.
        _ if is_real(a) && is_real(b) => Float64,
        _ => wider_decimal(digits(a)?, digits(b)?)?,
    })
}

fn wider_item(a: &FieldRef, b: &FieldRef) -> Option<FieldRef> {
    let data_type = wider(a.data_type(), b.data_type())?;
    let nullable = a.is_nullable() || b.is_nullable();
    Some(Arc::new(a.as_ref().clone().with_data_type(data_type).with_nullable(nullable)))
}

/// What only one of them has is null in the other.
fn wider_fields(a: &Fields, b: &Fields) -> Option<Fields> {
    let nullable = |field: &FieldRef| Arc::new(field.as_ref().clone().with_nullable(true));
    let others = b.iter().map(|field| (field.name(), field)).collect::<HashMap<_, _>>();
    let mine = a.iter().map(|field| (field.name(), field)).collect::<HashMap<_, _>>();
    if others.len() < b.len() || mine.len() < a.len() {
        // Two parts of one name cannot be told apart.
        return None;
    }
    let known = a.iter().map(|field| match others.get(field.name()) {
        Some(other) => wider_item(field, other),
        None => Some(nullable(field)),
    });
    let new = b.iter().filter(|field| !mine.contains_key(field.name()));
    known.chain(new.map(|field| Some(nullable(field)))).collect()
}

fn finer(a: TimeUnit, b: TimeUnit) -> TimeUnit {
    let rank = |unit| match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 1,
        TimeUnit::Microsecond => 2,
        TimeUnit::Nanosecond => 3,
    };
    if rank(a) >= rank(b) { a } else { b }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, Utf8 | LargeUtf8 | Utf8View)
}

fn is_bytes(data_type: &DataType) -> bool {
    matches!(data_type, Binary | LargeBinary | BinaryView)
}

fn is_real(data_type: &DataType) -> bool {
    data_type.is_integer() || data_type.is_floating()
}

fn wider_integer(a: &DataType, b: &DataType) -> Option<DataType> {
    let bits = |data_type: &DataType| data_type.primitive_width().unwrap_or(8) * 8;
    let signed = a.is_signed_integer() || b.is_signed_integer();
    // An unsigned number needs one bit more among signed ones.
    let needed = |data_type: &DataType| {
        bits(data_type) + usize::from(signed && data_type.is_unsigned_integer())
    };
    let width = needed(a).max(needed(b));
    Some(match (signed, width) {
        (true, ..=16) => Int16,
        (true, ..=32) => Int32,
        (true, ..=64) => Int64,
        (false, ..=16) => UInt16,
        (false, ..=32) => UInt32,
        (false, ..=64) => UInt64,
        _ => return None,
    })
}

/// Digits before and after the point.
fn digits(data_type: &DataType) -> Option<(i16, i16)> {
    match data_type {
        Decimal32(precision, scale)
        | Decimal64(precision, scale)
        | Decimal128(precision, scale)
        | Decimal256(precision, scale) => {
            let scale = i16::from(*scale);
            Some((i16::from(*precision) - scale, scale))
        }
        integer if integer.is_integer() => {
            let digits = match integer.primitive_width() {
                Some(1) => 3,
                Some(2) => 5,
                Some(4) => 10,
                _ => 20,
            };
            Some((digits, 0))
        }
        _ => None,
    }
}

fn wider_decimal(a: (i16, i16), b: (i16, i16)) -> Option<DataType> {
    let scale = a.1.max(b.1);
    let precision = u8::try_from(a.0.max(b.0) + scale).ok()?;
    let scale = i8::try_from(scale).ok()?;
    match precision {
        ..=38 => Some(Decimal128(precision, scale)),
        39..=76 => Some(Decimal256(precision, scale)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_schema::DataType::{Boolean, Date32, Date64, Float32, Int8, UInt8};
    use arrow_schema::Field;

    fn list(item: DataType) -> DataType {
        List(Arc::new(Field::new("item", item, true)))
    }

    fn object(parts: &[(&str, DataType)]) -> DataType {
        let field =
            |(name, data_type): &(&str, DataType)| Field::new(*name, data_type.clone(), true);
        Struct(parts.iter().map(field).collect())
    }

    #[test]
    fn types_widen_only_where_no_value_is_lost() {
        let seconds = Timestamp(TimeUnit::Second, None);
        let nanoseconds = Timestamp(TimeUnit::Nanosecond, None);
        let category = Dictionary(Box::new(Int8), Box::new(Utf8));
        let cases = [
            (Null, Utf8, Some(Utf8)),
            (Int8, Int32, Some(Int32)),
            (UInt8, Int8, Some(Int16)),
            (UInt64, Int64, None),
            (Float32, Float64, Some(Float64)),
            (Int64, Float32, Some(Float64)),
            (Utf8, Utf8View, Some(LargeUtf8)),
            (category.clone(), Dictionary(Box::new(Int16), Box::new(Utf8)), Some(Utf8)),
            (category, LargeUtf8, Some(LargeUtf8)),
            (Utf8, Int64, None),
            (Boolean, Int64, None),
            (Date32, Date64, None),
            (seconds.clone(), nanoseconds.clone(), Some(nanoseconds.clone())),
            (seconds, Timestamp(TimeUnit::Second, Some("UTC".into())), None),
            (Decimal128(5, 2), Decimal128(6, 4), Some(Decimal128(7, 4))),
            (Decimal128(38, 0), Decimal128(38, 10), Some(Decimal256(48, 10))),
            (Int64, Decimal128(5, 2), Some(Decimal128(22, 2))),
            (Decimal256(76, 0), Decimal256(76, 70), None),
            (Decimal128(5, 2), Float64, None),
            (list(Null), list(Int64), Some(list(Int64))),
            (list(Int64), list(Float64), Some(list(Float64))),
            (list(Int64), list(Utf8), None),
            (
                object(&[("a", Int8), ("b", Utf8)]),
                object(&[("c", Utf8), ("a", Int16)]),
                Some(object(&[("a", Int16), ("b", Utf8), ("c", Utf8)])),
            ),
            (object(&[("a", Int8)]), object(&[("a", Utf8)]), None),
        ];
        for (a, b, expected) in cases {
            assert_eq!(wider(&a, &b), expected, "{a} {b}");
            assert_eq!(wider(&b, &a).is_some(), expected.is_some(), "{b} {a}");
        }
    }

    #[test]
    fn what_parquet_has_nothing_for_is_found_at_any_depth() {
        let interval = Interval(IntervalUnit::MonthDayNano);
        assert_eq!(unstorable(&list(object(&[("a", interval.clone())]))), Some(&interval));
        assert_eq!(unstorable(&object(&[("a", object(&[]))])), Some(&object(&[])));
        assert_eq!(unstorable(&list(object(&[("a", Int8)]))), None);
    }
}
