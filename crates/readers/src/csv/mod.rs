//! Delimited text, in whatever dialect.

mod blocks;
mod dialect;
mod layout;
mod open;
mod pieces;
mod samples;
mod scan;
mod sniff;
mod split;
mod survey;

pub(crate) use open::open;
