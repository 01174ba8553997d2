//! What a file is, by what is in it. Its name says nothing.

mod binary;
mod compound;
mod format;
mod text;
mod zip;

pub(crate) use format::{Found, detect};
