//! The one `match` by scheme, and what a worker keeps open for its sinks.

use super::SinkError;
use super::parquet::{
    Directory, Found, PromoteOutcome, Promotion, SegmentedWriter, StagingDirectory, Take,
    final_name, retire, staged_name, sweep,
};
use arrow_array::RecordBatch;
use protocol::{
    CommitId, JobAttempt, JobId, Retirement, SinkTarget, SinkUri, StagedOutput, VersionId, WorkerId,
};
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A later recoverer may take a file between two steps of this one.
const RECOVER_ROUNDS: usize = 3;

/// Where a row comes from.
#[derive(Debug, Clone, Copy)]
pub struct Lineage {
    pub job: JobId,
    pub version: VersionId,
}

/// All sinks of one worker process.
#[derive(Debug)]
pub struct Sinks {
    output_root: PathBuf,
    worker: WorkerId,
    keep: Mutex<Vec<JobAttempt>>,
    staging: Mutex<HashMap<String, Arc<StagingDirectory>>>,
}

impl Sinks {
    pub fn new(output_root: PathBuf, worker: WorkerId) -> Self {
        Self { output_root, worker, keep: Mutex::default(), staging: Mutex::default() }
    }

    /// Clears what workers that are gone left in staging, less the attempts that are being committed.
    pub fn sweep(&self, keep: &[JobAttempt]) -> Result<usize, SinkError> {
        keep.clone_into(&mut lock(&self.keep));
        sweep(Directory::root(&self.output_root)?, keep)
    }

    pub fn stager(
        &self,
        target: &SinkTarget,
        job: JobAttempt,
        lineage: Lineage,
    ) -> Result<Stager, SinkError> {
        let staging = self.staging(&target.uri)?;
        let writer = SegmentedWriter::new(target.topic.clone(), staging, job, lineage);
        let staged = staged_name(&self.worker, job);
        Ok(Stager { target: target.clone(), job, staged, writer })
    }

    /// Throws away what was sealed and then refused.
    pub fn discard(&self, outputs: &[StagedOutput]) -> Result<(), SinkError> {
        for output in outputs {
            self.staging(&output.uri)?.own.remove(file_part(&output.staged))?;
        }
        Ok(())
    }

    pub fn promotion(&self) -> Promoter<'_> {
        Promoter { sinks: self, promotion: Promotion::default() }
    }

    pub fn recover(&self, target: &RecoverTarget<'_>) -> Result<Recovered, SinkError> {
        let take = Take { job: target.job, recovery: target.recovery };
        for _ in 0..RECOVER_ROUNDS {
            let mut found = self.find_all(take, target.outputs)?;
            if found.contains(&Found::Gone) {
                // A file that another recoverer renames meanwhile can be missed once.
                found = self.find_all(take, target.outputs)?;
            }
            if found.contains(&Found::Gone) {
                return self.take_back(take, target.outputs, &found);
            }
            if self.finish(take, target.outputs)? {
                return Ok(Recovered::Complete);
            }
        }
        Ok(Recovered::Overtaken)
    }

    /// All are looked at before one is promoted, so that nothing of a job that has to run again gets published anew.
    fn find_all(&self, take: Take, outputs: &[StagedOutput]) -> Result<Vec<Found>, SinkError> {
        outputs.iter().map(|output| take.find(&*self.staging(&output.uri)?, output)).collect()
    }

    /// False when a later recovery took a file away meanwhile.
    fn finish(&self, take: Take, outputs: &[StagedOutput]) -> Result<bool, SinkError> {
        let mut promotion = Promotion::default();
        for output in outputs {
            let staging = self.staging(&output.uri)?;
            let outcome = promotion.promote(&staging, &take.file(), output)?;
            if outcome == PromoteOutcome::Taken && take.find(&staging, output)? != Found::Final {
                return Ok(false);
            }
        }
        // What was found promoted may not be durable yet either.
        for output in outputs {
            promotion.touch(&self.staging(&output.uri)?);
        }
        promotion.sync().map(|()| true)
    }

    /// Only what was found: what appears after that is a later recoverer's.
    fn take_back(
        &self,
        take: Take,
        outputs: &[StagedOutput],
        found: &[Found],
    ) -> Result<Recovered, SinkError> {
        for (output, found) in outputs.iter().zip(found) {
            take.take_back(&*self.staging(&output.uri)?, output, *found)?;
        }
        Ok(Recovered::Lost)
    }

    /// Moves superseded files away; all of one sink are made durable together.
    pub fn retire(&self, files: &[Retirement]) -> Result<(), SinkError> {
        let mut by_path = HashMap::<&str, Vec<&Retirement>>::new();
        for file in files {
            by_path.entry(parquet_path(&file.uri)?).or_default().push(file);
        }
        for (path, files) in by_path {
            retire(Directory::root(&self.output_root)?, path, &files)?;
        }
        Ok(())
    }

    fn staging(&self, uri: &SinkUri) -> Result<Arc<StagingDirectory>, SinkError> {
        let path = parquet_path(uri)?;
        let mut staging = lock(&self.staging);
        if let Some(open) = staging.get(path) {
            return Ok(open.clone());
        }
        let root = Directory::root(&self.output_root)?;
        let opened = StagingDirectory::open(root, path, &self.worker, &lock(&self.keep))?;
        let opened = Arc::new(opened);
        staging.insert(path.to_owned(), opened.clone());
        Ok(opened)
    }
}

/// The sinks that there are.
fn parquet_path(uri: &SinkUri) -> Result<&str, SinkError> {
    match uri {
        SinkUri::Parquet { path } => Ok(path),
        SinkUri::Named { .. } => Err(SinkError::Unsupported { uri: uri.clone() }),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn file_part(staged: &str) -> &str {
    staged.rsplit('/').next().unwrap_or(staged)
}

/// A job to finish for a worker that was lost after the grant.
#[derive(Debug, Clone, Copy)]
pub struct RecoverTarget<'a> {
    pub job: JobAttempt,
    pub recovery: u32,
    pub outputs: &'a [StagedOutput],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    Complete,
    /// Something is gone for good; nothing of the job is published, the file has to run again.
    Lost,
    /// A later recovery has it.
    Overtaken,
}

/// Renames for one pack of grants.
pub struct Promoter<'a> {
    sinks: &'a Sinks,
    promotion: Promotion,
}

impl Promoter<'_> {
    pub fn promote(&mut self, output: &StagedOutput) -> Result<PromoteOutcome, SinkError> {
        let staging = self.sinks.staging(&output.uri)?;
        self.promotion.promote(&staging, file_part(&output.staged), output)
    }

    /// Only after this is what was promoted durable.
    pub fn sync(self) -> Result<(), SinkError> {
        self.promotion.sync()
    }
}

/// Rows of one attempt on their way to one sink. Dropped unsealed, it leaves nothing behind.
pub struct Stager {
    target: SinkTarget,
    job: JobAttempt,
    staged: String,
    writer: SegmentedWriter,
}

impl Stager {
    pub fn topic(&self) -> &str {
        self.target.topic.as_str()
    }

    pub fn rows(&self) -> u64 {
        self.writer.rows()
    }

    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        self.writer.write(batch)
    }

    /// None when there is nothing.
    pub fn seal(&mut self) -> Result<Option<Unsynced>, SinkError> {
        let Some(sealed) = self.writer.seal()? else { return Ok(None) };
        let output = StagedOutput {
            topic: self.target.topic.clone(),
            uri: self.target.uri.clone(),
            staged: self.staged.clone(),
            final_name: final_name(CommitId::from(self.job.id)),
            rows: sealed.rows,
            size_bytes: sealed.size_bytes,
            hash: sealed.hash,
            schema: sealed.schema,
        };
        Ok(Some(Unsynced { output, file: sealed.file }))
    }

    /// Takes back a seal: another topic of the job failed.
    pub fn unseal(&mut self) {
        self.writer.unseal();
    }
}

/// A sealed output that a crash of the machine could still undo.
#[derive(Debug)]
pub struct Unsynced {
    pub output: StagedOutput,
    file: File,
}

impl Unsynced {
    pub fn sync(&self) -> Result<(), SinkError> {
        let synced = self.file.sync_all();
        synced.map_err(|cause| SinkError::io("sync", Path::new(&self.output.staged), cause))
    }
}
