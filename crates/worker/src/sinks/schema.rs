//! The columns of one topic within a job, and how two sets of columns become one.
//! Each step only widens: a value that was stored before means the same after.

use super::SchemaError;
use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};
use protocol::TopicName;
use std::collections::HashSet;
use std::sync::Arc;

/// Columns that every stored row has, after those of the plugin.
pub const LINEAGE: [&str; 2] = ["_job_id", "_file_version_id"];

/// Refuses what no table can hold.
pub fn check(topic: &TopicName, schema: &Schema) -> Result<(), SchemaError> {
    let mut seen = HashSet::new();
    for field in schema.fields() {
        let column = || field.name().clone();
        if LINEAGE.contains(&field.name().as_str()) {
            return Err(SchemaError::Reserved { topic: topic.clone(), column: column() });
        }
        if !seen.insert(field.name()) {
            return Err(SchemaError::Duplicate { topic: topic.clone(), column: column() });
        }
    }
    if schema.fields().is_empty() {
        return Err(SchemaError::NoColumns { topic: topic.clone() });
    }
    Ok(())
}

/// Columns may come and go between batches, so each may be null; and what a library notes about its own frame holds for no union.
pub fn normalized(schema: &Schema) -> Schema {
    let nullable = |field: &Arc<Field>| Arc::new(field.as_ref().clone().with_nullable(true));
    Schema::new(schema.fields().iter().map(nullable).collect::<Fields>())
}

/// Known columns keep their places, new ones come after them.
pub fn unify(topic: &TopicName, known: &Schema, next: &Schema) -> Result<Schema, SchemaError> {
    let mut fields = Vec::with_capacity(known.fields().len());
    for field in known.fields() {
        let Ok(other) = next.field_with_name(field.name()) else {
            fields.push(field.clone());
            continue;
        };
        let Some(data_type) = wider(field.data_type(), other.data_type()) else {
            return Err(changed(topic, field, other));
        };
        fields.push(Arc::new(field.as_ref().clone().with_data_type(data_type)));
    }
    let is_new = |field: &&Arc<Field>| known.field_with_name(field.name()).is_err();
    fields.extend(next.fields().iter().filter(is_new).cloned());
    Ok(Schema::new(fields))
}

fn changed(topic: &TopicName, before: &Field, now: &Field) -> SchemaError {
    SchemaError::Changed {
        topic: topic.clone(),
        column: before.name().clone(),
        before: before.data_type().to_string(),
        now: now.data_type().to_string(),
    }
}

/// The type that holds the values of both, if there is one.
fn wider(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType::{Dictionary, Float64, LargeList, List, Null, Timestamp};
    Some(match (a, b) {
        _ if a == b => a.clone(),
        (Null, other) | (other, Null) => other.clone(),
        (Dictionary(_, value), other) | (other, Dictionary(_, value)) => wider(value, other)?,
        (Timestamp(x, zone), Timestamp(y, other)) if zone == other => {
            Timestamp(finer(*x, *y), zone.clone())
        }
        (List(x), List(y)) => List(wider_item(x, y)?),
        (List(x) | LargeList(x), List(y) | LargeList(y)) => LargeList(wider_item(x, y)?),
        _ if is_text(a) && is_text(b) => DataType::LargeUtf8,
        _ if is_bytes(a) && is_bytes(b) => DataType::LargeBinary,
        _ if a.is_integer() && b.is_integer() => wider_integer(a, b)?,
        // Whether an integer is exact as a float is seen when its value is converted.
        _ if is_real(a) && is_real(b) => Float64,
        _ => return None,
    })
}

fn wider_item(a: &Arc<Field>, b: &Arc<Field>) -> Option<Arc<Field>> {
    let (x, y) = (a.data_type(), b.data_type());
    if is_real(x) && is_real(y) && x.is_integer() != y.is_integer() {
        // Values within lists are not looked at one by one.
        return None;
    }
    let data_type = wider(x, y)?;
    let nullable = a.is_nullable() || b.is_nullable();
    Some(Arc::new(a.as_ref().clone().with_data_type(data_type).with_nullable(nullable)))
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
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn is_bytes(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
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
        (true, ..=16) => DataType::Int16,
        (true, ..=32) => DataType::Int32,
        (true, ..=64) => DataType::Int64,
        (false, ..=16) => DataType::UInt16,
        (false, ..=32) => DataType::UInt32,
        (false, ..=64) => DataType::UInt64,
        _ => return None,
    })
}

/// `name: type` lines, without the lineage columns.
pub fn describe(schema: &Schema) -> String {
    let line = |field: &Arc<Field>| format!("{}: {}", field.name(), field.data_type());
    schema.fields().iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use DataType::{Boolean, Float32, Float64, Int8, Int32, Int64, LargeUtf8, Null, UInt8, UInt64};
    use DataType::{Utf8, Utf8View};

    #[test]
    fn types_widen_only_where_no_value_is_lost() {
        let cases = [
            (Null, Utf8, Some(Utf8)),
            (Int8, Int32, Some(Int32)),
            (UInt8, Int8, Some(DataType::Int16)),
            (UInt64, Int64, None),
            (Float32, Float64, Some(Float64)),
            (Int64, Float32, Some(Float64)),
            (Utf8, Utf8View, Some(LargeUtf8)),
            (Utf8, Int64, None),
            (Boolean, Int64, None),
        ];
        for (a, b, expected) in cases {
            assert_eq!(wider(&a, &b), expected, "{a} {b}");
            assert_eq!(wider(&b, &a), expected, "{b} {a}");
        }
    }

    #[test]
    fn known_columns_keep_their_places() {
        let topic = "t".parse().unwrap();
        let schema = |names: &[&str]| {
            let fields = names.iter().map(|name| Field::new(*name, Int64, true));
            Schema::new(fields.collect::<Fields>())
        };
        let unified = unify(&topic, &schema(&["a", "b"]), &schema(&["c", "b"])).unwrap();
        assert_eq!(unified, schema(&["a", "b", "c"]));
    }
}
