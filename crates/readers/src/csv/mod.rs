//! Delimited text, in whatever dialect.

mod dialect;
mod scan;
mod split;
