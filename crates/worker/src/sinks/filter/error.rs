//! What is wrong with a condition, and how to write it.

use crate::sinks::SinkError;
use arrow_schema::ArrowError;

#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    #[error(
        "the condition breaks off at '{near}': expected {expected}; e.g. amount >= 10 AND (region = 'north' OR region IS NULL)"
    )]
    Syntax { near: String, expected: &'static str },
    #[error("there is no column '{column}'; there are: {known}")]
    NoColumn { column: String, known: String },
    #[error("column '{column}' is {data_type}: {hint}")]
    Type { column: String, data_type: String, hint: String },
    #[error("column '{column}': {cause}")]
    Arrow { column: String, cause: ArrowError },
    #[error(transparent)]
    Sink(#[from] SinkError),
}
