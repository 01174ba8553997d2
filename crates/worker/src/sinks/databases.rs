//! The databases that sinks lie in. Each is opened once and kept; what is loaded together is one transaction for each of them.

use super::SinkError;
use super::database::{Database, Place, Transaction};
use super::parquet::{PromoteOutcome, StagingDirectory, StoredFile};
use super::postgresql::Login;
use super::sql::{CommitState, Load, Loaded, OriginCount};
use protocol::{ErrorClass, JobAttempt, JobId, SinkUri, StagedOutput, TopicName, TopicSchema};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// By the address of a database: how to come in.
pub type Logins = BTreeMap<String, Login>;

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

/// What a record in a database says of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    No,
    Yes,
    /// A later attempt was loaded.
    Overtaken,
    /// It may not be loaded any more: an earlier recovery did not find it all.
    Void,
}

#[derive(Debug)]
pub struct Databases {
    output_root: PathBuf,
    logins: Logins,
    open: Mutex<HashMap<String, Arc<Mutex<Database>>>>,
    /// Columns that tables were last found to take: most jobs bring the same again.
    checked: Mutex<HashMap<SinkUri, TopicSchema>>,
}

impl Databases {
    pub fn new(output_root: PathBuf, logins: Logins) -> Self {
        Self { output_root, logins, open: Mutex::default(), checked: Mutex::default() }
    }

    /// Before rows are granted: what is granted has to be loaded, so a table that cannot take them is found out here. A file is made.
    pub fn check(
        &self,
        uri: &SinkUri,
        topic: &TopicName,
        schema: &TopicSchema,
    ) -> Result<(), SinkError> {
        let Ok(place) = Place::of(uri) else { return Ok(()) };
        if lock(&self.checked).get(uri) == Some(schema) {
            return Ok(());
        }
        // By itself: the one that loads may be at work for long.
        self.database(&place)?.check(&place, topic, schema)?;
        lock(&self.checked).insert(uri.clone(), schema.clone());
        Ok(())
    }

    /// Whether somebody who only looks can look at it.
    pub fn reach(&self, uri: &SinkUri) -> Result<(), SinkError> {
        self.database(&Place::of(uri)?)?.reach()
    }

    /// In the order of the loads.
    pub fn load(&self, loads: &[PendingLoad]) -> Vec<Result<PromoteOutcome, SinkError>> {
        let mut by_database = BTreeMap::<String, Vec<usize>>::new();
        let mut results = Vec::with_capacity(loads.len());
        for (at, load) in loads.iter().enumerate() {
            if let Ok(place) = Place::of(&load.output.uri) {
                by_database.entry(place.key()).or_default().push(at);
            }
            results.push(Err(SinkError::Unsupported { uri: load.output.uri.clone() }));
        }
        for ats in by_database.into_values() {
            let together: Vec<&PendingLoad> = ats.iter().map(|at| &loads[*at]).collect();
            for (at, result) in ats.iter().zip(self.load_all(&together)) {
                results[*at] = result;
            }
        }
        results
    }

    /// All in one transaction; where that fails, one after the other, so that one that cannot be loaded holds up no other.
    fn load_all(&self, loads: &[&PendingLoad]) -> Vec<Result<PromoteOutcome, SinkError>> {
        let alone = |load: &PendingLoad| Ok(self.load_together(&[load])?.remove(0));
        match self.load_together(loads) {
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

    fn load_together(&self, loads: &[&PendingLoad]) -> Result<Vec<PromoteOutcome>, SinkError> {
        let Some(first) = loads.first() else { return Ok(Vec::new()) };
        let database = self.kept(&Place::of(&first.output.uri)?)?;
        let mut database = lock(&database);
        let mut transaction = database.begin()?;
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
        let place = Place::of(&output.uri)?;
        let record = self.database(&place)?.committed(&place, job.id)?;
        Ok(match record {
            Some(record) if record.job.attempt > job.attempt => Committed::Overtaken,
            Some(record) if record.job.attempt < job.attempt => Committed::No,
            Some(record) if record.state == CommitState::Void => Committed::Void,
            Some(_) => Committed::Yes,
            None => Committed::No,
        })
    }

    /// However late somebody comes with this attempt, it is not loaded any more.
    pub fn void(&self, output: &StagedOutput, job: JobAttempt) -> Result<(), SinkError> {
        let place = Place::of(&output.uri)?;
        lock(&*self.kept(&place)?).void(&place, &output.topic, job)
    }

    /// Removes what these attempts have in the table.
    pub fn retire(&self, uri: &SinkUri, jobs: &[JobAttempt]) -> Result<(), SinkError> {
        let place = Place::of(uri)?;
        if place.is_there(&self.output_root)? {
            lock(&*self.kept(&place)?).retire(&place, jobs)?;
        }
        Ok(())
    }

    /// Rows by origin, in the order of the jobs.
    pub fn counts(&self, uri: &SinkUri, each: impl FnMut(OriginCount)) -> Result<(), SinkError> {
        let place = Place::of(uri)?;
        if place.is_there(&self.output_root)? {
            self.database(&place)?.counts(&place, each)?;
        }
        Ok(())
    }

    /// Takes rows of a job out of a table that has no record of it. False: there are none.
    pub fn remove_rows(&self, uri: &SinkUri, job: JobId) -> Result<bool, SinkError> {
        let place = Place::of(uri)?;
        Ok(self.database(&place)?.remove_orphans(&place, job)? > 0)
    }

    fn kept(&self, place: &Place<'_>) -> Result<Arc<Mutex<Database>>, SinkError> {
        let mut open = lock(&self.open);
        if let Some(known) = open.get(&place.key()) {
            return Ok(known.clone());
        }
        let database = Arc::new(Mutex::new(self.database(place)?));
        open.insert(place.key(), database.clone());
        Ok(database)
    }

    fn database(&self, place: &Place<'_>) -> Result<Database, SinkError> {
        Database::open(place, &self.output_root, &self.logins)
    }
}

fn load_one(
    transaction: &mut Transaction<'_>,
    load: &PendingLoad,
) -> Result<PromoteOutcome, SinkError> {
    let table = Place::of(&load.output.uri)?.table;
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
