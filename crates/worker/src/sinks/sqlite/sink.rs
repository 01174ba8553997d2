//! One SQLite file as a writer has it, and a transaction in it.

use super::error::{Doing, SqliteError};
use super::file::Place;
use super::record::{self, NewRecord, RECORDS};
use super::remove::{remove, remove_astray};
use super::table::{MEMORY, Table};
use crate::sinks::SinkError;
use crate::sinks::sql::{CommitRecord, CommitState, Load, Loaded};
use protocol::{JobAttempt, JobId, TableName, TopicName};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::collections::HashMap;
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

    /// Two writers of a file take turns; readers may go on until what is written no longer fits into memory, or is committed.
    pub fn begin(&mut self) -> Result<SqliteTransaction<'_>, SinkError> {
        let doing = self.place.doing("write", self.patience);
        let transaction = begin(&mut self.connection).map_err(|cause| doing.failed(cause))?;
        Ok(SqliteTransaction { transaction, doing, tables: HashMap::new() })
    }

    pub fn load(&mut self, load: Load<'_>) -> Result<Loaded, SinkError> {
        let mut transaction = self.begin()?;
        let loaded = transaction.load(load)?;
        transaction.commit()?;
        Ok(loaded)
    }

    /// This attempt, or an earlier one, may not be loaded any more.
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

    /// Removes the rows of these very attempts; gives how many rows there were.
    pub fn retire(&mut self, table: &TableName, jobs: &[JobAttempt]) -> Result<u64, SinkError> {
        let mut transaction = self.begin()?;
        let removed = transaction.retire(table, jobs)?;
        transaction.commit()?;
        Ok(removed)
    }

    /// Removes rows that no record speaks of any more, wherever they lie; gives how many there were.
    pub fn remove_orphans(&mut self, table: &TableName, jobs: &[JobId]) -> Result<u64, SinkError> {
        let mut transaction = self.begin()?;
        let removed = transaction.remove_orphans(table, jobs)?;
        transaction.commit()?;
        Ok(removed)
    }
}

fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(RECORDS)?;
    transaction.execute_batch(MEMORY)?;
    Ok(transaction)
}

/// Nothing of it is there before it is committed.
pub struct SqliteTransaction<'a> {
    transaction: Transaction<'a>,
    doing: Doing<'a>,
    /// Those that were opened, by their name in small letters.
    tables: HashMap<String, Table>,
}

impl SqliteTransaction<'_> {
    /// After an error the transaction is of no more use.
    pub fn load(&mut self, load: Load<'_>) -> Result<Loaded, SinkError> {
        let table = open(&mut self.tables, &self.transaction, self.doing, load.table)?;
        super::load::load(&self.transaction, self.doing, table, load)
    }

    fn void(
        &mut self,
        table: &TableName,
        topic: &TopicName,
        job: JobAttempt,
    ) -> Result<(), SqliteError> {
        let doing = self.doing;
        let sql = |cause| doing.failed(cause);
        let known = record::find(&self.transaction, table, job.id).map_err(sql)?;
        if known.is_some_and(|it| it.record.job.attempt >= job.attempt) {
            return Ok(());
        }
        // As with a load, rows of an earlier attempt go with its record.
        if let Some(known) = known.filter(|it| it.record.state == CommitState::Current) {
            let table = open(&mut self.tables, &self.transaction, doing, table)?;
            remove(&self.transaction, table, &[known]).map_err(sql)?;
        }
        let record = CommitRecord { job, rows: 0, state: CommitState::Void };
        let new = NewRecord { table, topic, record, rowids: None };
        record::put(&self.transaction, &new).map_err(sql)
    }

    fn retire(&mut self, table: &TableName, jobs: &[JobAttempt]) -> Result<u64, SqliteError> {
        let doing = self.doing;
        let mut found = Vec::new();
        for job in jobs {
            let known = record::find(&self.transaction, table, job.id);
            let known = known.map_err(|cause| doing.failed(cause))?;
            let is_current = |it: &record::Located| {
                it.record.job == *job && it.record.state == CommitState::Current
            };
            found.extend(known.filter(is_current));
        }
        if found.is_empty() {
            return Ok(0);
        }
        let table = open(&mut self.tables, &self.transaction, doing, table)?;
        let retire = || {
            let removed = remove(&self.transaction, table, &found)?;
            for it in &found {
                record::supersede(&self.transaction, &table.name, it.record.job.id, None)?;
            }
            Ok(removed)
        };
        retire().map_err(|cause| doing.failed(cause))
    }

    fn remove_orphans(&mut self, table: &TableName, jobs: &[JobId]) -> Result<u64, SqliteError> {
        let doing = self.doing;
        let table = open(&mut self.tables, &self.transaction, doing, table)?;
        remove_astray(&self.transaction, table, jobs).map_err(|cause| doing.failed(cause))
    }

    /// Only after this is what was done there, and durable.
    pub fn commit(self) -> Result<(), SinkError> {
        let doing = self.doing;
        Ok(self.transaction.commit().map_err(|cause| doing.failed(cause))?)
    }
}

fn open<'a>(
    tables: &'a mut HashMap<String, Table>,
    connection: &Connection,
    doing: Doing<'_>,
    name: &TableName,
) -> Result<&'a mut Table, SqliteError> {
    let key = name.as_str().to_ascii_lowercase();
    match tables.entry(key) {
        std::collections::hash_map::Entry::Occupied(table) => Ok(table.into_mut()),
        std::collections::hash_map::Entry::Vacant(place) => {
            Ok(place.insert(Table::open(connection, doing, name)?))
        }
    }
}
