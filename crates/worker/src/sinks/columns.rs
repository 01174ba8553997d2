//! The types of columns as Arrow has them. Several of Arrow's types hold the same values: each column type has one of them.

use arrow_schema::DataType::{
    Binary, BinaryView, Date32, Date64, Decimal32, Decimal64, Decimal128, Decimal256, Dictionary,
    FixedSizeBinary, FixedSizeList, Float16, Float32, Float64, Int8, Int16, Int32, Int64,
    LargeBinary, LargeList, LargeListView, LargeUtf8, List, ListView, Map, RunEndEncoded, Struct,
    Time32, Time64, Timestamp, UInt8, UInt16, UInt32, UInt64, Utf8, Utf8View,
};
use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit as Unit};
use protocol::{Column, ColumnType, StructPart, TimeUnit, TopicSchema};
use std::sync::Arc;

/// None: there is no column of such values.
pub fn column_type(data_type: &DataType) -> Option<ColumnType> {
    let int = |bits, signed| ColumnType::Int { bits, signed };
    Some(match data_type {
        DataType::Null => ColumnType::Null,
        DataType::Boolean => ColumnType::Bool,
        Int8 => int(8, true),
        Int16 => int(16, true),
        Int32 => int(32, true),
        Int64 => int(64, true),
        UInt8 => int(8, false),
        UInt16 => int(16, false),
        UInt32 => int(32, false),
        UInt64 => int(64, false),
        Float16 => ColumnType::Float { bits: 16 },
        Float32 => ColumnType::Float { bits: 32 },
        Float64 => ColumnType::Float { bits: 64 },
        Decimal32(precision, scale)
        | Decimal64(precision, scale)
        | Decimal128(precision, scale)
        | Decimal256(precision, scale) => decimal(*precision, *scale)?,
        Utf8 | LargeUtf8 | Utf8View => ColumnType::Text,
        Binary | LargeBinary | BinaryView | FixedSizeBinary(_) => ColumnType::Binary,
        Date32 | Date64 => ColumnType::Date,
        Time32(unit) | Time64(unit) => ColumnType::Time(time_unit(*unit)),
        Timestamp(unit, zone) => ColumnType::Timestamp {
            // Parquet counts no seconds.
            unit: time_unit(*unit).max(TimeUnit::Millisecond),
            zone: match zone {
                Some(zone) => Some(zone_name(zone)?),
                None => None,
            },
        },
        DataType::Duration(unit) => ColumnType::Duration(time_unit(*unit)),
        Dictionary(_, values) => column_type(values)?,
        RunEndEncoded(_, values) => column_type(values.data_type())?,
        List(item)
        | LargeList(item)
        | FixedSizeList(item, _)
        | ListView(item)
        | LargeListView(item) => ColumnType::List(Box::new(column_type(item.data_type())?)),
        Struct(fields) => structure(fields)?,
        Map(entries, _) => map(entries)?,
        _ => return None,
    })
}

fn zone_name(zone: &str) -> Option<String> {
    let is_plain = !zone.is_empty() && !zone.contains([',', '(', ')', '<', '>']);
    is_plain.then(|| zone.to_owned())
}

/// Digits before the point count as many as there are; a scale below zero stands for zeros before it.
fn decimal(precision: u8, scale: i8) -> Option<ColumnType> {
    let (precision, scale) = match u8::try_from(scale) {
        Ok(scale) => (precision.max(scale), scale),
        Err(_) => (precision.checked_add(scale.unsigned_abs())?, 0),
    };
    (precision <= 76).then_some(ColumnType::Decimal { precision, scale })
}

fn structure(fields: &Fields) -> Option<ColumnType> {
    let mut parts: Vec<StructPart> = Vec::with_capacity(fields.len());
    for field in fields {
        if parts.iter().any(|part| part.name == *field.name()) {
            return None;
        }
        let column_type = column_type(field.data_type())?;
        parts.push(StructPart { name: field.name().clone(), column_type });
    }
    (!parts.is_empty()).then_some(ColumnType::Struct(parts))
}

fn map(entries: &Field) -> Option<ColumnType> {
    let Struct(fields) = entries.data_type() else { return None };
    let [key, value] = fields.as_ref() else { return None };
    let (key, value) = (column_type(key.data_type())?, column_type(value.data_type())?);
    Some(ColumnType::Map(Box::new(key), Box::new(value)))
}

pub fn time_unit(unit: Unit) -> TimeUnit {
    match unit {
        Unit::Second => TimeUnit::Second,
        Unit::Millisecond => TimeUnit::Millisecond,
        Unit::Microsecond => TimeUnit::Microsecond,
        Unit::Nanosecond => TimeUnit::Nanosecond,
    }
}

fn arrow_unit(unit: TimeUnit) -> Unit {
    match unit {
        TimeUnit::Second => Unit::Second,
        TimeUnit::Millisecond => Unit::Millisecond,
        TimeUnit::Microsecond => Unit::Microsecond,
        TimeUnit::Nanosecond => Unit::Nanosecond,
    }
}

/// The columns as files of the topic have them, lineage aside.
pub fn arrow_schema(schema: &TopicSchema) -> Schema {
    let field = |column: &Column| Field::new(&column.name, arrow_type(&column.column_type), true);
    Schema::new(schema.columns.iter().map(field).collect::<Fields>())
}

/// What columns of this type are stored as.
pub fn arrow_type(column_type: &ColumnType) -> DataType {
    match column_type {
        ColumnType::Null => DataType::Null,
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Int { bits, signed } => match (bits, signed) {
            (8, true) => Int8,
            (16, true) => Int16,
            (32, true) => Int32,
            (_, true) => Int64,
            (8, false) => UInt8,
            (16, false) => UInt16,
            (32, false) => UInt32,
            (_, false) => UInt64,
        },
        ColumnType::Float { bits } => match bits {
            16 => Float16,
            32 => Float32,
            _ => Float64,
        },
        ColumnType::Decimal { precision, scale } if *precision <= 38 => {
            Decimal128(*precision, scale.cast_signed())
        }
        ColumnType::Decimal { precision, scale } => Decimal256(*precision, scale.cast_signed()),
        ColumnType::Text => Utf8,
        ColumnType::Binary => Binary,
        ColumnType::Date => Date32,
        ColumnType::Time(unit) if *unit <= TimeUnit::Millisecond => Time32(arrow_unit(*unit)),
        ColumnType::Time(unit) => Time64(arrow_unit(*unit)),
        ColumnType::Timestamp { unit, zone } => {
            let unit = arrow_unit((*unit).max(TimeUnit::Millisecond));
            Timestamp(unit, zone.as_deref().map(Into::into))
        }
        ColumnType::Duration(unit) => DataType::Duration(arrow_unit(*unit)),
        ColumnType::List(item) => List(Arc::new(Field::new("item", arrow_type(item), true))),
        ColumnType::Struct(parts) => Struct(parts.iter().map(part_field).collect()),
        ColumnType::Map(key, value) => {
            let key = Field::new("key", arrow_type(key), false);
            let value = Field::new("value", arrow_type(value), true);
            let entries = Struct(Fields::from(vec![key, value]));
            Map(Arc::new(Field::new("entries", entries, false)), false)
        }
    }
}

fn part_field(part: &StructPart) -> Field {
    Field::new(&part.name, arrow_type(&part.column_type), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_type_has_one_arrow_type_and_comes_back_from_it() {
        for text in [
            "null",
            "bool",
            "int8",
            "uint64",
            "float16",
            "decimal(38, 10)",
            "decimal(76, 0)",
            "text",
            "binary",
            "date",
            "time(s)",
            "time(ns)",
            "timestamp(us)",
            "timestamp(ns, Europe/Berlin)",
            "duration(s)",
            "list<struct<a int8, b list<text>>>",
            "map<text, float64>",
        ] {
            let parsed: ColumnType = text.parse().unwrap();
            assert_eq!(column_type(&arrow_type(&parsed)), Some(parsed), "{text}");
        }
    }

    #[test]
    fn arrow_types_of_the_same_values_are_one_column_type() {
        let text = |data_type: DataType| column_type(&data_type).map(|it| it.to_string());
        let category = Dictionary(Box::new(Int8), Box::new(Utf8View));
        for data_type in [Utf8, LargeUtf8, Utf8View, category] {
            assert_eq!(text(data_type).as_deref(), Some("text"));
        }
        assert_eq!(text(FixedSizeBinary(16)).as_deref(), Some("binary"));
        assert_eq!(text(Decimal128(5, -2)).as_deref(), Some("decimal(7, 0)"));
        assert_eq!(text(Decimal128(3, 5)).as_deref(), Some("decimal(5, 5)"));
        assert_eq!(text(Timestamp(Unit::Second, None)).as_deref(), Some("timestamp(ms)"));
        assert_eq!(text(Struct(Fields::empty())), None);
        assert_eq!(text(DataType::Interval(arrow_schema::IntervalUnit::MonthDayNano)), None);
    }
}
