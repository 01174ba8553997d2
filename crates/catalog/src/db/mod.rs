//! The one place that knows the drivers: how a catalog is opened, how transactions begin, how a statement goes to either database,
//! how many rows go into one, and how columns become values.

mod bulk;
mod column;
mod connection;
#[cfg(test)]
pub(crate) mod explain;
mod handle;
pub(crate) mod postgres;
mod query;
mod row;
mod seat;
mod sqlite;
mod statistics;
mod value;

pub(crate) use bulk::{Bulk, ROWS_MAX};
pub(crate) use column::{content_hash, from_json, parsed, stat, to_json, unsigned};
pub(crate) use connection::{Connection, Pool, Tx};
pub use handle::{Catalog, OpenMode};
pub(crate) use handle::{Role, Turn};
pub(crate) use query::query;
pub(crate) use row::Row;
pub use seat::Seat;
pub(crate) use sqlite::options;
