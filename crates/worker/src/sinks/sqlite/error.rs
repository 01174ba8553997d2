//! Why an SQLite file does not take or give rows: the file, the cause, the cure; and whether another try can succeed.

use crate::sinks::sql::TableError;
use protocol::ErrorClass;
use rusqlite::{ErrorCode, ffi};
use std::path::{Path, PathBuf};
use std::time::Duration;

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
        "{}: '{table}' is a name that SQLite keeps for itself; name another table in the sink's address",
        path.display()
    )]
    ReservedTable { path: PathBuf, table: String },
    #[error(transparent)]
    Table(#[from] TableError),
    #[error("cannot {action} {}: {cause}", path.display())]
    Failed { action: &'static str, path: PathBuf, cause: Box<rusqlite::Error> },
}

impl SqliteError {
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Busy { .. } | Self::Storage { .. } => ErrorClass::Storage,
            Self::Table(error) => error.class(),
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
