//! Arrow IPC: files (Feather V2 is one) and streams.

mod check;
mod looks_like;
mod open;

pub(crate) use looks_like::{is_file, is_stream};
pub(crate) use open::open;
