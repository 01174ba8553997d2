//! Cuts a batch so that no piece is large once it is written out. A few bytes from a guest can stand for many gigabytes: nulls and
//! booleans take next to nothing each, and any number of rows can share one value of a dictionary or of a view.

use arrow_array::cast::AsArray;
use arrow_array::types::ByteViewType;
use arrow_array::{Array, GenericByteViewArray, RecordBatch, downcast_run_array};
use arrow_schema::DataType;
use std::iter;

const ROWS_MAX: usize = 1 << 16;
/// Values in all columns; wide tables get fewer rows.
const CELLS_MAX: usize = 4 << 20;
/// In columns whose rows may share bytes; the others cannot take more than came.
const SHARED_BYTES_MAX: u64 = 16 << 20;

/// The rows of the batch, in order.
pub fn pieces(batch: RecordBatch) -> impl Iterator<Item = RecordBatch> {
    let weights = weights(&batch);
    let rows_max = ROWS_MAX.min(CELLS_MAX / batch.num_columns().max(1)).max(1);
    let mut start = 0;
    iter::from_fn(move || {
        let rest = batch.num_rows() - start;
        if rest == 0 {
            return None;
        }
        let most = rest.min(rows_max);
        let len = weights.as_ref().map_or(most, |weights| fitting(&weights[start..start + most]));
        let piece = batch.slice(start, len);
        start += len;
        Some(piece)
    })
}

/// How many of these rows go together: at least one.
fn fitting(weights: &[u64]) -> usize {
    let mut sum = 0u64;
    let fits = weights.iter().take_while(|weight| {
        sum = sum.saturating_add(**weight);
        sum <= SHARED_BYTES_MAX
    });
    fits.count().max(1)
}

/// Bytes that each row takes in the columns that share them. None: there is no such column.
fn weights(batch: &RecordBatch) -> Option<Vec<u64>> {
    let mut weights = None;
    for column in batch.columns().iter().filter(|column| is_shared(column.data_type())) {
        add(column, weights.get_or_insert_with(|| vec![0; batch.num_rows()]));
    }
    weights
}

fn is_shared(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(..)
        | DataType::RunEndEncoded(..)
        | DataType::Utf8View
        | DataType::BinaryView
        | DataType::ListView(_)
        | DataType::LargeListView(_) => true,
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => is_shared(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| is_shared(field.data_type())),
        _ => false,
    }
}

fn add(column: &dyn Array, weights: &mut [u64]) {
    if let Some(dictionary) = column.as_any_dictionary_opt() {
        let sizes = sizes(dictionary.values());
        if sizes.is_empty() {
            // All of it is null.
            return;
        }
        for (weight, key) in weights.iter_mut().zip(dictionary.normalized_keys()) {
            *weight = weight.saturating_add(sizes.get(key).copied().unwrap_or(0));
        }
        return;
    }
    for (weight, size) in weights.iter_mut().zip(sizes(column)) {
        *weight = weight.saturating_add(size);
    }
}

/// Of each value. Of nested values the largest stands for all.
fn sizes(array: &dyn Array) -> Vec<u64> {
    match array.data_type() {
        DataType::Utf8View => view_sizes(array.as_string_view()),
        DataType::BinaryView => view_sizes(array.as_binary_view()),
        DataType::Utf8 => offset_sizes(array.as_string::<i32>().offsets().lengths()),
        DataType::LargeUtf8 => offset_sizes(array.as_string::<i64>().offsets().lengths()),
        DataType::Binary => offset_sizes(array.as_binary::<i32>().offsets().lengths()),
        DataType::LargeBinary => offset_sizes(array.as_binary::<i64>().offsets().lengths()),
        _ => vec![largest(array); array.len()],
    }
}

fn view_sizes<T: ByteViewType + ?Sized>(views: &GenericByteViewArray<T>) -> Vec<u64> {
    views.lengths().map(u64::from).collect()
}

fn offset_sizes(lengths: impl Iterator<Item = usize>) -> Vec<u64> {
    lengths.map(|length| length as u64).collect()
}

/// An upper bound for every value.
fn largest(array: &dyn Array) -> u64 {
    let items = |lengths: &mut dyn Iterator<Item = usize>, values: &dyn Array| {
        (lengths.max().unwrap_or(0) as u64).saturating_mul(largest(values))
    };
    match array.data_type() {
        DataType::Utf8View
        | DataType::BinaryView
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Binary
        | DataType::LargeBinary => sizes(array).into_iter().max().unwrap_or(0),
        DataType::Dictionary(..) => largest(array.as_any_dictionary().values()),
        DataType::RunEndEncoded(..) => downcast_run_array!(
            array => largest(array.values()),
            _ => 0
        ),
        DataType::Struct(_) => {
            let children = array.as_struct().columns().iter();
            children.fold(0, |sum, child| sum.saturating_add(largest(child)))
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            items(&mut list.offsets().lengths(), list.values())
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            items(&mut list.offsets().lengths(), list.values())
        }
        DataType::Map(..) => {
            let map = array.as_map();
            items(&mut map.offsets().lengths(), map.entries())
        }
        DataType::ListView(_) => {
            let list = array.as_list_view::<i32>();
            items(&mut list.sizes().iter().map(|size| *size as usize), list.values())
        }
        DataType::LargeListView(_) => {
            let list = array.as_list_view::<i64>();
            items(&mut list.sizes().iter().map(|size| *size as usize), list.values())
        }
        DataType::FixedSizeList(_, length) => {
            items(&mut iter::once(*length as usize), array.as_fixed_size_list().values())
        }
        other => other.primitive_width().unwrap_or(1) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::builder::StringViewBuilder;
    use arrow_array::types::Int8Type;
    use arrow_array::{ArrayRef, BooleanArray, DictionaryArray, Int8Array, NullArray, StringArray};
    use std::sync::Arc;

    fn lengths(columns: Vec<ArrayRef>) -> Vec<usize> {
        let columns = columns.into_iter().enumerate();
        let columns = columns.map(|(index, column)| (index.to_string(), column));
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        pieces(batch).map(|piece| piece.num_rows()).collect()
    }

    #[test]
    fn rows_that_take_nothing_come_in_bounded_numbers() {
        assert_eq!(lengths(vec![Arc::new(NullArray::new(150_000))]), [65_536, 65_536, 18_928]);
        let booleans: ArrayRef = Arc::new(BooleanArray::from(vec![true; 100]));
        assert_eq!(lengths(vec![booleans.clone()]), [100]);
        assert_eq!(lengths(vec![booleans; 65_536]), [64, 36], "wide tables get fewer rows");
        assert!(lengths(vec![Arc::new(NullArray::new(0))]).is_empty());
    }

    #[test]
    fn rows_that_share_a_large_value_come_one_by_one() {
        let large = "x".repeat(10 << 20);
        let values = Arc::new(StringArray::from(vec!["small", &large])) as ArrayRef;
        let keys = Int8Array::from(vec![Some(1), Some(1), Some(0), None, Some(0), Some(1)]);
        let shared = DictionaryArray::<Int8Type>::try_new(keys, values).unwrap();
        assert_eq!(lengths(vec![Arc::new(shared)]), [1, 4, 1]);

        let empty = Arc::new(StringArray::from(Vec::<&str>::new())) as ArrayRef;
        let nulls = DictionaryArray::<Int8Type>::try_new(Int8Array::new_null(3), empty).unwrap();
        assert_eq!(lengths(vec![Arc::new(nulls)]), [3]);

        let mut views = StringViewBuilder::new();
        let block = views.append_block(large.into_bytes().into());
        for _ in 0..3 {
            views.try_append_view(block, 0, 10 << 20).unwrap();
        }
        assert_eq!(lengths(vec![Arc::new(views.finish())]), [1, 1, 1]);
    }
}
