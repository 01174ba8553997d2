//! The live schema against the expected one.

mod lines;
pub(crate) mod postgres;
pub(crate) mod sqlite;

pub(crate) use lines::{Fingerprint, check};
