//! Parquet: its own types, a row group at a time, and only the columns that are wanted.

mod open;

pub(crate) use open::open;
