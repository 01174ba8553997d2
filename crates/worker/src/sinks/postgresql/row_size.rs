//! How much room a row takes in a page, from which only long values can be moved out. Found before anything is staged, as the server
//! refuses a row that is wider.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;

/// Fewer columns have room whatever they hold.
const COLUMNS_FEW: usize = 300;
/// Of a page, less its head.
const ROW_BYTES_MAX: usize = 8_160;
const HEAD_BYTES: usize = 24;
/// What stays of a value that is moved out, with its alignment.
const MOVED_BYTES: usize = 24;

/// Rows that are too wide.
pub fn rows_without_room(batch: &RecordBatch) -> Vec<usize> {
    if batch.num_columns() <= COLUMNS_FEW {
        return Vec::new();
    }
    let wide = |row: &usize| row_bytes(batch, *row) > ROW_BYTES_MAX;
    (0..batch.num_rows()).filter(wide).collect()
}

fn row_bytes(batch: &RecordBatch, row: usize) -> usize {
    let columns = batch.columns();
    // A row with a null has a bit for each column. The lineage comes later.
    let has_null = columns.iter().any(|column| column.is_null(row));
    let bits = if has_null { (columns.len() + 2).div_ceil(8) } else { 0 };
    let start = (HEAD_BYTES + bits).next_multiple_of(8) + 16;
    columns.iter().filter(|column| column.is_valid(row)).fold(start, |bytes, column| {
        let (len, alignment) = value_bytes(column, row);
        bytes.next_multiple_of(alignment) + len
    })
}

/// Bytes, and what they start at a multiple of.
fn value_bytes(column: &ArrayRef, row: usize) -> (usize, usize) {
    match column.data_type() {
        DataType::Boolean => (1, 1),
        DataType::Int8 | DataType::UInt8 | DataType::Int16 => (2, 2),
        DataType::UInt16
        | DataType::Int32
        | DataType::Float16
        | DataType::Float32
        | DataType::Date32 => (4, 4),
        DataType::UInt32
        | DataType::Int64
        | DataType::Float64
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Timestamp(..) => (8, 8),
        DataType::Duration(_) => (16, 8),
        DataType::UInt64 => (15, 1),
        DataType::Decimal128(precision, _) | DataType::Decimal256(precision, _) => {
            (MOVED_BYTES.min(7 + 2 * usize::from(*precision).div_ceil(4)), 1)
        }
        DataType::Utf8 => {
            (MOVED_BYTES.min(column.as_string::<i32>().value_length(row) as usize + 1), 1)
        }
        DataType::Binary => {
            (MOVED_BYTES.min(column.as_binary::<i32>().value_length(row) as usize + 1), 1)
        }
        _ => (MOVED_BYTES, 1),
    }
}
