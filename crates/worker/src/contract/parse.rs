//! Texts read as values of a declared type. Only what says exactly one value is read; an empty text says none.

use super::fit::{Fitted, keep};
use crate::sinks::columns::arrow_type;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_buffer::BooleanBuffer;
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};
use protocol::ColumnType;
use std::sync::Arc;

pub fn parse(texts: &StringArray, to: &ColumnType) -> Result<Fitted, ArrowError> {
    let target = arrow_type(to);
    let trimmed: ArrayRef = Arc::new(
        texts
            .iter()
            .map(|text| text.map(str::trim_ascii).filter(|text| !text.is_empty()))
            .collect::<StringArray>(),
    );
    let is_readable = |text: &str| match to {
        ColumnType::Decimal { scale, .. } => {
            decimals(text).is_some_and(|digits| digits <= usize::from(*scale))
        }
        ColumnType::Timestamp { unit, zone } => {
            decimals_of_second(text) <= unit.digits() as usize && has_zone(text) == zone.is_some()
        }
        ColumnType::Time(unit) => decimals_of_second(text) <= unit.digits() as usize,
        ColumnType::Date => !text.contains([':', 'T']),
        ColumnType::Int { .. } => is_integer(text),
        ColumnType::Float { .. } => true,
        ColumnType::Bool => true,
        _ => false,
    };
    let readable = match to {
        ColumnType::Int { .. }
        | ColumnType::Float { .. }
        | ColumnType::Decimal { .. }
        | ColumnType::Bool
        | ColumnType::Date
        | ColumnType::Time(_)
        | ColumnType::Timestamp { .. } => cast(&trimmed, &target)?,
        _ => arrow_array::new_null_array(&target, texts.len()),
    };
    let given = trimmed.as_string::<i32>();
    let is_kept = |row: usize| {
        given.is_null(row)
            || readable.is_valid(row)
                && is_readable(given.value(row))
                && !is_overflow(&readable, row, given.value(row))
    };
    let is_kept = BooleanBuffer::collect_bool(texts.len(), is_kept);
    Ok(keep(readable, is_kept))
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Digits after the point that say something; None: no plain decimal number.
fn decimals(text: &str) -> Option<usize> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = all_digits(whole) && all_digits(fraction) && whole.len() + fraction.len() > 0;
    is_number.then(|| fraction.trim_end_matches('0').len())
}

fn decimals_of_second(text: &str) -> usize {
    let Some((_, fraction)) = text.split_once('.') else { return 0 };
    let len = fraction.bytes().take_while(u8::is_ascii_digit).count();
    fraction[..len].trim_end_matches('0').len()
}

/// Whether a timestamp says how far it is from UTC.
fn has_zone(text: &str) -> bool {
    let Some((_, time)) = text.split_once([' ', 'T', 't']) else { return false };
    time.contains(['+', '-']) || time.ends_with(|it: char| it.is_ascii_alphabetic())
}

/// A number that no float can hold was made infinite.
fn is_overflow(column: &ArrayRef, row: usize, text: &str) -> bool {
    let is_infinite = match column.data_type() {
        DataType::Float16 => column.as_primitive::<Float16Type>().value(row).is_infinite(),
        DataType::Float32 => column.as_primitive::<Float32Type>().value(row).is_infinite(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).is_infinite(),
        _ => false,
    };
    is_infinite && !text.to_ascii_lowercase().contains("inf")
}
