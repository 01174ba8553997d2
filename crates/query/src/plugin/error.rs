//! Why a plugin's statement could not be run over a file.

use datafusion::error::DataFusionError;
use readers::ReadError;
use std::io;

#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The statement does not go with the file: a column that is not there, a value that cannot be cast.
    #[error("statement {number}: {reason}")]
    Statement { number: usize, reason: String },
    #[error(
        "statement {number} needs more memory than it has, also with what it spilled: {reason}. Let the plugin have more: MEMORY: 4GB"
    )]
    Memory { number: usize, reason: String },
    /// The host does not take the rows any more.
    #[error("the rows cannot be handed on: {0}")]
    Output(#[source] io::Error),
    #[error("the SQL engine does not start: {0}")]
    Engine(String),
}

impl PluginError {
    /// What a statement ended with; a reader's own error, which came up through the engine, says more than the engine does.
    pub(super) fn of(number: usize, error: DataFusionError) -> Self {
        match unwrapped(error) {
            Cause::Read(error) => Self::Read(error),
            Cause::Output(error) => Self::Output(error),
            Cause::Engine(error) => match error.find_root() {
                DataFusionError::ResourcesExhausted(reason) => {
                    Self::Memory { number, reason: reason.clone() }
                }
                _ => Self::Statement { number, reason: error.strip_backtrace() },
            },
        }
    }
}

enum Cause {
    Read(ReadError),
    Output(io::Error),
    Engine(DataFusionError),
}

fn unwrapped(error: DataFusionError) -> Cause {
    match error {
        DataFusionError::Context(_, inner) => unwrapped(*inner),
        DataFusionError::External(inner) => match inner.downcast::<ReadError>() {
            Ok(error) => Cause::Read(*error),
            Err(inner) => match inner.downcast::<io::Error>() {
                Ok(error) => Cause::Output(*error),
                Err(inner) => Cause::Engine(DataFusionError::External(inner)),
            },
        },
        error => Cause::Engine(error),
    }
}
