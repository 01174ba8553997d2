//! What can go wrong with the catalog. Whether trying again may help is in the type.

use std::path::{Path, PathBuf};

/// Codes of SQLite.
const BUSY: i64 = 5;
const LOCKED: i64 = 6;
const OUT_OF_MEMORY: i64 = 7;
const IO_FAILED: i64 = 10;
const DISK_FULL: i64 = 13;
const CANNOT_OPEN: i64 = 14;
const NOT_A_DATABASE: i64 = 26;

#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("there is no catalog at {}", path.display())]
    Missing { path: PathBuf },
    #[error(
        "'{url}' is not a catalog: expected a file, sqlite:///path or (later) postgresql://..."
    )]
    BadUrl { url: String },
    #[error("cannot open the catalog {}: {cause}", path.display())]
    Open { path: PathBuf, cause: sqlx::Error },
    #[error(
        "the catalog {} has schema {found} and this binary knows {known}: use the newer casparian that wrote it",
        path.display()
    )]
    SchemaNewer { path: PathBuf, found: i64, known: i64 },
    #[error(
        "the catalog {} has schema {found} and this binary needs {known}: a writing command, such as `casparian scan`, brings it up to date",
        path.display()
    )]
    SchemaOlder { path: PathBuf, found: i64, known: i64 },
    #[error(
        "{} is no catalog of ours: it is a file of something else; give another path with --catalog",
        path.display()
    )]
    NotACatalog { path: PathBuf },
    #[error(
        "the catalog {} does not have the schema that it should: {what}; undo that change, or start a new catalog",
        path.display()
    )]
    SchemaDiffers { path: PathBuf, what: String },
    #[error("another Sentinel has taken over this catalog")]
    Deposed,
    #[error("the routing rules changed while files were routed")]
    RulesMoved,
    #[error("job {job} cannot go from {from} to {to}")]
    IllegalMove { job: i64, from: String, to: String },
    #[error("the catalog holds what it cannot hold: {what}")]
    Corrupt { what: String },
    #[error("the catalog is busy: another process holds it longer than 10 s")]
    Busy(#[source] sqlx::Error),
    #[error("the catalog cannot be read or written: {0}")]
    Database(#[source] sqlx::Error),
}

impl CatalogError {
    /// Whether the same may succeed a little later, with nothing changed by a person.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Busy(_) | Self::RulesMoved => true,
            // Anything else that the database says, such as a broken constraint, it would say again.
            Self::Database(error) => match code(error) {
                Some(code) => [OUT_OF_MEMORY, IO_FAILED, DISK_FULL, CANNOT_OPEN].contains(&code),
                None => matches!(error, sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut),
            },
            _ => false,
        }
    }

    /// A catalog could not be opened.
    pub(crate) fn opening(path: &Path, cause: sqlx::Error) -> Self {
        match code(&cause) {
            Some(NOT_A_DATABASE) => Self::NotACatalog { path: path.to_owned() },
            _ => Self::Open { path: path.to_owned(), cause },
        }
    }

    /// A file that is no database is named; the driver does not say which one it was.
    pub(crate) fn at(self, path: &Path) -> Self {
        match self {
            Self::Database(error) if code(&error) == Some(NOT_A_DATABASE) => {
                Self::NotACatalog { path: path.to_owned() }
            }
            other => other,
        }
    }

    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }
}

impl From<sqlx::Error> for CatalogError {
    fn from(error: sqlx::Error) -> Self {
        match code(&error) {
            Some(BUSY | LOCKED) => Self::Busy(error),
            _ => Self::Database(error),
        }
    }
}

/// The primary code: extended ones lie above the low byte.
fn code(error: &sqlx::Error) -> Option<i64> {
    let code = error.as_database_error()?.code()?.parse::<i64>().ok()?;
    Some(code & 0xff)
}
