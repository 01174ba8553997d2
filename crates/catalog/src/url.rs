//! Where a catalog is. A password in it is never shown.

use crate::error::CatalogError;
use protocol::without_secrets;
use sqlx::postgres::PgConnectOptions;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

/// A file (a path, or `sqlite:///path`), or a database on a server (`postgresql://user@host/database`).
#[derive(Clone, PartialEq, Eq)]
pub struct CatalogUrl(Arc<Parsed>);

#[derive(PartialEq, Eq)]
struct Parsed {
    text: String,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    File(PathBuf),
    Server(Server),
}

/// A database of a PostgreSQL server.
#[derive(Clone)]
pub(crate) struct Server {
    options: PgConnectOptions,
    shown: String,
}

impl CatalogUrl {
    pub(crate) fn place(&self) -> &Place {
        &self.0.place
    }

    /// None: it is on a server.
    pub fn file(&self) -> Option<&Path> {
        match self.place() {
            Place::File(path) => Some(path),
            Place::Server(_) => None,
        }
    }

    /// With all that is secret in it, to open it.
    pub fn secret_text(&self) -> &str {
        &self.0.text
    }
}

impl From<PathBuf> for CatalogUrl {
    fn from(path: PathBuf) -> Self {
        let text = path.to_string_lossy().into_owned();
        Self(Arc::new(Parsed { text, place: Place::File(path) }))
    }
}

impl FromStr for CatalogUrl {
    type Err = CatalogError;

    fn from_str(text: &str) -> Result<Self, CatalogError> {
        let place = if text.starts_with("postgresql://") || text.starts_with("postgres://") {
            Place::Server(Server::parse(text)?)
        } else {
            let path = text.strip_prefix("sqlite://").unwrap_or(text);
            if path.is_empty() || path.contains("://") {
                return Err(CatalogError::BadUrl { url: without_secrets(text) });
            }
            Place::File(PathBuf::from(path))
        };
        Ok(Self(Arc::new(Parsed { text: text.to_owned(), place })))
    }
}

impl Server {
    fn parse(text: &str) -> Result<Self, CatalogError> {
        let options: PgConnectOptions =
            text.parse().map_err(|_| CatalogError::BadUrl { url: without_secrets(text) })?;
        let place = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        let (user, database) = (options.get_username(), options.get_database());
        let shown = format!("postgresql://{user}@{place}/{}", database.unwrap_or(user));
        Ok(Self { options, shown })
    }

    pub(crate) fn options(&self) -> &PgConnectOptions {
        &self.options
    }
}

impl fmt::Display for CatalogUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place() {
            Place::File(path) => path.display().fmt(f),
            Place::Server(server) => f.write_str(&server.shown),
        }
    }
}

impl fmt::Debug for CatalogUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CatalogUrl({self})")
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl PartialEq for Server {
    fn eq(&self, other: &Self) -> bool {
        self.shown == other.shown
    }
}

impl Eq for Server {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_shown_nowhere() {
        for text in [
            "postgresql://me:hunter2@db.example:5433/flow?sslmode=disable",
            "postgres://db.example:5433/flow?user=me&password=hunter2",
        ] {
            let url: CatalogUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), "postgresql://me@db.example:5433/flow");
            assert!(!format!("{url:?} {:?}", url.place()).contains("hunter2"));
            assert_eq!(url.file(), None);
        }
        for text in ["mysql://me:hunter2@db/flow", "postgresql://me:hunter2@db:port/flow?x=hunter2"]
        {
            let error = text.parse::<CatalogUrl>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
            assert!(error.to_string().contains("is not a catalog"), "{error}");
        }
    }

    #[test]
    fn a_file_is_named_by_its_path_or_as_a_url() {
        for text in ["/a/b.db", "sqlite:///a/b.db"] {
            assert_eq!(text.parse::<CatalogUrl>().unwrap().file(), Some(Path::new("/a/b.db")));
        }
        assert!("".parse::<CatalogUrl>().is_err());
    }
}
