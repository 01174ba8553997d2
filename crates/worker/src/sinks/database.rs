//! The one `match` over databases.

use super::SinkError;
use super::databases::Logins;
use super::postgresql::{self, Login, PostgresqlSink, PostgresqlTransaction};
use super::sql::{CommitRecord, Load, Loaded, OriginCount, rows_above};
use super::sqlite::{self, SqliteReader, SqliteSink, SqliteTransaction};
use crate::contract::Misfit;
use arrow_array::RecordBatch;
use protocol::{
    JobAttempt, JobId, PostgresqlTable, SinkUri, SqliteTable, TableName, TopicName, TopicSchema,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long somebody who holds an SQLite file is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// A table, as a URI names it.
pub struct Place<'a> {
    within: Within<'a>,
    pub table: &'a TableName,
}

enum Within<'a> {
    Sqlite(&'a SqliteTable),
    Postgresql(&'a PostgresqlTable),
}

impl<'a> Place<'a> {
    pub fn of(uri: &'a SinkUri) -> Result<Self, SinkError> {
        let (within, table) = match uri {
            SinkUri::Sqlite(place) => (Within::Sqlite(place), &place.table),
            SinkUri::Postgresql(place) => (Within::Postgresql(place), &place.table),
            _ => return Err(SinkError::Unsupported { uri: uri.clone() }),
        };
        match table {
            Some(table) => Ok(Self { within, table }),
            None => Err(SinkError::Unsupported { uri: uri.clone() }),
        }
    }

    /// The same for all tables that one connection reaches.
    pub fn key(&self) -> String {
        match &self.within {
            Within::Sqlite(place) => place.file.clone(),
            Within::Postgresql(place) => {
                let schema = place.schema.as_ref().map_or("", TableName::as_str);
                format!("{}#{schema}", place.address())
            }
        }
    }

    /// A file that is not there has no rows.
    pub fn is_there(&self, output_root: &Path) -> Result<bool, SinkError> {
        match &self.within {
            Within::Sqlite(place) => {
                Ok(SqliteReader::open(output_root, &place.file, PATIENCE)?.is_some())
            }
            Within::Postgresql(_) => Ok(true),
        }
    }
}

pub enum Database {
    Sqlite { output_root: PathBuf, file: String, sink: Option<SqliteSink> },
    Postgresql(Box<PostgresqlSink>),
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Database")
    }
}

impl Database {
    /// Nothing is made there yet, and nobody connected.
    pub fn open(place: &Place<'_>, output_root: &Path, logins: &Logins) -> Result<Self, SinkError> {
        Ok(match &place.within {
            Within::Sqlite(place) => Self::Sqlite {
                output_root: output_root.to_owned(),
                file: place.file.clone(),
                sink: None,
            },
            Within::Postgresql(place) => {
                let login = logins.get(&place.address());
                let login = login.map_or_else(Login::default, Login::clone);
                Self::Postgresql(Box::new(PostgresqlSink::new(place, &login)?))
            }
        })
    }

    pub fn begin(&mut self) -> Result<Transaction<'_>, SinkError> {
        Ok(match self {
            Self::Sqlite { .. } => Transaction::Sqlite(Box::new(self.sqlite()?.begin()?)),
            Self::Postgresql(sink) => Transaction::Postgresql(Box::new(sink.begin()?)),
        })
    }

    /// Whether the table takes rows of these columns.
    pub fn check(
        &mut self,
        place: &Place<'_>,
        topic: &TopicName,
        schema: &TopicSchema,
    ) -> Result<(), SinkError> {
        match self {
            Self::Sqlite { .. } => self.check_sqlite(place, topic, schema),
            Self::Postgresql(sink) => sink.check(place.table, topic, schema),
        }
    }

    fn check_sqlite(
        &mut self,
        place: &Place<'_>,
        topic: &TopicName,
        schema: &TopicSchema,
    ) -> Result<(), SinkError> {
        let Self::Sqlite { output_root, file, .. } = self else { return Ok(()) };
        let (root, file) = (output_root.clone(), file.clone());
        let open = || SqliteReader::open(&root, &file, PATIENCE);
        let reader = match open()? {
            Some(reader) => Some(reader),
            None => {
                self.sqlite()?;
                open()?
            }
        };
        reader.map_or(Ok(()), |reader| reader.check(place.table, topic, schema))
    }

    pub fn reach(&mut self) -> Result<(), SinkError> {
        match self {
            Self::Sqlite { .. } => Ok(()),
            Self::Postgresql(sink) => sink.reach(),
        }
    }

    pub fn committed(
        &mut self,
        place: &Place<'_>,
        job: JobId,
    ) -> Result<Option<CommitRecord>, SinkError> {
        let found = match self {
            Self::Sqlite { output_root, file, .. } => {
                match SqliteReader::open(output_root, file, PATIENCE)? {
                    Some(reader) => reader.committed(place.table, &[job])?,
                    None => Vec::new(),
                }
            }
            Self::Postgresql(sink) => sink.committed(place.table, &[job])?,
        };
        Ok(found.into_iter().next())
    }

    pub fn void(
        &mut self,
        place: &Place<'_>,
        topic: &TopicName,
        job: JobAttempt,
    ) -> Result<(), SinkError> {
        match self {
            Self::Sqlite { .. } => self.sqlite()?.void(place.table, topic, job),
            Self::Postgresql(sink) => sink.void(place.table, topic, job),
        }
    }

    pub fn retire(&mut self, place: &Place<'_>, jobs: &[JobAttempt]) -> Result<u64, SinkError> {
        match self {
            Self::Sqlite { .. } => self.sqlite()?.retire(place.table, jobs),
            Self::Postgresql(sink) => sink.retire(place.table, jobs),
        }
    }

    pub fn remove_orphans(&mut self, place: &Place<'_>, job: JobId) -> Result<u64, SinkError> {
        match self {
            Self::Sqlite { .. } => self.sqlite()?.remove_orphans(place.table, &[job]),
            Self::Postgresql(sink) => sink.remove_orphans(place.table, &[job]),
        }
    }

    pub fn counts(
        &mut self,
        place: &Place<'_>,
        each: impl FnMut(OriginCount),
    ) -> Result<(), SinkError> {
        match self {
            Self::Sqlite { output_root, file, .. } => {
                match SqliteReader::open(output_root, file, PATIENCE)? {
                    Some(reader) => reader.counts(place.table, each),
                    None => Ok(()),
                }
            }
            Self::Postgresql(sink) => sink.counts(place.table, each),
        }
    }

    fn sqlite(&mut self) -> Result<&mut SqliteSink, SinkError> {
        match self {
            Self::Sqlite { output_root, file, sink } => match sink {
                Some(sink) => Ok(sink),
                None => Ok(sink.insert(SqliteSink::open(output_root, file, PATIENCE)?)),
            },
            Self::Postgresql(_) => unreachable!("asked of an SQLite file only"),
        }
    }
}

pub enum Transaction<'a> {
    Sqlite(Box<SqliteTransaction<'a>>),
    Postgresql(Box<PostgresqlTransaction<'a>>),
}

impl Transaction<'_> {
    pub fn load(&mut self, load: Load<'_>) -> Result<Loaded, SinkError> {
        match self {
            Self::Sqlite(transaction) => transaction.load(load),
            Self::Postgresql(transaction) => transaction.load(load),
        }
    }

    pub fn commit(self) -> Result<(), SinkError> {
        match self {
            Self::Sqlite(transaction) => transaction.commit(),
            Self::Postgresql(transaction) => transaction.commit(),
        }
    }
}

/// Rows that the sink has no room for.
pub fn misfits(uri: &SinkUri, rows: &RecordBatch) -> Vec<Misfit> {
    match uri {
        SinkUri::Sqlite(_) => rows_above(rows, sqlite::ROW_BYTES_MAX, "SQLite"),
        SinkUri::Postgresql(_) => postgresql::misfits(rows),
        SinkUri::Parquet { .. } | SinkUri::Named { .. } => Vec::new(),
    }
}
