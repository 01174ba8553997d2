//! Values of one type as values of another, row by row: exactly, or not at all.

use super::parse::parse;
use crate::sinks::columns::{arrow_type, column_type};
use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, BooleanArray, GenericListArray, MapArray, OffsetSizeTrait, StructArray,
    new_null_array,
};
use arrow_buffer::{BooleanBuffer, NullBuffer, OffsetBuffer};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_ord::cmp::not_distinct;
use arrow_schema::{ArrowError, DataType};
use protocol::{ColumnType, StructPart};
use std::sync::Arc;

/// A column that was brought to a type.
pub struct Fitted {
    pub column: ArrayRef,
    /// Rows whose value does not fit; in the column they are null. None: all fit.
    pub misfits: Option<BooleanBuffer>,
}

/// Whether texts may be read as values of other types: where the type is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Texts {
    Stay,
    AreRead,
}

const SAFE: CastOptions<'static> =
    CastOptions { safe: true, format_options: arrow_cast::display::FormatOptions::new() };

pub fn fit(column: &ArrayRef, to: &ColumnType, texts: Texts) -> Result<Fitted, ArrowError> {
    let target = arrow_type(to);
    if *column.data_type() == target {
        return Ok(all(column.clone()));
    }
    let column = plain(column)?;
    if *column.data_type() == target {
        return Ok(all(column));
    }
    let from = column_type(column.data_type());
    match (from.as_ref(), to) {
        (Some(ColumnType::Null), _) => Ok(all(new_null_array(&target, column.len()))),
        (Some(ColumnType::Struct(_)), ColumnType::Struct(parts)) => {
            fit_struct(column.as_struct(), parts, &target, texts)
        }
        (Some(ColumnType::List(_)), ColumnType::List(item)) => {
            fit_list::<i32>(column.as_list(), item, &target, texts)
        }
        (Some(ColumnType::Map(..)), ColumnType::Map(key, value)) => {
            fit_map(column.as_map(), key, value, &target, texts)
        }
        (Some(ColumnType::Text), _) if texts == Texts::AreRead => parse(column.as_string(), to),
        (Some(from), _) if is_number_like(from, to) => exact(&column, &target),
        _ => Ok(none(&column, &target)),
    }
}

fn all(column: ArrayRef) -> Fitted {
    Fitted { column, misfits: None }
}

fn none(column: &ArrayRef, target: &DataType) -> Fitted {
    let misfits = match column.logical_nulls() {
        Some(nulls) => nulls.inner().clone(),
        None => BooleanBuffer::new_set(column.len()),
    };
    let has_misfits = misfits.count_set_bits() > 0;
    let column = new_null_array(target, column.len());
    Fitted { column, misfits: has_misfits.then_some(misfits) }
}

/// The values as they are, without what Arrow saves by: dictionaries, views, runs, large offsets, fixed sizes.
fn plain(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    use DataType as Type;
    let to = match column.data_type() {
        Type::LargeUtf8 | Type::Utf8View => Type::Utf8,
        Type::LargeBinary | Type::BinaryView | Type::FixedSizeBinary(_) => Type::Binary,
        Type::Dictionary(_, values) => return plain(&strict_cast(column, values)?),
        Type::RunEndEncoded(_, values) => return plain(&strict_cast(column, values.data_type())?),
        Type::LargeList(item)
        | Type::FixedSizeList(item, _)
        | Type::ListView(item)
        | Type::LargeListView(item) => Type::List(item.clone()),
        Type::Decimal32(precision, scale) | Type::Decimal64(precision, scale) => {
            Type::Decimal128(*precision, *scale)
        }
        _ => return Ok(column.clone()),
    };
    strict_cast(column, &to)
}

fn strict_cast(column: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    cast_with_options(column, to, &CastOptions { safe: false, ..CastOptions::default() })
}

fn is_number_like(from: &ColumnType, to: &ColumnType) -> bool {
    use ColumnType::{Date, Decimal, Duration, Float, Int, Time, Timestamp};
    match (from, to) {
        (Int { .. }, Int { .. } | Float { .. } | Decimal { .. })
        | (Float { .. }, Float { .. } | Int { .. })
        | (Decimal { .. }, Decimal { .. } | Int { .. })
        | (Time(_), Time(_))
        | (Duration(_), Duration(_))
        | (Date, Date) => true,
        (Timestamp { zone, .. }, Timestamp { zone: other, .. }) => zone == other,
        _ => false,
    }
}

/// There and back again: what comes back otherwise does not fit.
fn exact(column: &ArrayRef, target: &DataType) -> Result<Fitted, ArrowError> {
    let there = cast_with_options(column, target, &SAFE)?;
    let back = cast_with_options(&there, column.data_type(), &SAFE)?;
    let same = not_distinct(&column, &back)?;
    Ok(keep(there, same.values().clone()))
}

/// Rows that are not to be kept become null.
pub fn keep(column: ArrayRef, is_kept: BooleanBuffer) -> Fitted {
    if is_kept.count_set_bits() == column.len() {
        return all(column);
    }
    let misfits = !&is_kept;
    let nulls = NullBuffer::union(column.nulls(), Some(&NullBuffer::new(is_kept)));
    let data = column.to_data().into_builder().nulls(nulls);
    // Only what is null changes.
    let column = data.build().map(arrow_array::make_array).unwrap_or(column);
    Fitted { column, misfits: Some(misfits) }
}

fn fit_struct(
    column: &StructArray,
    parts: &[StructPart],
    target: &DataType,
    texts: Texts,
) -> Result<Fitted, ArrowError> {
    let DataType::Struct(fields) = target else { return Ok(none(&column_ref(column), target)) };
    let mut misfits = None;
    let mut columns = Vec::with_capacity(parts.len());
    for part in parts {
        let fitted = match column.column_by_name(&part.name) {
            Some(part_column) => fit(part_column, &part.column_type, texts)?,
            None => all(new_null_array(&arrow_type(&part.column_type), column.len())),
        };
        misfits = either(misfits, fitted.misfits);
        columns.push(fitted.column);
    }
    for (name, part) in column.column_names().into_iter().zip(column.columns()) {
        // A part that there is no room for must not get lost.
        if !parts.iter().any(|known| known.name == name) && part.null_count() < part.len() {
            misfits = either(misfits, none(part, target).misfits);
        }
    }
    let nulls = column.nulls().cloned();
    let misfits = misfits.map(|misfits| match &nulls {
        Some(nulls) => &misfits & nulls.inner(),
        None => misfits,
    });
    let column = StructArray::try_new(fields.clone(), columns, nulls)?;
    Ok(without(Arc::new(column), misfits))
}

fn fit_list<O: OffsetSizeTrait>(
    column: &GenericListArray<O>,
    item: &ColumnType,
    target: &DataType,
    texts: Texts,
) -> Result<Fitted, ArrowError> {
    let DataType::List(field) = target else { return Ok(none(&column_ref(column), target)) };
    let (first, last) = (column.offsets()[0].as_usize(), column.offsets()[column.len()].as_usize());
    let fitted = fit(&column.values().slice(first, last - first), item, texts)?;
    let lengths = column.offsets().lengths();
    let offsets = OffsetBuffer::<O>::from_lengths(lengths);
    let misfits = fitted.misfits.map(|items| rows_with(&offsets, &items, column.nulls()));
    let list = GenericListArray::<O>::try_new(
        field.clone(),
        offsets,
        fitted.column,
        column.nulls().cloned(),
    )?;
    Ok(without(Arc::new(list), misfits))
}

fn fit_map(
    column: &MapArray,
    key: &ColumnType,
    value: &ColumnType,
    target: &DataType,
    texts: Texts,
) -> Result<Fitted, ArrowError> {
    let DataType::Map(field, _) = target else { return Ok(none(&column_ref(column), target)) };
    let DataType::Struct(fields) = field.data_type() else {
        return Ok(none(&column_ref(column), target));
    };
    let (first, last) = (column.offsets()[0] as usize, column.offsets()[column.len()] as usize);
    let part = |part: &ArrayRef| part.slice(first, last - first);
    let keys = fit(&part(column.keys()), key, texts)?;
    let values = fit(&part(column.values()), value, texts)?;
    let offsets = OffsetBuffer::<i32>::from_lengths(column.offsets().lengths());
    if keys.misfits.is_some() {
        // A key is never null, so the whole column is given up.
        return Ok(none(&column_ref(column), target));
    }
    let misfits = values.misfits.map(|items| rows_with(&offsets, &items, column.nulls()));
    let entries = StructArray::try_new(fields.clone(), vec![keys.column, values.column], None)?;
    let map = MapArray::try_new(field.clone(), offsets, entries, column.nulls().cloned(), false)?;
    Ok(without(Arc::new(map), misfits))
}

fn column_ref(column: &dyn Array) -> ArrayRef {
    arrow_array::make_array(column.to_data())
}

fn without(column: ArrayRef, misfits: Option<BooleanBuffer>) -> Fitted {
    match misfits {
        Some(misfits) => keep(column, !&misfits),
        None => all(column),
    }
}

/// Rows that have one of these items.
fn rows_with<O: OffsetSizeTrait>(
    offsets: &OffsetBuffer<O>,
    items: &BooleanBuffer,
    nulls: Option<&NullBuffer>,
) -> BooleanBuffer {
    let row = |row: usize| {
        let (start, end) = (offsets[row].as_usize(), offsets[row + 1].as_usize());
        nulls.is_none_or(|nulls| nulls.is_valid(row))
            && items.slice(start, end - start).count_set_bits() > 0
    };
    BooleanBuffer::collect_bool(offsets.len() - 1, row)
}

pub fn either(a: Option<BooleanBuffer>, b: Option<BooleanBuffer>) -> Option<BooleanBuffer> {
    match (a, b) {
        (Some(a), Some(b)) => Some(&a | &b),
        (a, b) => a.or(b),
    }
}

/// Whether a 64-bit float has gaps where some of these integers lie.
pub fn is_beyond_float(column: &dyn Array) -> bool {
    use arrow_array::types::{Int64Type, UInt64Type};
    const EXACT_MAX: u64 = 1 << 53;
    match column.data_type() {
        DataType::Int64 => {
            let values = column.as_primitive::<Int64Type>();
            // What lies under a null may be anything; most columns have none that is large.
            values.values().iter().any(|value| value.unsigned_abs() > EXACT_MAX)
                && values.iter().flatten().any(|value| value.unsigned_abs() > EXACT_MAX)
        }
        DataType::UInt64 => {
            let values = column.as_primitive::<UInt64Type>();
            values.values().iter().any(|value| *value > EXACT_MAX)
                && values.iter().flatten().any(|value| value > EXACT_MAX)
        }
        _ => false,
    }
}

/// Rows that are null.
pub fn nulls_of(column: &dyn Array) -> Option<BooleanBuffer> {
    let nulls = column.logical_nulls().filter(|nulls| nulls.null_count() > 0)?;
    Some(!nulls.inner())
}

pub fn filter_of(misfits: &BooleanBuffer) -> BooleanArray {
    BooleanArray::new(!misfits, None)
}
