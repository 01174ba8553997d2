//! Tables in PostgreSQL databases. What was staged is loaded by one binary COPY, in one transaction with the record that says so; a job's rows
//! are there once, or not at all.

mod cells;
mod encode;
mod error;
mod misfits;
mod names;
mod numeric;
mod record;
mod row_size;
mod session;
mod sink;
mod table;

pub use error::PostgresqlError;
pub use misfits::misfits;
pub use session::Login;
pub use sink::{PostgresqlSink, PostgresqlTransaction};
