//! Sink URIs as they stand in plugin source and in casparian.toml. Source may only point below the output root or name a sink of casparian.toml.

use crate::database::{PostgresqlTable, SqliteTable};
use crate::secret::without_secrets;
use crate::{NameError, TableName, TopicName};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SinkUriError {
    #[error(
        "'{uri}': what is secret does not belong into an address: put it into casparian.toml, [sinks.NAME] credentials, and write @NAME"
    )]
    Credentials { uri: String },
    #[error("'{uri}' has no scheme: write parquet://<directory> or @<sink of casparian.toml>")]
    NoScheme { uri: String },
    #[error(
        "'{uri}': this version has no {scheme}:// sink; it has parquet://, sqlite:// and postgresql://"
    )]
    UnknownScheme { uri: String, scheme: String },
    #[error("'{uri}' leaves the output root: use a relative path without '..'")]
    Escapes { uri: String },
    #[error(
        "'{uri}': '{part}' is not a directory name for output: use letters, digits, '_', '-', '.' and '=', not starting with '_', '-' or '.'"
    )]
    BadPart { uri: String, part: String },
    #[error("'{uri}': a sink's name after '@' has letters, digits, '_' and '-'")]
    BadName { uri: String },
    #[error("'{uri}' is no table of an SQLite file: write sqlite://<file>.db/<table>")]
    BadSqlite { uri: String },
    #[error("'{uri}': {cause}")]
    BadTable { uri: String, cause: NameError },
    #[error(
        "'{uri}' is no table of a PostgreSQL database: write postgresql://[user@]host[:port]/<database>/[<schema>/]<table>[?sslmode=require]"
    )]
    BadPostgresql { uri: String },
}

/// Where a topic goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SinkUri {
    /// A directory of Parquet files, relative to the output root, with `/` between its parts.
    Parquet {
        path: String,
    },
    Sqlite(SqliteTable),
    Postgresql(Box<PostgresqlTable>),
    /// `@warehouse`: the `[sinks.warehouse]` of casparian.toml.
    Named {
        name: String,
    },
}

impl SinkUri {
    /// The sink of a topic that names none.
    pub fn default_for(topic: &TopicName) -> Self {
        Self::Parquet { path: topic.to_string() }
    }

    /// Where rows of a topic go that fit no column of it, when this is the first place of the topic.
    #[must_use]
    pub fn quarantine(&self, topic: &TopicName) -> Self {
        match self {
            Self::Parquet { path } => Self::Parquet { path: format!("{path}/{QUARANTINE}") },
            _ => Self::Parquet { path: format!("{topic}/{QUARANTINE}") },
        }
    }

    pub fn is_quarantine(&self) -> bool {
        matches!(self, Self::Parquet { path } if path.ends_with(QUARANTINE))
    }

    /// Whether plugin source may say it. Places elsewhere are for casparian.toml to name.
    pub fn may_stand_in_source(&self) -> bool {
        match self {
            Self::Parquet { .. } => !self.is_quarantine(),
            Self::Named { .. } => true,
            Self::Sqlite(table) => !table.file.starts_with('/'),
            Self::Postgresql(_) => false,
        }
    }

    /// A database without a table means the one that is called like the topic.
    #[must_use]
    pub fn with_table_for(self, topic: &TopicName) -> Self {
        let named = |table: Option<TableName>| table.or_else(|| topic.as_str().parse().ok());
        match self {
            Self::Sqlite(it) => Self::Sqlite(SqliteTable { table: named(it.table), ..it }),
            Self::Postgresql(mut it) => {
                it.table = named(it.table);
                Self::Postgresql(it)
            }
            other => other,
        }
    }

    /// The place of a topic in a sink that several share.
    #[must_use]
    pub fn place_of(&self, topic: &TopicName) -> Self {
        match self {
            Self::Parquet { path } => Self::Parquet { path: format!("{path}/{topic}") },
            Self::Postgresql(place) => {
                Self::Postgresql(Box::new(place.shared())).with_table_for(topic)
            }
            other => other.clone().with_table_for(topic),
        }
    }
}

impl FromStr for SinkUri {
    type Err = SinkUriError;

    fn from_str(uri: &str) -> Result<Self, SinkUriError> {
        if let Some(rest) = uri.strip_prefix("postgresql://") {
            return crate::database::parse_postgresql(uri, rest)
                .map(|table| SinkUri::Postgresql(Box::new(table)));
        }
        if uri.strip_prefix('@').unwrap_or(uri).contains(['@', '?']) {
            return Err(SinkUriError::Credentials { uri: without_secrets(uri) });
        }
        if let Some(name) = uri.strip_prefix('@') {
            return parse_named(uri, name);
        }
        let Some((scheme, path)) = uri.split_once("://") else {
            return Err(SinkUriError::NoScheme { uri: uri.to_owned() });
        };
        match scheme {
            "parquet" => parse_parquet(uri, path),
            "sqlite" => crate::database::parse_sqlite(uri, path).map(SinkUri::Sqlite),
            _ => {
                Err(SinkUriError::UnknownScheme { uri: uri.to_owned(), scheme: scheme.to_owned() })
            }
        }
    }
}

fn parse_named(uri: &str, name: &str) -> Result<SinkUri, SinkUriError> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if name.is_empty() || !name.bytes().all(legal) {
        return Err(SinkUriError::BadName { uri: uri.to_owned() });
    }
    Ok(SinkUri::Named { name: name.to_owned() })
}

fn parse_parquet(uri: &str, path: &str) -> Result<SinkUri, SinkUriError> {
    if path.is_empty() || path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Err(SinkUriError::Escapes { uri: uri.to_owned() });
    }
    let path = path.trim_end_matches('/');
    let directory = path.strip_suffix(QUARANTINE).and_then(|path| path.strip_suffix('/'));
    let mut parts = directory.unwrap_or(path).split('/');
    if let Some(part) = parts.find(|part| !is_directory_name(part)) {
        return Err(SinkUriError::BadPart { uri: uri.to_owned(), part: part.to_owned() });
    }
    Ok(SinkUri::Parquet { path: path.to_owned() })
}

/// Below a topic's directory.
const QUARANTINE: &str = "_quarantine";

/// A leading `_` is ours (`_staging`, `_history`), a leading `.` may be the project's state.
pub(crate) fn is_directory_name(part: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.=".contains(&byte);
    let first = part.bytes().next();
    part.len() <= 200
        && part.bytes().all(legal)
        && first.is_some_and(|byte| !matches!(byte, b'_' | b'-' | b'.'))
}

impl fmt::Display for SinkUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parquet { path } => write!(f, "parquet://{path}"),
            Self::Sqlite(table) => table.fmt(f),
            Self::Postgresql(table) => table.fmt(f),
            Self::Named { name } => write!(f, "@{name}"),
        }
    }
}

impl Serialize for SinkUri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SinkUri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(uri: &str) -> String {
        uri.parse::<SinkUri>().unwrap_err().to_string()
    }

    #[test]
    fn f24_a_uri_cannot_leave_the_output_root() {
        for uri in ["parquet://../x", "parquet:///etc", "parquet://a/../../x", "parquet://"] {
            assert!(refused(uri).contains("leaves the output root"), "{uri}");
        }
        for uri in
            ["parquet://_staging/x", "parquet://.casparian", "parquet://a//b", "parquet://a b"]
        {
            assert!(refused(uri).contains("is not a directory name for output"), "{uri}");
        }
    }

    #[test]
    fn what_is_secret_is_refused_and_not_said() {
        let uris = [
            "parquet://me:hunter2@host/x",
            "postgresql://me:hunter2@host/x",
            "s3://b/x?key=hunter2",
            "@me:hunter2@x",
        ];
        for uri in uris {
            let error = refused(uri);
            assert!(error.contains("what is secret does not belong into an address"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_uri_survives_its_text_form() {
        for uri in
            ["parquet://sales", "parquet://a/b/year=2024", "@warehouse", "parquet://a/_quarantine"]
        {
            assert_eq!(uri.parse::<SinkUri>().unwrap().to_string(), uri);
        }
        assert_eq!("parquet://a/".parse::<SinkUri>().unwrap().to_string(), "parquet://a");
    }

    #[test]
    fn an_unknown_sink_is_named_with_what_there_is() {
        assert_eq!(
            refused("mysql://x/y"),
            "'mysql://x/y': this version has no mysql:// sink; it has parquet://, sqlite:// and postgresql://"
        );
        assert!(refused("sales").contains("has no scheme"));
        assert!(refused("@a/b").contains("a sink's name after '@'"));
    }
}
