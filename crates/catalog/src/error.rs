//! What can go wrong with the catalog. Whether trying again may help is in the type.

use crate::url::CatalogUrl;
use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;

/// Codes of SQLite.
const BUSY: i64 = 5;
const LOCKED: i64 = 6;
const OUT_OF_MEMORY: i64 = 7;
const IO_FAILED: i64 = 10;
const DISK_FULL: i64 = 13;
const CANNOT_OPEN: i64 = 14;
const NOT_A_DATABASE: i64 = 26;

/// Codes of PostgreSQL, and beginnings of them: no connection; rolled back in favour of another; no room, memory or connection left; a lock
/// that is held; a session that stood still; shut down, crashed or starting; trouble of its machine.
const PASSING: [&str; 7] = ["08", "40", "53", LOCK_NOT_AVAILABLE, "25P03", "57P0", "58"];
const LOCK_NOT_AVAILABLE: &str = "55P03";
const NO_ROOM: &str = "53100";

#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("there is no catalog at {place}")]
    Missing { place: CatalogUrl },
    #[error(
        "'{url}' is not a catalog: expected a file, sqlite:///path or postgresql://user@host/database"
    )]
    BadUrl { url: String },
    #[error("cannot open the catalog {place}: {cause}")]
    Open { place: CatalogUrl, cause: sqlx::Error },
    #[error(
        "the catalog {place} has schema {found} and this binary knows {known}: use the newer casparian that wrote it"
    )]
    SchemaNewer { place: CatalogUrl, found: i64, known: i64 },
    #[error(
        "the catalog {place} has schema {found} and this binary needs {known}: a writing command, such as `casparian scan`, brings it up to date"
    )]
    SchemaOlder { place: CatalogUrl, found: i64, known: i64 },
    #[error(
        "{place} is no catalog of ours: it holds something else; give another place with --catalog"
    )]
    NotACatalog { place: CatalogUrl },
    #[error(
        "the catalog {place} does not have the schema that it should: {what}; undo that change, or start a new catalog"
    )]
    SchemaDiffers { place: CatalogUrl, what: String },
    #[error(
        "the catalog {place} names no schema that is there: create the one of its search path, or give the user the right to use it"
    )]
    NoSchema { place: CatalogUrl },
    #[error(
        "cannot reach the catalog {place}: {cause}; is the server up, and is that its address?"
    )]
    Unreachable { place: CatalogUrl, cause: sqlx::Error },
    #[error("another Sentinel has taken over this catalog")]
    Deposed,
    #[error("the routing rules changed while files were routed")]
    RulesMoved,
    #[error("job {job} cannot go from {from} to {to}")]
    IllegalMove { job: i64, from: String, to: String },
    #[error("the catalog holds what it cannot hold: {what}")]
    Corrupt { what: String },
    #[error(
        "the catalog is busy: another process holds it longer than 10 s; `fuser` on its file tells which, and a database shell that is left open is one"
    )]
    Busy(#[source] sqlx::Error),
    #[error(
        "the catalog cannot be written: the disk that it lies on is full; make room, and it goes on by itself"
    )]
    Full(#[source] sqlx::Error),
    #[error("the catalog cannot be read or written: {0}")]
    Database(#[source] sqlx::Error),
}

impl CatalogError {
    /// Whether the same may succeed a little later, with nothing changed by a person.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Busy(_) | Self::Full(_) | Self::RulesMoved | Self::Unreachable { .. } => true,
            Self::Database(error) => may_pass(error),
            _ => false,
        }
    }

    /// A catalog could not be opened.
    pub(crate) fn opening(url: &CatalogUrl, cause: sqlx::Error) -> Self {
        let place = url.clone();
        if sqlite_code(&cause) == Some(NOT_A_DATABASE) {
            return Self::NotACatalog { place };
        }
        match url.file() {
            None if may_pass(&cause) => Self::Unreachable { place, cause },
            _ => Self::Open { place, cause },
        }
    }

    /// A file that is no database is named; the driver does not say which one it was.
    pub(crate) fn at(self, url: &CatalogUrl) -> Self {
        match self {
            Self::Database(error) if sqlite_code(&error) == Some(NOT_A_DATABASE) => {
                Self::NotACatalog { place: url.clone() }
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
        let is_busy = match sqlite_code(&error) {
            Some(code) => [BUSY, LOCKED].contains(&code),
            None => postgres_code(&error) == Some(LOCK_NOT_AVAILABLE),
        };
        let is_full =
            sqlite_code(&error) == Some(DISK_FULL) || postgres_code(&error) == Some(NO_ROOM);
        match (is_busy, is_full) {
            (true, _) => Self::Busy(error),
            (_, true) => Self::Full(error),
            (false, false) => Self::Database(error),
        }
    }
}

/// Anything else that a database says, such as a broken constraint, it would say again.
fn may_pass(error: &sqlx::Error) -> bool {
    if let Some(code) = sqlite_code(error) {
        return [OUT_OF_MEMORY, IO_FAILED, DISK_FULL, CANNOT_OPEN].contains(&code);
    }
    if let Some(code) = postgres_code(error) {
        return PASSING.iter().any(|class| code.starts_with(class));
    }
    matches!(error, sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut)
}

/// The primary code: extended ones lie above the low byte.
fn sqlite_code(error: &sqlx::Error) -> Option<i64> {
    let error = error.as_database_error().filter(|error| !is_of_postgres(*error))?;
    Some(error.code()?.parse::<i64>().ok()? & 0xff)
}

fn postgres_code(error: &sqlx::Error) -> Option<&str> {
    let error = error.as_database_error()?.try_downcast_ref::<PgDatabaseError>()?;
    Some(error.code())
}

fn is_of_postgres(error: &(dyn DatabaseError + 'static)) -> bool {
    error.try_downcast_ref::<PgDatabaseError>().is_some()
}
