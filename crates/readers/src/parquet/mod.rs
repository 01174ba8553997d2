//! Parquet: its own types, a row group at a time, and only the columns that are wanted.

mod int96;
mod open;
mod rows;

pub(crate) use open::open;
