//! Brings a batch to the columns of its topic: missing columns are null, types are widened, and nothing is lost on the way.

use super::SchemaError;
use super::convert::convert;
use super::schema::LINEAGE;
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, new_null_array};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Schema, SchemaRef};
use protocol::TopicName;
use std::collections::HashMap;
use std::sync::Arc;

pub fn to_schema(
    topic: &TopicName,
    batch: &RecordBatch,
    schema: &SchemaRef,
) -> Result<RecordBatch, SchemaError> {
    let given = batch.schema_ref().fields().iter().zip(batch.columns());
    let given = given.map(|(field, column)| (field.name().as_str(), column));
    let given = given.collect::<HashMap<_, _>>();
    let column = |field: &FieldRef| match given.get(field.name().as_str()) {
        Some(column) => {
            convert(column, field.data_type()).map_err(|cause| lossy(topic, column, field, &cause))
        }
        None => Ok(new_null_array(field.data_type(), batch.num_rows())),
    };
    let columns = schema.fields().iter().map(column).collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(schema.clone(), columns)
        .map_err(|cause| SchemaError::Arrow { topic: topic.clone(), cause })
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
