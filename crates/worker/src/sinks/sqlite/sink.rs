//! One SQLite file as a writer has it.

use super::file::{Inode, Place};
use super::transaction::SqliteTransaction;
use crate::sinks::SinkError;
use crate::sinks::sql::{Load, Loaded};
use protocol::{JobAttempt, JobId, TableName, TopicName};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub struct SqliteSink {
    output_root: PathBuf,
    file: String,
    place: Place,
    connection: Connection,
    /// Of the file that is open.
    inode: Option<Inode>,
    patience: Duration,
}

impl SqliteSink {
    /// `file` is absolute or relative to the output root. `patience` is how long others who hold the file are waited for.
    pub fn open(output_root: &Path, file: &str, patience: Duration) -> Result<Self, SinkError> {
        let place = Place::make(output_root, file)?;
        let connection = place.open_to_write(patience)?;
        let (output_root, file, inode) = (output_root.to_owned(), file.to_owned(), place.inode());
        Ok(Self { output_root, file, place, connection, inode, patience })
    }

    /// Two writers of a file take turns. A file that somebody removed or replaced meanwhile is opened anew: what went into the old one
    /// would be lost.
    pub fn begin(&mut self) -> Result<SqliteTransaction<'_>, SinkError> {
        if self.inode.is_none() || self.place.inode() != self.inode {
            *self = Self::open(&self.output_root, &self.file, self.patience)?;
        }
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
