//! Why an SQLite file does not take or give rows: the file, the cause, the cure; and whether another try can succeed.

use protocol::{ColumnType, ErrorClass, JobId, TopicName};
use rusqlite::{ErrorCode, ffi};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// SQLite's own limit, as it is built everywhere.
pub const COLUMNS_MAX: usize = 2_000;

#[derive(Debug, thiserror::Error)]
pub enum SqliteError {
    #[error(
        "cannot {action} {}: another process reads or writes it and did not let go for {} s; the job is tried again by itself, end what holds the file if that lasts",
        path.display(), waited.as_secs()
    )]
    Busy { action: &'static str, path: PathBuf, waited: Duration },
    #[error(
        "cannot {action} {}: {cause}; {cure}, the job is tried again by itself",
        path.display()
    )]
    Storage { action: &'static str, path: PathBuf, cause: Box<rusqlite::Error>, cure: &'static str },
    #[error(
        "{} is no SQLite database; move it away, or name another file in the sink's address",
        path.display()
    )]
    NotADatabase { path: PathBuf },
    #[error("{} is a symbolic link or no file; name the file itself", path.display())]
    NotAFile { path: PathBuf },
    #[error(
        "the directory of {} is not there or cannot be entered; make it, or name another file in the sink's address",
        path.display()
    )]
    NoDirectory { path: PathBuf },
    #[error(
        "cannot {action} {}: {cause}; let the worker's user write the file and its directory, where SQLite keeps its journal",
        path.display()
    )]
    Denied { action: &'static str, path: PathBuf, cause: Box<rusqlite::Error> },
    #[error(
        "{} may only be read; let the worker's user write the file and its directory, where SQLite keeps its journal",
        path.display()
    )]
    ReadOnly { path: PathBuf },
    #[error(
        "cannot {action} {}: {cause}; a rule that somebody made for the table keeps rows out, drop that index or trigger",
        path.display()
    )]
    Rule { action: &'static str, path: PathBuf, cause: Box<rusqlite::Error> },
    #[error(
        "{} is damaged: {cause}; restore it from a backup, or save what is in it with `sqlite3 FILE .recover`",
        path.display()
    )]
    Damaged { path: PathBuf, cause: Box<rusqlite::Error> },
    #[error(
        "{}: table '{table}' was not made by this sink; drop or rename it, or name another table in the sink's address",
        path.display()
    )]
    NotOurs { path: PathBuf, table: String },
    #[error(
        "{}: '{table}' is a name that SQLite keeps for itself; name another table in the sink's address",
        path.display()
    )]
    ReservedTable { path: PathBuf, table: String },
    #[error("{}: column '{column}' of table '{table}' {problem}", path.display())]
    Column { path: PathBuf, table: String, column: String, problem: Box<ColumnProblem> },
    #[error(
        "topic {topic}: {columns} columns with those of the lineage, and a table of SQLite has at most {COLUMNS_MAX}; publish fewer, or send the topic to parquet://"
    )]
    TooManyColumns { topic: TopicName, columns: usize },
    #[error(
        "topic {topic}: the column name {column:?} holds a NUL character, which no SQLite name can; rename it"
    )]
    NulInName { topic: TopicName, column: String },
    #[error(
        "job {job}: {found} rows came for table '{table}' and {expected} were announced; nothing was stored"
    )]
    RowCount { job: JobId, table: String, expected: u64, found: u64 },
    #[error("cannot {action} {}: {cause}", path.display())]
    Failed { action: &'static str, path: PathBuf, cause: Box<rusqlite::Error> },
}

/// What is wrong with one column.
#[derive(Debug, thiserror::Error)]
pub enum ColumnProblem {
    #[error("is gone; add it again, or drop the table and run its files again")]
    Gone,
    #[error("was not made by this sink, which now needs the name; drop or rename it")]
    Taken,
    #[error(
        "goes from {before} to {now}, for which the table is rewritten, but somebody added a column '{added}' to it; drop that, or keep it in a table of its own"
    )]
    BesideOthers { before: ColumnType, now: ColumnType, added: String },
    #[error("cannot go from {before} to {now}: {value} would change")]
    Lossy { before: ColumnType, now: ColumnType, value: String },
    #[error("is {before} and cannot also hold {now}; publish one type per column")]
    Conflict { before: ColumnType, now: ColumnType },
}

impl SqliteError {
    pub(super) fn column(path: &Path, table: &str, column: &str, problem: ColumnProblem) -> Self {
        let (table, column) = (table.to_owned(), column.to_owned());
        Self::Column { path: path.to_owned(), table, column, problem: Box::new(problem) }
    }

    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Busy { .. } | Self::Storage { .. } => ErrorClass::Storage,
            Self::TooManyColumns { .. } | Self::NulInName { .. } => ErrorClass::Plugin,
            Self::Column { problem, .. } if matches!(**problem, ColumnProblem::Conflict { .. }) => {
                ErrorClass::Plugin
            }
            _ => ErrorClass::Sink,
        }
    }
}

/// What is being done to which file, for what SQLite says about it.
#[derive(Debug, Clone, Copy)]
pub struct Doing<'a> {
    pub action: &'static str,
    pub path: &'a Path,
    pub waited: Duration,
}

impl Doing<'_> {
    pub fn failed(self, cause: rusqlite::Error) -> SqliteError {
        let (action, path) = (self.action, self.path.to_owned());
        let code = cause.sqlite_error_code();
        let extended = cause.sqlite_error().map_or(0, |error| error.extended_code);
        let cause = Box::new(cause);
        let storage = |cause, cure| {
            let path = self.path.to_owned();
            SqliteError::Storage { action, path, cause, cure }
        };
        match code {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                SqliteError::Busy { action, path, waited: self.waited }
            }
            Some(ErrorCode::DiskFull) => storage(cause, "make room there"),
            Some(ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory) => {
                storage(cause, "see that its disk is well")
            }
            _ if extended == ffi::SQLITE_READONLY_DBMOVED => {
                storage(cause, "somebody moved it away while it was open")
            }
            Some(ErrorCode::ConstraintViolation) => SqliteError::Rule { action, path, cause },
            Some(ErrorCode::NotADatabase) => SqliteError::NotADatabase { path },
            Some(ErrorCode::DatabaseCorrupt) => SqliteError::Damaged { path, cause },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                SqliteError::Denied { action, path, cause }
            }
            _ => SqliteError::Failed { action, path, cause },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: i32) -> SqliteError {
        let doing = Doing {
            action: "write",
            path: Path::new("/lake/x.db"),
            waited: Duration::from_secs(30),
        };
        doing.failed(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
    }

    #[test]
    fn what_passes_by_itself_is_told_from_what_somebody_has_to_mend() {
        for (code, class, text) in [
            (ffi::SQLITE_BUSY, ErrorClass::Storage, "another process reads or writes it"),
            (ffi::SQLITE_FULL, ErrorClass::Storage, "make room there, the job is tried again"),
            (ffi::SQLITE_IOERR, ErrorClass::Storage, "see that its disk is well"),
            (ffi::SQLITE_READONLY_DBMOVED, ErrorClass::Storage, "somebody moved it away"),
            (ffi::SQLITE_NOTADB, ErrorClass::Sink, "is no SQLite database; move it away"),
            (ffi::SQLITE_CORRUPT, ErrorClass::Sink, "restore it from a backup"),
            (ffi::SQLITE_READONLY, ErrorClass::Sink, "let the worker's user write the file"),
            (ffi::SQLITE_ERROR, ErrorClass::Sink, "cannot write /lake/x.db"),
        ] {
            let error = failed(code);
            assert_eq!(error.class(), class, "{error}");
            assert!(error.to_string().contains(text), "{error}");
            assert!(error.to_string().contains("/lake/x.db"), "{error}");
        }
    }
}
