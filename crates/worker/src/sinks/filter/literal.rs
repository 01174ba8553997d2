//! A literal as a value of a column's type. What would change on the way is refused.

use super::error::FilterError;
use super::expression::Literal;
use arrow_array::{ArrayRef, BooleanArray, StringArray};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::DataType;
use std::sync::Arc;

/// Column and literal, of one type.
pub struct Comparable {
    pub column: ArrayRef,
    /// One value.
    pub literal: ArrayRef,
}

pub fn comparable(
    name: &str,
    column: &ArrayRef,
    literal: &Literal,
) -> Result<Comparable, FilterError> {
    let column = match column.data_type() {
        DataType::Dictionary(_, value) => cast(name, column, value)?,
        _ => column.clone(),
    };
    let of = column.data_type().clone();
    let refused = |hint: &str| FilterError::Type {
        column: name.to_owned(),
        data_type: of.to_string(),
        hint: hint.to_owned(),
    };
    match (literal, &of) {
        (Literal::Boolean(value), DataType::Boolean) => {
            Ok(Comparable { column, literal: Arc::new(BooleanArray::from(vec![*value])) })
        }
        (_, DataType::Boolean) => Err(refused("compare it with TRUE or FALSE")),
        (Literal::Boolean(_), _) => Err(refused("it is neither TRUE nor FALSE")),
        (Literal::Number(number), _) if of.is_numeric() => numbers(name, &column, number),
        (Literal::Text(_), _) if of.is_numeric() => {
            Err(refused("compare it with a number, without quotes"))
        }
        (Literal::Number(number), _) if is_text(&of) => {
            Err(refused(&format!("write the value in quotes: '{number}'")))
        }
        (Literal::Text(text), _) if is_text(&of) || of.is_temporal() => {
            let literal = cast(name, &one(text), &of).map_err(|_| {
                refused(&format!(
                    "'{text}' is no such value; e.g. '2026-01-31' or '2026-01-31T12:00:00Z'"
                ))
            })?;
            Ok(Comparable { column, literal })
        }
        (Literal::Number(_), _) if of.is_temporal() => {
            Err(refused("write the value in quotes, e.g. '2026-01-31T12:00:00'"))
        }
        _ => Err(refused("such values cannot be compared, only IS NULL and IS NOT NULL")),
    }
}

fn numbers(name: &str, column: &ArrayRef, number: &str) -> Result<Comparable, FilterError> {
    let of = column.data_type().clone();
    let to = match &of {
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => {
            DataType::Decimal256(76, (*scale).max(scale_of(number)))
        }
        // Beyond the column's range, or between its values: then both are real numbers.
        of if of.is_integer() && cast(name, &one(number), of).is_err() => DataType::Float64,
        _ => of,
    };
    Ok(Comparable { column: cast(name, column, &to)?, literal: cast(name, &one(number), &to)? })
}

fn scale_of(number: &str) -> i8 {
    let digits = number.split_once('.').map_or(0, |(_, after)| after.len());
    i8::try_from(digits).unwrap_or(i8::MAX).min(38)
}

fn is_text(of: &DataType) -> bool {
    matches!(of, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn one(text: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![text]))
}

fn cast(name: &str, array: &ArrayRef, to: &DataType) -> Result<ArrayRef, FilterError> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, to, &options)
        .map_err(|cause| FilterError::Arrow { column: name.to_owned(), cause })
}
