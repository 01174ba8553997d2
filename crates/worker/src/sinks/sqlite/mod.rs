//! Tables in SQLite files. What was staged is loaded in one transaction with the record that says so; a job's rows are there once, or not at all.

mod cells;
mod error;
mod file;
mod load;
mod names;
mod reader;
mod rebuild;
mod record;
mod remove;
mod sink;
mod table;
mod transaction;
mod widen;
mod writing;

/// Its own limit as it is built everywhere, less what the numbers of a row and its header may take.
pub const ROW_BYTES_MAX: u64 = 1_000_000_000 - (1 << 20);

pub use error::SqliteError;
pub use reader::SqliteReader;
pub use sink::SqliteSink;
pub use transaction::SqliteTransaction;
