//! Why a question has no answer, in words for who asked it.

use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;

#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// What was asked cannot be asked so.
    #[error("{0}")]
    Question(String),
    #[error(
        "the query needs more memory than it has, also with what it spilled: {0}; give it more: --memory 4GB"
    )]
    Memory(String),
    /// Rows could not be read, or the engine failed.
    #[error("{0}")]
    Failed(String),
}

/// What the engine puts before what it says.
const PREFIXES: [&str; 4] =
    ["Schema error: ", "Error during planning: ", "Arrow error: ", "Execution error: "];

impl From<DataFusionError> for QueryError {
    fn from(error: DataFusionError) -> Self {
        let root = error.find_root();
        if let DataFusionError::SQL(error, _) = root {
            return Self::Question(match &**error {
                ParserError::TokenizerError(text) | ParserError::ParserError(text) => text.clone(),
                ParserError::RecursionLimitExceeded => "the query is nested too deeply".to_owned(),
            });
        }
        let text = root.strip_backtrace();
        let plain = PREFIXES
            .iter()
            .fold(text.as_str(), |text, prefix| text.strip_prefix(prefix).unwrap_or(text));
        let plain = plain.replace("datafusion.public.", "");
        match root {
            DataFusionError::ResourcesExhausted(reason) => Self::Memory(reason.clone()),
            DataFusionError::Plan(_)
            | DataFusionError::SchemaError(..)
            | DataFusionError::NotImplemented(_)
            | DataFusionError::Diagnostic(..)
            | DataFusionError::ArrowError(..) => Self::Question(plain),
            _ => Self::Failed(plain),
        }
    }
}
