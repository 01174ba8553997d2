//! Tables of databases, as sink URIs name them.

use crate::secret::without_secrets;
use crate::sink::{SinkUriError, is_directory_name};
use crate::{NameError, TableName};
use std::fmt;

/// Endings that tell the file from the table.
const SQLITE_ENDINGS: [&str; 4] = [".db", ".db3", ".sqlite", ".sqlite3"];
/// Parameters of a PostgreSQL address that are no secrets.
const PARAMETERS: [&str; 3] = ["sslmode", "sslrootcert", "host"];

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SqliteTable {
    /// Absolute, or relative to the output root; with `/` between its parts.
    pub file: String,
    /// None: it has the topic's name.
    pub table: Option<TableName>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PostgresqlTable {
    /// `[user@][host][:port]`.
    pub server: String,
    pub database: String,
    /// None: the first one of the server's search path that exists.
    pub schema: Option<TableName>,
    /// None: it has the topic's name.
    pub table: Option<TableName>,
    /// What follows `?`; empty where there is nothing.
    pub parameters: String,
}

impl PostgresqlTable {
    /// Of a sink that several topics may share: what follows the database is a schema, unless a table follows that.
    pub(crate) fn shared(&self) -> Self {
        match (&self.schema, &self.table) {
            (None, Some(schema)) => {
                Self { schema: Some(schema.clone()), table: None, ..self.clone() }
            }
            _ => self.clone(),
        }
    }

    /// What a client connects to.
    pub fn address(&self) -> String {
        let address = format!("postgresql://{}/{}", self.server, self.database);
        if self.parameters.is_empty() { address } else { format!("{address}?{}", self.parameters) }
    }
}

pub(crate) fn parse_sqlite(uri: &str, rest: &str) -> Result<SqliteTable, SinkUriError> {
    let is_absolute = rest.starts_with('/');
    let parts: Vec<&str> = rest.strip_prefix('/').unwrap_or(rest).split('/').collect();
    if parts.iter().any(|part| matches!(*part, ".." | ".")) {
        return Err(SinkUriError::Escapes { uri: uri.to_owned() });
    }
    let has_ending = |part: &&str| SQLITE_ENDINGS.iter().any(|ending| part.ends_with(ending));
    let file_len = match parts.iter().position(has_ending) {
        Some(at) => at + 1,
        // Without such an ending the last part is the table.
        None => parts.len() - 1,
    };
    let (file, table) = parts.split_at(file_len);
    if file.is_empty() || table.len() > 1 || parts.iter().any(|part| part.is_empty()) {
        return Err(SinkUriError::BadSqlite { uri: uri.to_owned() });
    }
    let bad = file.iter().find(|part| !is_absolute && !is_directory_name(part));
    if let Some(part) = bad {
        return Err(SinkUriError::BadPart { uri: uri.to_owned(), part: (*part).to_owned() });
    }
    let table = table.first().map(|table| parse_table(uri, table)).transpose()?;
    let start = if is_absolute { "/" } else { "" };
    Ok(SqliteTable { file: format!("{start}{}", file.join("/")), table })
}

pub(crate) fn parse_postgresql(uri: &str, rest: &str) -> Result<PostgresqlTable, SinkUriError> {
    let bad = || SinkUriError::BadPostgresql { uri: without_secrets(uri) };
    let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let key = |parameter: &str| parameter.split_once('=').map(|(key, _)| key.to_owned());
    let is_known = |parameter: &str| key(parameter).is_some_and(|key| PARAMETERS.contains(&&*key));
    if !parameters.is_empty() && !parameters.split('&').all(is_known) {
        return Err(SinkUriError::Credentials { uri: without_secrets(uri) });
    }
    let mut parts = rest.split('/');
    let server = parts.next().unwrap_or_default();
    if server.rsplit_once('@').is_some_and(|(user, _)| user.contains([':', '@'])) {
        return Err(SinkUriError::Credentials { uri: without_secrets(uri) });
    }
    let database = parts.next().filter(|name| is_database_name(name)).ok_or_else(bad)?;
    let tables = parts.map(|part| parse_table(uri, part)).collect::<Result<Vec<_>, _>>()?;
    let (schema, table) = match tables.as_slice() {
        [] => (None, None),
        [table] => (None, Some(table.clone())),
        [schema, table] => (Some(schema.clone()), Some(table.clone())),
        _ => return Err(bad()),
    };
    let (server, database) = (server.to_owned(), database.to_owned());
    Ok(PostgresqlTable { server, database, schema, table, parameters: parameters.to_owned() })
}

fn is_database_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|it: char| it.is_control() || it.is_whitespace())
}

fn parse_table(uri: &str, name: &str) -> Result<TableName, SinkUriError> {
    let bad = |cause: NameError| SinkUriError::BadTable { uri: without_secrets(uri), cause };
    name.parse().map_err(bad)
}

impl fmt::Display for SqliteTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sqlite://{}", self.file)?;
        self.table.as_ref().map_or(Ok(()), |table| write!(f, "/{table}"))
    }
}

impl fmt::Display for PostgresqlTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgresql://{}/{}", self.server, self.database)?;
        for part in self.schema.iter().chain(&self.table) {
            write!(f, "/{part}")?;
        }
        if self.parameters.is_empty() { Ok(()) } else { write!(f, "?{}", self.parameters) }
    }
}

#[cfg(test)]
mod tests {
    use crate::SinkUri;

    fn refused(uri: &str) -> String {
        uri.parse::<SinkUri>().unwrap_err().to_string()
    }

    #[test]
    fn a_table_survives_its_text_form_and_is_the_topics_where_none_is_named() {
        let topic = "sales".parse().unwrap();
        let cases = [
            ("sqlite://facts.db", "sqlite://facts.db/sales"),
            ("sqlite://out/facts.sqlite/t", "sqlite://out/facts.sqlite/t"),
            ("sqlite://out/facts/t", "sqlite://out/facts/t"),
            ("sqlite:///srv/facts.db", "sqlite:///srv/facts.db/sales"),
            ("postgresql://me@h:5432/db", "postgresql://me@h:5432/db/sales"),
            ("postgresql://h/db/s/t?sslmode=require", "postgresql://h/db/s/t?sslmode=require"),
            ("postgresql:///db/t?host=/run", "postgresql:///db/t?host=/run"),
        ];
        for (uri, with_table) in cases {
            let parsed: SinkUri = uri.parse().unwrap();
            assert_eq!(parsed.to_string(), uri);
            assert_eq!(parsed.with_table_for(&topic).to_string(), with_table);
        }
    }

    #[test]
    fn a_shared_sink_in_a_server_may_name_a_schema_for_the_tables_of_its_topics() {
        let topic = "sales".parse().unwrap();
        for (uri, place) in [
            ("postgresql://h/db", "postgresql://h/db/sales"),
            ("postgresql://h/db/staging", "postgresql://h/db/staging/sales"),
            (
                "postgresql://h/db/staging/orders?host=/run",
                "postgresql://h/db/staging/orders?host=/run",
            ),
        ] {
            assert_eq!(uri.parse::<SinkUri>().unwrap().place_of(&topic).to_string(), place);
        }
    }

    #[test]
    fn only_files_below_the_output_root_are_for_plugin_source() {
        let may = |uri: &str| uri.parse::<SinkUri>().unwrap().may_stand_in_source();
        assert!(may("sqlite://facts.db") && may("parquet://t") && may("@warehouse"));
        assert!(!may("sqlite:///srv/facts.db") && !may("postgresql://h/db"));
    }

    #[test]
    fn what_is_no_table_is_told_with_the_form_and_without_secrets() {
        assert!(refused("sqlite://../x.db/t").contains("leaves the output root"));
        assert!(refused("sqlite://facts").contains("sqlite://<file>.db/<table>"));
        assert!(refused("sqlite://a.db/t/u").contains("sqlite://<file>.db/<table>"));
        assert!(refused("sqlite://_staging/a.db").contains("is not a directory name"));
        assert!(refused("sqlite://a.db/x y").contains("is not a table name"));
        assert!(refused("postgresql://h").contains("postgresql://[user@]host"));
        for uri in ["postgresql://me:hunter2@h/db/t", "postgresql://h/db/t?password=hunter2"] {
            let error = refused(uri);
            assert!(error.contains("what is secret does not belong"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
