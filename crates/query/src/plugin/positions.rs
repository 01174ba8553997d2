//! `_row` and `_offset`: where a row stands in its file. A file that has columns of these names keeps its own.

use super::{OFFSET, ROW};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use readers::Block;
use std::sync::Arc;

/// The columns of the file, and those that it lacks of the two.
pub(super) fn with_positions(columns: &Schema) -> SchemaRef {
    let mut fields: Vec<_> = columns.fields().iter().cloned().collect();
    for name in added(columns) {
        fields.push(Arc::new(Field::new(name, DataType::Int64, name == OFFSET)));
    }
    Arc::new(Schema::new(fields))
}

/// Which of the two the file does not have itself.
pub(super) fn added(columns: &Schema) -> Vec<&'static str> {
    [ROW, OFFSET].into_iter().filter(|name| columns.index_of(name).is_err()).collect()
}

/// The block's rows with exactly these columns.
pub(super) fn project(block: &Block, wanted: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let column = |field: &Arc<Field>| -> Result<ArrayRef, ArrowError> {
        match (block.rows.column_by_name(field.name()), field.name().as_str()) {
            (Some(column), _) => Ok(column.clone()),
            (None, ROW) => Ok(Arc::new(numbers(Some(&block.numbers), block.rows.num_rows()))),
            (None, _) => Ok(Arc::new(numbers(block.offsets.as_ref(), block.rows.num_rows()))),
        }
    };
    let columns = wanted.fields().iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(block.rows.num_rows()));
    RecordBatch::try_new_with_options(wanted.clone(), columns, &options)
}

fn numbers(known: Option<&Vec<u64>>, rows: usize) -> Int64Array {
    match known {
        Some(known) => known.iter().map(|number| number.cast_signed()).collect::<Vec<_>>().into(),
        None => Int64Array::new_null(rows),
    }
}
