//! Why a file cannot be read as a whole. What is wrong with single rows is a `Reject`.

use crate::pins::PinError;
use arrow_schema::ArrowError;
use std::io;

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("the file is empty")]
    Empty,
    /// What was found, and what can be done about it.
    #[error("{0}")]
    NotReadable(String),
    #[error("the file is broken at byte {offset}: {reason}")]
    Broken { offset: u64, reason: String },
    #[error("READER: {0}")]
    Pin(#[from] PinError),
    #[error("cannot read the file: {0}")]
    Io(#[from] io::Error),
    #[error("the reader of this format failed: {0}")]
    Arrow(#[from] ArrowError),
}
