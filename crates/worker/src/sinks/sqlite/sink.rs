//! One SQLite file as a writer has it.

use super::file::Place;
use super::transaction::SqliteTransaction;
use crate::sinks::SinkError;
use crate::sinks::sql::{Load, Loaded};
use protocol::{JobAttempt, JobId, TableName, TopicName};
use rusqlite::Connection;
use std::path::Path;
use std::time::Duration;

pub struct SqliteSink {
    place: Place,
    connection: Connection,
    patience: Duration,
}

impl SqliteSink {
    /// `file` is absolute or relative to the output root. `patience` is how long others who hold the file are waited for.
    pub fn open(output_root: &Path, file: &str, patience: Duration) -> Result<Self, SinkError> {
        let place = Place::make(output_root, file)?;
        let connection = place.open_to_write(patience)?;
        Ok(Self { place, connection, patience })
    }

    /// Two writers of a file take turns.
    pub fn begin(&mut self) -> Result<SqliteTransaction<'_>, SinkError> {
        let doing = self.place.doing("write", self.patience);
        Ok(SqliteTransaction::begin(&mut self.connection, doing)?)
    }

    pub fn load(&mut self, load: Load<'_>) -> Result<Loaded, SinkError> {
        let mut transaction = self.begin()?;
        let loaded = transaction.load(load)?;
        transaction.commit()?;
        Ok(loaded)
    }

    pub fn void(
        &mut self,
        table: &TableName,
        topic: &TopicName,
        job: JobAttempt,
    ) -> Result<(), SinkError> {
        let mut transaction = self.begin()?;
        transaction.void(table, topic, job)?;
        transaction.commit()
    }

    pub fn retire(&mut self, table: &TableName, jobs: &[JobAttempt]) -> Result<u64, SinkError> {
        let mut transaction = self.begin()?;
        let removed = transaction.retire(table, jobs)?;
        transaction.commit()?;
        Ok(removed)
    }

    pub fn remove_orphans(&mut self, table: &TableName, jobs: &[JobId]) -> Result<u64, SinkError> {
        let mut transaction = self.begin()?;
        let removed = transaction.remove_orphans(table, jobs)?;
        transaction.commit()?;
        Ok(removed)
    }
}
