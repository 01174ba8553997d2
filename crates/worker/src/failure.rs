//! Why an attempt did not succeed, as it is told to the Sentinel.

use crate::contract::ContractError;
use crate::sinks::SinkError;
use protocol::ErrorClass;

/// A plugin can say anything of any length, and the Sentinel must still be told.
const TEXT_BYTES_MAX: usize = 16 << 10;

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
        Self { class, message: shortened(message.into()), retryable: None }
    }
}

/// The end says what happened, so more of it is kept than of the beginning.
fn shortened(text: String) -> String {
    if text.len() <= TEXT_BYTES_MAX {
        return text;
    }
    let head = text.floor_char_boundary(TEXT_BYTES_MAX / 4);
    let tail = text.ceil_char_boundary(text.len() - TEXT_BYTES_MAX / 2);
    let left_out = tail - head;
    format!("{}\n[... {left_out} bytes ...]\n{}", &text[..head], &text[tail..])
}

impl From<ContractError> for JobFailure {
    fn from(error: ContractError) -> Self {
        Self::new(ErrorClass::Plugin, error.to_string())
    }
}

impl From<SinkError> for JobFailure {
    fn from(error: SinkError) -> Self {
        Self::new(error.class(), error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_keeps_its_beginning_and_its_end() {
        let failure =
            JobFailure::new(ErrorClass::Plugin, format!("a{}the end", "é".repeat(20_000)));
        assert!(failure.message.len() < TEXT_BYTES_MAX);
        assert!(failure.message.starts_with("aé") && failure.message.ends_with("éthe end"));
        assert!(failure.message.contains(" bytes ...]"));
        assert_eq!(JobFailure::new(ErrorClass::Plugin, "short").message, "short");
    }
}
