//! A row that does not fit, and why.

use arrow_array::Array;
use arrow_cast::display::array_value_to_string;
use protocol::ColumnType;

/// Characters of a value that a reason shows.
const SHOWN_MAX: usize = 80;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// In its batch.
    pub row: usize,
    pub column: Option<String>,
    pub reason: String,
}

pub fn is_not(column: &dyn Array, row: usize, wanted: &ColumnType) -> String {
    let value = array_value_to_string(column, row).unwrap_or_else(|_| "a value".to_owned());
    let cut = value.char_indices().nth(SHOWN_MAX).map(|(at, _)| at);
    match cut {
        Some(at) => format!("'{}...' is no {wanted}", &value[..at]),
        None => format!("'{value}' is no {wanted}"),
    }
}
