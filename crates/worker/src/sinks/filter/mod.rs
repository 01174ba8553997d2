//! Conditions on rows: a column compared with literals, `AND`, `OR`, `NOT`, `IS NULL`, `IN`. Read by `parse`, bound to a file's columns
//! and evaluated on batches by `evaluate`, and on statistics by `prune`, so that what cannot match is not read.

mod error;
mod evaluate;
mod expression;
mod literal;
mod parse;
mod prune;
mod rows;

pub use error::FilterError;
pub use expression::Filter;
pub use rows::{FoundRow, Seen};
