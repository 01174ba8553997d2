//! Bytes to text: in which encoding a file is written, its text as UTF-8, and how many of its bytes a piece of text takes.

mod detect;
mod stream;

pub(crate) use detect::{Detected, detect, pinned};
pub(crate) use stream::{TextStream, decode, file_len};
