//! Why a file cannot be read as a whole. What is wrong with single rows is a `Reject`.

use crate::format::Format;
use crate::pins::PinError;
use crate::source::UnpackError;
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
    #[error("the {format} file is damaged: {reason}")]
    Damaged { format: Format, reason: String },
    #[error("READER: {0}")]
    Pin(#[from] PinError),
    #[error("cannot read the file: {0}")]
    Io(io::Error),
    #[error("the reader of this format failed: {0}")]
    Arrow(ArrowError),
}

/// What is wrong with the packing reaches us through whatever library reads what is unpacked.
impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<UnpackError>()) {
            Some(
                inner @ (UnpackError::CutOff { offset, .. } | UnpackError::Damaged { offset, .. }),
            ) => Self::Broken { offset: *offset, reason: inner.to_string() },
            Some(inner @ UnpackError::Bomb { .. }) => Self::NotReadable(inner.to_string()),
            None => Self::Io(error),
        }
    }
}

impl From<ArrowError> for ReadError {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::IoError(_, error) => error.into(),
            error => Self::Arrow(error),
        }
    }
}
