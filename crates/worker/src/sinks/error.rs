//! Why output cannot be stored. A plugin's data that fits no table is told apart from a storage that fails.

use super::postgresql::PostgresqlError;
use super::sqlite::SqliteError;
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
    #[error("cannot {action} {}: {cause}{}", path.display(), cure(cause))]
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
    #[error("cannot write {}: {cause}{}", path.display(), cause_of(cause).map_or("", cure))]
    Parquet { path: PathBuf, cause: ParquetError },
    #[error("cannot read {}: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: ParquetError },
    #[error("'{name}' is not the name of a file in {uri}")]
    FileName { uri: SinkUri, name: String },
    #[error("topics {first} and {second} both go to {uri}; give each topic a directory of its own")]
    Shared { uri: SinkUri, first: TopicName, second: TopicName },
    #[error(transparent)]
    Sqlite(#[from] SqliteError),
    #[error(transparent)]
    Postgresql(#[from] PostgresqlError),
    /// What all that was to be stored in one step met.
    #[error("{text}")]
    Alike { text: String, class: ErrorClass },
    #[error("topic {topic}: {cause}")]
    Columns { topic: TopicName, cause: ArrowError },
}

impl SinkError {
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Columns { .. } => ErrorClass::Plugin,
            Self::Sqlite(error) => error.class(),
            Self::Postgresql(error) => error.class(),
            Self::Alike { class, .. } => *class,
            Self::Io { cause, .. } if is_of_the_storage(cause) => ErrorClass::Storage,
            Self::Parquet { cause, .. } if cause_of(cause).is_some_and(is_of_the_storage) => {
                ErrorClass::Storage
            }
            _ => ErrorClass::Sink,
        }
    }

    pub(super) fn io(action: &'static str, path: &Path, cause: impl Into<io::Error>) -> Self {
        Self::Io { action, path: path.to_owned(), cause: cause.into() }
    }
}

/// What the file system said, below what Parquet made of it.
fn cause_of(error: &ParquetError) -> Option<&io::Error> {
    match error {
        ParquetError::External(cause) => cause.downcast_ref::<io::Error>(),
        _ => None,
    }
}

/// What every job would meet just now, whatever its data.
fn is_of_the_storage(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    use rustix::io::Errno;
    matches!(
        error.kind(),
        Kind::StorageFull
            | Kind::QuotaExceeded
            | Kind::ReadOnlyFilesystem
            | Kind::StaleNetworkFileHandle
            | Kind::OutOfMemory
    ) || matches!(
        error.raw_os_error().map(Errno::from_raw_os_error),
        Some(Errno::IO | Errno::MFILE | Errno::NFILE)
    )
}

fn cure(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; make room there, the job is tried again by itself"
        }
        _ if is_of_the_storage(error) => {
            "; once the disk is well, the job is tried again by itself"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn a_full_disk_is_told_from_a_file_that_may_not_be_written() {
        let error = |code: Errno| SinkError::io("sync", Path::new("/lake/x"), code);
        let full = error(Errno::NOSPC);
        assert_eq!(full.class(), ErrorClass::Storage);
        let text = full.to_string();
        assert!(text.starts_with("cannot sync /lake/x: No space left"), "{text}");
        assert!(text.ends_with("; make room there, the job is tried again by itself"), "{text}");
        assert_eq!(error(Errno::ACCESS).class(), ErrorClass::Sink);
        let cause = ParquetError::External(Box::new(io::Error::from(Errno::DQUOT)));
        let written = SinkError::Parquet { path: PathBuf::from("/lake/x"), cause };
        assert_eq!(written.class(), ErrorClass::Storage);
        assert!(written.to_string().contains("make room there"), "{written}");
    }
}
