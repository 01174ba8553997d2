//! Brings a batch to the columns of its topic: missing columns are null, types are widened, and nothing is lost on the way.

use super::SchemaError;
use super::schema::LINEAGE;
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, new_null_array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use protocol::TopicName;
use std::sync::Arc;

/// Every integer up to this one is exact as a 64-bit float.
const FLOAT_EXACT_MAX: i128 = 1 << 53;

pub fn to_schema(
    topic: &TopicName,
    batch: &RecordBatch,
    schema: &SchemaRef,
) -> Result<RecordBatch, SchemaError> {
    let column = |field: &Arc<Field>| match batch.column_by_name(field.name()) {
        Some(column) if column.data_type() == field.data_type() => Ok(column.clone()),
        Some(column) => convert(column, field).map_err(|cause| lossy(topic, column, field, &cause)),
        None => Ok(new_null_array(field.data_type(), batch.num_rows())),
    };
    let columns = schema.fields().iter().map(column).collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(schema.clone(), columns)
        .map_err(|cause| SchemaError::Arrow { topic: topic.clone(), cause })
}

fn convert(column: &ArrayRef, field: &Field) -> Result<ArrayRef, ArrowError> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    if column.data_type().is_integer() && field.data_type().is_floating() {
        check_exact(column)?;
    }
    cast_with_options(column, field.data_type(), &options)
}

/// Only 64-bit integers can be too large.
fn check_exact(column: &ArrayRef) -> Result<(), ArrowError> {
    let inexact = match column.data_type() {
        DataType::Int64 => {
            find_inexact(column.as_ref(), |array: &Int64Array, row| array.value(row))
        }
        DataType::UInt64 => {
            find_inexact(column.as_ref(), |array: &arrow_array::UInt64Array, row| array.value(row))
        }
        _ => None,
    };
    match inexact {
        None => Ok(()),
        Some(value) => Err(ArrowError::CastError(format!("{value} is not exact as a float"))),
    }
}

fn find_inexact<A: Array + 'static, V: Into<i128>>(
    column: &dyn Array,
    value: impl Fn(&A, usize) -> V,
) -> Option<i128> {
    let array = column.as_any().downcast_ref::<A>()?;
    let values = (0..array.len()).filter(|row| array.is_valid(*row));
    values.map(|row| value(array, row).into()).find(|value| value.abs() > FLOAT_EXACT_MAX)
}

fn lossy(topic: &TopicName, column: &ArrayRef, field: &Field, cause: &ArrowError) -> SchemaError {
    SchemaError::Lossy {
        topic: topic.clone(),
        column: field.name().clone(),
        before: column.data_type().to_string(),
        now: field.data_type().to_string(),
        cause: cause.to_string(),
    }
}

/// The stored columns: those of the plugin and, last, those that say where a row comes from.
pub fn with_lineage(schema: &Schema) -> SchemaRef {
    let mut fields = schema.fields().to_vec();
    fields.extend(LINEAGE.map(|name| Arc::new(Field::new(name, DataType::Int64, false))));
    Arc::new(Schema::new(fields))
}

pub fn add_lineage(
    batch: &RecordBatch,
    stored: &SchemaRef,
    lineage: super::Lineage,
) -> Result<RecordBatch, ArrowError> {
    let rows = batch.num_rows();
    let mut columns = batch.columns().to_vec();
    for id in [lineage.job.get(), lineage.version.get()] {
        columns.push(Arc::new(Int64Array::from_value(id, rows)));
    }
    RecordBatch::try_new(stored.clone(), columns)
}
