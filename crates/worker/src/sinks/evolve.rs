//! Brings a batch to later columns of its topic: missing ones are null, types are widened, and nothing is lost on the way.

use super::columns::column_type;
use crate::contract::{Texts, fit};
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, new_null_array};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use protocol::LINEAGE;
use std::sync::Arc;

pub fn to_schema(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let column = |field: &FieldRef| match batch.column_by_name(field.name()) {
        Some(column) => widened(column, field),
        None => Ok(new_null_array(field.data_type(), batch.num_rows())),
    };
    let columns = schema.fields().iter().map(column).collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(schema.clone(), columns)
}

/// Every value as one of the field's type.
pub fn widened(column: &ArrayRef, field: &Field) -> Result<ArrayRef, ArrowError> {
    if column.data_type() == field.data_type() {
        return Ok(column.clone());
    }
    let lossy = || {
        let (from, to) = (column.data_type(), field.data_type());
        ArrowError::CastError(format!("column '{}' cannot go from {from} to {to}", field.name()))
    };
    let wider = column_type(field.data_type()).ok_or_else(lossy)?;
    let fitted = fit(column, &wider, Texts::Stay)?;
    if fitted.misfits.is_some() || fitted.column.data_type() != field.data_type() {
        return Err(lossy());
    }
    Ok(fitted.column)
}

/// The stored columns: those of the plugin and, last, those that say where a row comes from.
pub fn with_lineage(schema: &Schema) -> SchemaRef {
    let mut fields = schema.fields().to_vec();
    fields.extend(LINEAGE.map(|name| Arc::new(Field::new(name, DataType::Int64, false))));
    Arc::new(Schema::new(fields))
}

pub fn without_lineage(stored: &Schema) -> Schema {
    let own = stored.fields().iter().filter(|field| !LINEAGE.contains(&field.name().as_str()));
    Schema::new(own.cloned().collect::<Fields>())
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
