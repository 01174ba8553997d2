//! What several jobs bring to a file and take from it, at once or not at all.

use super::error::{Doing, SqliteError};
use super::load::load;
use super::record::{self, Located, NewRecord, RECORDS};
use super::remove::{remove, remove_astray};
use super::table::{self, MEMORY};
use super::writing::{Changes, KEEP, Writing};
use crate::sinks::SinkError;
use crate::sinks::sql::{CommitRecord, CommitState, Load, Loaded, Table};
use protocol::{JobAttempt, JobId, TableName, TopicName};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

/// Dropped, or after an error, it leaves nothing.
pub struct SqliteTransaction<'a> {
    transaction: Transaction<'a>,
    doing: Doing<'a>,
    changes: Changes,
    /// Those that were opened, by their name in small letters.
    tables: HashMap<String, Table>,
}

impl<'a> SqliteTransaction<'a> {
    pub(super) fn begin(
        connection: &'a mut Connection,
        doing: Doing<'a>,
    ) -> Result<Self, SqliteError> {
        let transaction = begin(connection).map_err(|cause| doing.failed(cause))?;
        Ok(Self { transaction, doing, changes: Changes::default(), tables: HashMap::new() })
    }

    pub fn load(&mut self, job: Load<'_>) -> Result<Loaded, SinkError> {
        let (writing, table) = self.open(job.table)?;
        load(writing, table, job)
    }

    /// This attempt, or an earlier one, may not be loaded any more. As with a load, rows of an earlier one go with its record.
    pub fn void(
        &mut self,
        name: &TableName,
        topic: &TopicName,
        job: JobAttempt,
    ) -> Result<(), SinkError> {
        let known = self.record(name, job.id)?;
        if known.is_some_and(|it| it.record.job.attempt >= job.attempt) {
            return Ok(());
        }
        if let Some(known) = known.filter(|it| it.record.state == CommitState::Current) {
            let (writing, table) = self.open(name)?;
            remove(writing, table, &[known])?;
        }
        let record = CommitRecord { job, rows: 0, state: CommitState::Void };
        let new = NewRecord { table: name, topic, record, rowids: None };
        Ok(record::put(&self.transaction, &new).map_err(|cause| self.doing.failed(cause))?)
    }

    /// Removes the rows of these very attempts; gives how many rows there were.
    pub fn retire(&mut self, name: &TableName, jobs: &[JobAttempt]) -> Result<u64, SinkError> {
        let mut found = Vec::new();
        for job in jobs.iter().collect::<BTreeSet<_>>() {
            let is_current =
                |it: &Located| it.record.job == *job && it.record.state == CommitState::Current;
            found.extend(self.record(name, job.id)?.filter(is_current));
        }
        if found.is_empty() {
            return Ok(0);
        }
        let (writing, table) = self.open(name)?;
        let removed = remove(writing, table, &found)?;
        for it in &found {
            let superseded = record::supersede(writing.connection, name, it.record.job.id, None);
            superseded.map_err(|cause| writing.failed(cause))?;
        }
        Ok(removed)
    }

    /// Removes rows of jobs that no record speaks of any more, wherever they lie; gives how many rows there were.
    pub fn remove_orphans(&mut self, name: &TableName, jobs: &[JobId]) -> Result<u64, SinkError> {
        let mut orphans = Vec::with_capacity(jobs.len());
        for job in jobs {
            let known = self.record(name, *job)?.map(|located| located.record.state);
            if known != Some(CommitState::Current) {
                orphans.push(*job);
            }
        }
        let (writing, table) = self.open(name)?;
        Ok(remove_astray(writing, table, &orphans)?)
    }

    /// Only after this is what was done there, and durable.
    pub fn commit(self) -> Result<(), SinkError> {
        let doing = self.doing;
        Ok(self.transaction.commit().map_err(|cause| doing.failed(cause))?)
    }

    fn record(&self, name: &TableName, job: JobId) -> Result<Option<Located>, SqliteError> {
        record::find(&self.transaction, name, job).map_err(|cause| self.doing.failed(cause))
    }

    fn open(&mut self, name: &TableName) -> Result<(Writing<'_>, &mut Table), SqliteError> {
        let writing =
            Writing { connection: &self.transaction, doing: self.doing, changes: &self.changes };
        let table = match self.tables.entry(name.as_str().to_ascii_lowercase()) {
            Entry::Occupied(table) => table.into_mut(),
            Entry::Vacant(place) => {
                place.insert(table::open(writing.connection, self.doing, name)?)
            }
        };
        Ok((writing, table))
    }
}

fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.execute_batch(KEEP)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(RECORDS)?;
    transaction.execute_batch(MEMORY)?;
    Ok(transaction)
}
