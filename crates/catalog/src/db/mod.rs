//! The one place that knows the driver: how a catalog is opened, how transactions begin, how many rows go into one statement,
//! and how columns become values.

mod bulk;
mod column;
#[cfg(test)]
pub(crate) mod explain;
mod handle;

pub(crate) use bulk::{Bulk, ROWS_MAX};
pub(crate) use column::{content_hash, from_json, parsed, stat, to_json, unsigned};
pub use handle::{Catalog, OpenMode};
pub(crate) use handle::{Role, Turn, Tx, options};
