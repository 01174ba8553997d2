//! Why an attempt did not succeed, as it is told to the Sentinel.

use crate::sinks::SinkError;
use protocol::ErrorClass;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct JobFailure {
    pub class: ErrorClass,
    pub message: String,
    /// None: the class decides.
    pub retryable: Option<bool>,
}

impl JobFailure {
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), retryable: None }
    }
}

impl From<SinkError> for JobFailure {
    fn from(error: SinkError) -> Self {
        Self::new(error.class(), error.to_string())
    }
}
