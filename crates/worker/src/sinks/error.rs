//! Why output cannot be stored. A plugin's data that fits no table is told apart from a storage that fails.

use arrow_schema::ArrowError;
use parquet::errors::ParquetError;
use protocol::{ErrorClass, SinkUri, TopicName};
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    #[error(
        "{uri}: this worker has no such sink; it has parquet://<directory below the output root>"
    )]
    Unsupported { uri: SinkUri },
    #[error("cannot {action} {}: {cause}", path.display())]
    Io { action: &'static str, path: PathBuf, cause: io::Error },
    #[error(
        "{} is a symbolic link or no directory; output is only written below the output root, remove it",
        path.display()
    )]
    Symlink { path: PathBuf },
    #[error(
        "{} is held by another worker process; give each worker a name of its own",
        path.display()
    )]
    Held { path: PathBuf },
    #[error("{} exists with other content than what was staged for it", path.display())]
    Differs { path: PathBuf },
    #[error("cannot write {}: {cause}", path.display())]
    Parquet { path: PathBuf, cause: ParquetError },
    #[error("cannot read {}: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: ParquetError },
    #[error("'{name}' is not the name of a file in {uri}")]
    FileName { uri: SinkUri, name: String },
    #[error("topics {first} and {second} both go to {uri}; give each topic a directory of its own")]
    Shared { uri: SinkUri, first: TopicName, second: TopicName },
    #[error(transparent)]
    Schema(#[from] SchemaError),
}

/// What was published fits no table.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("topic {topic}: column '{column}' is reserved for lineage; rename it")]
    Reserved { topic: TopicName, column: String },
    #[error("topic {topic}: two columns are named '{column}'; rename one")]
    Duplicate { topic: TopicName, column: String },
    #[error(
        "topic {topic}: column '{column}' has the type {data_type}, which no Parquet file can hold; publish it as another"
    )]
    Unstorable { topic: TopicName, column: String, data_type: String },
    #[error("topic {topic}: rows without a column cannot be stored")]
    NoColumns { topic: TopicName },
    #[error(
        "topic {topic}: column '{column}' was {before} and is now {now}; publish one type per column"
    )]
    Changed { topic: TopicName, column: String, before: String, now: String },
    #[error(
        "topic {topic}: column '{column}' cannot go from {before} to {now} without loss: {cause}"
    )]
    Lossy { topic: TopicName, column: String, before: String, now: String, cause: String },
    #[error("topic {topic}: {cause}")]
    Arrow { topic: TopicName, cause: ArrowError },
}

impl SinkError {
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Schema(_) => ErrorClass::Plugin,
            _ => ErrorClass::Sink,
        }
    }

    pub(super) fn io(action: &'static str, path: &Path, cause: impl Into<io::Error>) -> Self {
        Self::Io { action, path: path.to_owned(), cause: cause.into() }
    }
}
