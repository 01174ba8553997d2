//! Values of one type as values of a wider one. Whatever would change on the way is an error.

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Int64Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, GenericListArray, OffsetSizeTrait, PrimitiveArray, StructArray, new_null_array,
};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, DataType, FieldRef, Fields};
use std::sync::Arc;

pub fn convert(column: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    use DataType::{LargeList, List, Null, Struct};
    match (column.data_type(), to) {
        (from, to) if from == to => Ok(column.clone()),
        (Null, _) => Ok(new_null_array(to, column.len())),
        (Struct(_), Struct(fields)) => Ok(Arc::new(to_struct(column.as_struct(), fields)?)),
        (List(_), List(item)) => Ok(Arc::new(to_list::<i32, i32>(column.as_list(), item)?)),
        (List(_), LargeList(item)) => Ok(Arc::new(to_list::<i32, i64>(column.as_list(), item)?)),
        (LargeList(_), LargeList(item)) => {
            Ok(Arc::new(to_list::<i64, i64>(column.as_list(), item)?))
        }
        (from, to) => {
            if to.is_floating() {
                check_exact(from, column)?;
            }
            let options = CastOptions { safe: false, ..CastOptions::default() };
            cast_with_options(column, to, &options)
        }
    }
}

fn to_struct(column: &StructArray, fields: &Fields) -> Result<StructArray, ArrowError> {
    let part = |field: &FieldRef| match column.column_by_name(field.name()) {
        Some(part) => convert(part, field.data_type()),
        None => Ok(new_null_array(field.data_type(), column.len())),
    };
    let parts = fields.iter().map(part).collect::<Result<Vec<_>, _>>()?;
    StructArray::try_new(fields.clone(), parts, column.nulls().cloned())
}

fn to_list<From: OffsetSizeTrait, To: OffsetSizeTrait>(
    column: &GenericListArray<From>,
    item: &FieldRef,
) -> Result<GenericListArray<To>, ArrowError> {
    let offsets = column.offsets();
    let (first, last) = (offsets[0].as_usize(), offsets[column.len()].as_usize());
    let values = convert(&column.values().slice(first, last - first), item.data_type())?;
    let moved = offsets.iter().map(|offset| To::usize_as(offset.as_usize() - first));
    let moved = OffsetBuffer::new(moved.collect::<ScalarBuffer<To>>());
    GenericListArray::try_new(item.clone(), moved, values, column.nulls().cloned())
}

/// Only 64-bit integers can be too large for a float.
fn check_exact(from: &DataType, column: &ArrayRef) -> Result<(), ArrowError> {
    let inexact = match from {
        DataType::Int64 => find_inexact::<Int64Type>(column),
        DataType::UInt64 => find_inexact::<UInt64Type>(column),
        _ => None,
    };
    match inexact {
        None => Ok(()),
        Some(value) => Err(ArrowError::CastError(format!("{value} is not exact as a float"))),
    }
}

fn find_inexact<T: ArrowPrimitiveType<Native: Into<i128>>>(column: &ArrayRef) -> Option<i128> {
    let values: &PrimitiveArray<T> = column.as_primitive();
    let values = values.iter().flatten().map(Into::into);
    values.into_iter().find(|value| *value as f64 as i128 != *value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Float64Array, Int64Array};

    #[test]
    fn integers_become_floats_only_where_nothing_changes() {
        let convert = |value: i64| {
            let column = Arc::new(Int64Array::from(vec![Some(value), None])) as ArrayRef;
            convert(&column, &DataType::Float64)
        };
        for exact in [0, -7, 1 << 53, (1 << 53) + 2, 1 << 62, i64::MIN] {
            let expected = Float64Array::from(vec![Some(exact as f64), None]);
            assert_eq!(convert(exact).unwrap().as_primitive(), &expected);
        }
        for inexact in [(1 << 53) + 1, i64::MAX] {
            let error = convert(inexact).unwrap_err().to_string();
            assert!(error.contains(&inexact.to_string()), "{error}");
        }
    }
}
