//! The databases that sinks lie in. Each is opened once and kept; what is loaded together is one transaction for each of them.

use super::parquet::{PromoteOutcome, StagingDirectory, StoredFile};
use super::sql::{CommitState, Load, Loaded, OriginCount};
use super::sqlite::{SqliteReader, SqliteSink, SqliteTransaction};
use super::{SinkError, sqlite};
use crate::contract::Misfit;
use arrow_array::RecordBatch;
use protocol::{
    ErrorClass, JobAttempt, JobId, SinkUri, SqliteTable, StagedOutput, TableName, TopicName,
    TopicSchema,
};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long somebody who holds a file is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// A staged file on its way into a table.
pub struct PendingLoad {
    pub job: JobAttempt,
    pub output: StagedOutput,
    pub staging: Arc<StagingDirectory>,
    /// In the staging directory.
    pub file: String,
    /// Jobs whose rows go as these come.
    pub supersede: Vec<JobId>,
}

pub struct Databases {
    output_root: PathBuf,
    open: Mutex<HashMap<String, Arc<Mutex<SqliteSink>>>>,
    /// Columns that tables were last found to take: most jobs bring the same again.
    checked: Mutex<HashMap<SinkUri, TopicSchema>>,
}

impl std::fmt::Debug for Databases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Databases").field("output_root", &self.output_root).finish_non_exhaustive()
    }
}

/// What a record in a database says of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    No,
    Yes,
    /// A later attempt was loaded, or this one may not be any more.
    Overtaken,
}

impl Databases {
    pub fn new(output_root: PathBuf) -> Self {
        Self { output_root, open: Mutex::default(), checked: Mutex::default() }
    }

    /// Before rows are granted: what is granted has to be loaded, so a table that cannot take them is found out here. The file is made.
    pub fn check(
        &self,
        uri: &SinkUri,
        topic: &TopicName,
        schema: &TopicSchema,
    ) -> Result<(), SinkError> {
        let Ok((table, name)) = sqlite_table(uri) else { return Ok(()) };
        if lock(&self.checked).get(uri) == Some(schema) {
            return Ok(());
        }
        let open = || SqliteReader::open(&self.output_root, &table.file, PATIENCE);
        let reader = match open()? {
            Some(reader) => Some(reader),
            None => {
                self.sqlite(&table.file)?;
                open()?
            }
        };
        reader.map_or(Ok(()), |reader| reader.check(name, topic, schema))?;
        lock(&self.checked).insert(uri.clone(), schema.clone());
        Ok(())
    }

    /// In the order of the loads.
    pub fn load(&self, loads: &[PendingLoad]) -> Vec<Result<PromoteOutcome, SinkError>> {
        let mut by_file = BTreeMap::<&str, Vec<usize>>::new();
        let mut results = Vec::with_capacity(loads.len());
        for (at, load) in loads.iter().enumerate() {
            if let Ok((table, _)) = sqlite_table(&load.output.uri) {
                by_file.entry(&table.file).or_default().push(at);
            }
            results.push(Err(SinkError::Unsupported { uri: load.output.uri.clone() }));
        }
        for (file, ats) in by_file {
            let of_file: Vec<&PendingLoad> = ats.iter().map(|at| &loads[*at]).collect();
            for (at, result) in ats.iter().zip(self.load_file(file, &of_file)) {
                results[*at] = result;
            }
        }
        results
    }

    /// All in one transaction; where that fails, one after the other, so that one that cannot be loaded holds up no other.
    fn load_file(
        &self,
        file: &str,
        loads: &[&PendingLoad],
    ) -> Vec<Result<PromoteOutcome, SinkError>> {
        let alone = |load: &PendingLoad| Ok(self.load_together(file, &[load])?.remove(0));
        match self.load_together(file, loads) {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
            Err(error) if loads.len() == 1 => vec![Err(error)],
            // Whoever holds the file, or fills the disk, is waited for once, not once for each of them.
            Err(error) if error.class() == ErrorClass::Storage => {
                let (text, class) = (error.to_string(), error.class());
                let alike = || Err(SinkError::Alike { text: text.clone(), class });
                loads.iter().map(|_| alike()).collect()
            }
            Err(_) => loads.iter().map(|load| alone(load)).collect(),
        }
    }

    fn load_together(
        &self,
        file: &str,
        loads: &[&PendingLoad],
    ) -> Result<Vec<PromoteOutcome>, SinkError> {
        let sink = self.sqlite(file)?;
        let mut sink = lock(&sink);
        let mut transaction = sink.begin()?;
        let mut outcomes = Vec::with_capacity(loads.len());
        for load in loads {
            outcomes.push(load_one(&mut transaction, load)?);
        }
        transaction.commit()?;
        for (load, outcome) in loads.iter().zip(&outcomes) {
            if *outcome == PromoteOutcome::Done {
                load.staging.own.remove(&load.file)?;
            }
        }
        Ok(outcomes)
    }

    /// Whether the attempt's rows are, or were, in the table.
    pub fn committed(
        &self,
        output: &StagedOutput,
        job: JobAttempt,
    ) -> Result<Committed, SinkError> {
        let (table, name) = sqlite_table(&output.uri)?;
        let reader = SqliteReader::open(&self.output_root, &table.file, PATIENCE)?;
        let Some(reader) = reader else { return Ok(Committed::No) };
        let record = reader.committed(name, &[job.id])?.into_iter().next();
        Ok(match record {
            Some(record) if record.job.attempt > job.attempt => Committed::Overtaken,
            Some(record) if record.job.attempt < job.attempt => Committed::No,
            Some(record) if record.state == CommitState::Void => Committed::Overtaken,
            Some(_) => Committed::Yes,
            None => Committed::No,
        })
    }

    /// However late somebody comes with this attempt, it is not loaded any more.
    pub fn void(&self, output: &StagedOutput, job: JobAttempt) -> Result<(), SinkError> {
        let (table, name) = sqlite_table(&output.uri)?;
        let sink = self.sqlite(&table.file)?;
        lock(&sink).void(name, &output.topic, job)
    }

    /// Removes what these attempts have in the table.
    pub fn retire(&self, uri: &SinkUri, jobs: &[JobAttempt]) -> Result<(), SinkError> {
        let (table, name) = sqlite_table(uri)?;
        if SqliteReader::open(&self.output_root, &table.file, PATIENCE)?.is_none() {
            return Ok(());
        }
        let sink = self.sqlite(&table.file)?;
        lock(&sink).retire(name, jobs).map(|_| ())
    }

    fn sqlite(&self, file: &str) -> Result<Arc<Mutex<SqliteSink>>, SinkError> {
        let mut open = lock(&self.open);
        if let Some(known) = open.get(file) {
            return Ok(known.clone());
        }
        let sink = Arc::new(Mutex::new(SqliteSink::open(&self.output_root, file, PATIENCE)?));
        open.insert(file.to_owned(), sink.clone());
        Ok(sink)
    }
}

fn load_one(
    transaction: &mut SqliteTransaction<'_>,
    load: &PendingLoad,
) -> Result<PromoteOutcome, SinkError> {
    let (_, table) = sqlite_table(&load.output.uri)?;
    let Some(file) = load.staging.own.file(load.file.as_bytes())? else {
        return Ok(PromoteOutcome::Taken);
    };
    let stored = StoredFile { file, path: load.staging.own.path.join(&load.file) };
    let builder = stored.reader()?;
    let schema = builder.schema().clone();
    let reader = builder.build().map_err(|cause| stored.broken(cause))?;
    let mut batches = reader.map(|batch| batch.map_err(|cause| stored.broken(cause.into())));
    let loaded = transaction.load(Load {
        topic: &load.output.topic,
        table,
        job: load.job,
        schema,
        rows: load.output.rows,
        supersede: &load.supersede,
        batches: &mut batches,
    })?;
    Ok(match loaded {
        Loaded::Done | Loaded::Already => PromoteOutcome::Done,
        Loaded::Overtaken => PromoteOutcome::Taken,
    })
}

/// Rows by origin, for those who only look. None: there is no such table yet.
pub fn counts(
    output_root: &Path,
    uri: &SinkUri,
    each: impl FnMut(OriginCount),
) -> Result<(), SinkError> {
    let (table, name) = sqlite_table(uri)?;
    match SqliteReader::open(output_root, &table.file, PATIENCE)? {
        Some(reader) => reader.counts(name, each),
        None => Ok(()),
    }
}

/// Takes rows of a job out of a table that has no record of it. False: there are none.
pub fn remove_rows(output_root: &Path, uri: &SinkUri, job: JobId) -> Result<bool, SinkError> {
    let (table, name) = sqlite_table(uri)?;
    let mut sink = SqliteSink::open(output_root, &table.file, PATIENCE)?;
    Ok(sink.remove_orphans(name, &[job])? > 0)
}

/// Rows that the sink has no room for.
pub fn misfits(uri: &SinkUri, rows: &RecordBatch) -> Vec<Misfit> {
    match uri {
        SinkUri::Sqlite(_) => sqlite::misfits(rows),
        _ => Vec::new(),
    }
}

fn sqlite_table(uri: &SinkUri) -> Result<(&SqliteTable, &TableName), SinkError> {
    let unsupported = || SinkError::Unsupported { uri: uri.clone() };
    let SinkUri::Sqlite(table) = uri else { return Err(unsupported()) };
    Ok((table, table.table.as_ref().ok_or_else(unsupported)?))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
