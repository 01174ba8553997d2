//! Tables in SQLite files. What was staged is loaded in one transaction with the record that says so; a job's rows are there once, or not at all.

mod cells;
mod error;
mod file;
mod load;
mod misfits;
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

pub use error::SqliteError;
pub use misfits::misfits;
pub use reader::SqliteReader;
pub use sink::SqliteSink;
pub use transaction::SqliteTransaction;
