//! The one place that knows the drivers: how a catalog is opened, how transactions begin, how a statement goes to either database,
//! how many rows go into one, and how columns become values.

mod bulk;
mod column;
mod connection;
#[cfg(test)]
pub(crate) mod explain;
mod handle;
mod query;
mod row;
mod value;

pub(crate) use bulk::{Bulk, ROWS_MAX};
pub(crate) use column::{content_hash, from_json, parsed, stat, to_json, unsigned};
pub(crate) use connection::{Connection, Tx};
pub use handle::{Catalog, OpenMode};
pub(crate) use handle::{Role, Turn, options};
pub(crate) use query::query;
pub(crate) use row::Row;
