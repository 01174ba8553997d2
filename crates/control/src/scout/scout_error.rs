//! What keeps scout from doing its work at all. What it merely could not read is in the report.

use super::ignores::IgnorePatternError;
use crate::route::RouteError;
use catalog::CatalogError;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum ScoutError {
    #[error(
        "the source {path:?} cannot be read: {cause}; check that it exists, is mounted and may be read (nothing below it counts as deleted)"
    )]
    SourceUnreadable { path: PathBuf, cause: std::io::Error },
    #[error(
        "the source {path:?} is neither a directory nor a regular file; give a directory to scout"
    )]
    SourceSpecial { path: PathBuf },
    #[error(
        "the source {path:?} lies in this project's own state or output directory; give a directory with input files"
    )]
    SourceIsOurs { path: PathBuf },
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Route(#[from] RouteError),
    #[error(transparent)]
    Ignore(#[from] IgnorePatternError),
    #[error("scout could not start a thread: {0}; raise the limit on processes and threads")]
    Thread(std::io::Error),
}

impl ScoutError {
    /// Whether a later pass may succeed: a disk is mounted again, a rule is put right, a database is free.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Catalog(error) => error.is_retryable(),
            Self::SourceSpecial { .. } | Self::SourceIsOurs { .. } => false,
            Self::SourceUnreadable { .. } | Self::Route(_) | Self::Ignore(_) | Self::Thread(_) => {
                true
            }
        }
    }
}
