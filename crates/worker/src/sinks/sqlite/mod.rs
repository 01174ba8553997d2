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
mod widen;

pub use error::SqliteError;
pub use misfits::misfits;
pub use reader::SqliteReader;
pub use sink::{SqliteSink, SqliteTransaction};
