//! What can go wrong with the catalog. Whether trying again may help is in the type.

use std::path::PathBuf;

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
        matches!(self, Self::Busy(_) | Self::Database(_) | Self::RulesMoved)
    }

    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }
}

impl From<sqlx::Error> for CatalogError {
    fn from(error: sqlx::Error) -> Self {
        // SQLITE_BUSY is 5 and SQLITE_LOCKED 6, with extended codes above the low byte.
        let code = error.as_database_error().and_then(|error| error.code()?.parse::<i64>().ok());
        match code.map(|code| code & 0xff) {
            Some(5 | 6) => Self::Busy(error),
            _ => Self::Database(error),
        }
    }
}
