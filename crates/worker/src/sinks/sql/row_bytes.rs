//! Rows that take more bytes than a database has room for, all of their values together.

use super::json;
use crate::contract::Misfit;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;

/// What the numbers of a row and its header may take is not counted. Costs nothing as long as all rows together would have room in one.
pub fn rows_above(batch: &RecordBatch, bytes_max: u64, database: &str) -> Vec<Misfit> {
    let all: u64 = batch.columns().iter().map(|column| bytes_at_most(column)).sum();
    if all <= bytes_max {
        return Vec::new();
    }
    let mut text = Vec::new();
    let mut misfits = Vec::new();
    for row in 0..batch.num_rows() {
        let mut bytes_of = |column: &ArrayRef| bytes(column, row, &mut text);
        let sizes: Vec<u64> = batch.columns().iter().map(&mut bytes_of).collect();
        let total: u64 = sizes.iter().sum();
        if total > bytes_max {
            let longest = (0..sizes.len()).max_by_key(|at| sizes[*at]);
            misfits.push(Misfit {
                row,
                column: longest.map(|at| batch.schema_ref().field(at).name().clone()),
                reason: format!("{total} bytes; a row of {database} has room for {bytes_max}"),
            });
        }
    }
    misfits
}

/// What all values of a column take together, or somewhat more; those of a fixed width count nothing.
fn bytes_at_most(column: &dyn Array) -> u64 {
    match column.data_type() {
        DataType::Utf8 => text_bytes(column),
        DataType::Binary => binary_bytes(column),
        DataType::List(_) | DataType::Struct(_) | DataType::Map(..) => json_bytes_at_most(column),
        _ => 0,
    }
}

fn text_bytes(column: &dyn Array) -> u64 {
    let offsets = column.as_string::<i32>().value_offsets();
    u64::from((offsets[offsets.len() - 1] - offsets[0]).unsigned_abs())
}

fn binary_bytes(column: &dyn Array) -> u64 {
    let offsets = column.as_binary::<i32>().value_offsets();
    u64::from((offsets[offsets.len() - 1] - offsets[0]).unsigned_abs())
}

fn json_bytes_at_most(column: &dyn Array) -> u64 {
    let len = column.len() as u64;
    match column.data_type() {
        // A control character takes six, a quote at each end and a comma two and one.
        DataType::Utf8 => 6 * text_bytes(column) + 4 * len,
        DataType::Binary => 2 * binary_bytes(column) + 8 * len,
        DataType::List(_) => {
            let list = column.as_list::<i32>();
            let (first, last) = (list.value_offsets()[0], list.value_offsets()[list.len()]);
            let items = list.values().slice(first as usize, (last - first) as usize);
            json_bytes_at_most(&items) + 5 * len
        }
        DataType::Map(..) => {
            let map = column.as_map();
            let (first, last) = (map.value_offsets()[0], map.value_offsets()[map.len()]);
            let entries = map.entries().slice(first as usize, (last - first) as usize);
            json_bytes_at_most(&entries) + 5 * len
        }
        DataType::Struct(fields) => {
            let parts = fields.iter().zip(column.as_struct().columns());
            let part = |(field, part): (&arrow_schema::FieldRef, &ArrayRef)| {
                json_bytes_at_most(part) + (6 * field.name().len() as u64 + 5) * len
            };
            parts.map(part).sum::<u64>() + 5 * len
        }
        // A decimal of 76 digits with its sign, point and quotes.
        _ => 84 * len,
    }
}

fn bytes(column: &ArrayRef, row: usize, text: &mut Vec<u8>) -> u64 {
    if column.is_null(row) {
        return 0;
    }
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).len() as u64,
        DataType::Binary => column.as_binary::<i32>().value(row).len() as u64,
        DataType::List(_) | DataType::Struct(_) | DataType::Map(..) => {
            text.clear();
            json::write(text, column, row);
            text.len() as u64
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::builder::{ListBuilder, StringBuilder};
    use arrow_array::{BinaryArray, StringArray};
    use std::sync::Arc;

    #[test]
    fn a_row_that_is_too_long_is_found_with_its_longest_column() {
        let mut lists = ListBuilder::new(StringBuilder::new());
        lists.append_value([Some("\u{1}"); 3]);
        lists.append_value([Some("\u{1}"); 30]);
        lists.append_null();
        let columns: [(&str, ArrayRef); 3] = [
            ("text", Arc::new(StringArray::from(vec![Some("a"), None, Some(&"b".repeat(60))]))),
            ("bytes", Arc::new(BinaryArray::from(vec![Some(&[0; 30][..]), None, Some(&[0; 41])]))),
            ("list", Arc::new(lists.finish())),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let found = rows_above(&batch, 100, "SQLite");
        let found: Vec<_> = found
            .iter()
            .map(|it| (it.row, it.column.as_deref().unwrap_or_default(), it.reason.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                (1, "list", "271 bytes; a row of SQLite has room for 100"),
                (2, "text", "101 bytes; a row of SQLite has room for 100")
            ]
        );
        assert!(rows_above(&batch, 271, "SQLite").is_empty());
    }
}
