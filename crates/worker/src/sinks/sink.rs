//! The one `match` by scheme, and what a worker does with its sinks as a whole.

use super::SinkError;
use super::parquet::{
    PromoteOutcome, Promotion, StagingDirectories, StagingDirectory, retire, sweep,
};
use super::stager::{Lineage, Stager};
use protocol::{ArtifactId, JobAttempt, Retirement, SinkTarget, SinkUri, StagedOutput, WorkerId};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// All sinks of one worker process.
#[derive(Debug, Clone)]
pub struct Sinks {
    staging: Arc<StagingDirectories>,
}

impl Sinks {
    pub fn new(output_root: PathBuf, worker: WorkerId) -> Self {
        Self { staging: Arc::new(StagingDirectories::new(output_root, worker)) }
    }

    /// Attempts that are being committed. To be said before anything is staged or swept.
    pub fn keep(&self, attempts: &[JobAttempt]) {
        self.staging.keep(attempts);
    }

    /// Clears what workers that are gone left in staging, less what is kept; gives the number of files.
    pub fn sweep(&self) -> Result<usize, SinkError> {
        sweep(self.staging.root()?, &self.staging.kept())
    }

    /// `many` says that the job has many others: each gets less memory.
    pub fn stager(
        &self,
        target: &SinkTarget,
        job: JobAttempt,
        lineage: Lineage,
        many: bool,
    ) -> Result<Stager, SinkError> {
        let path = parquet_path(&target.uri)?.to_owned();
        Ok(Stager::new(self.staging.clone(), path, target.clone(), job, lineage, many))
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

    /// Moves superseded files away; those of one sink are made durable together. One that cannot be moved holds up no other.
    pub fn retire(&self, files: &[Retirement]) -> (Vec<ArtifactId>, Vec<SinkError>) {
        let mut by_uri = BTreeMap::<&SinkUri, Vec<&Retirement>>::new();
        for file in files {
            by_uri.entry(&file.uri).or_default().push(file);
        }
        let (mut done, mut errors) = (Vec::new(), Vec::new());
        for (uri, files) in by_uri {
            let root = parquet_path(uri).and_then(|path| Ok((path, self.staging.root()?)));
            match root.and_then(|(path, root)| retire(root, path, &files, &mut errors)) {
                Ok(mut artifacts) => done.append(&mut artifacts),
                Err(error) => errors.push(error),
            }
        }
        (done, errors)
    }

    pub(super) fn staging(&self, uri: &SinkUri) -> Result<Arc<StagingDirectory>, SinkError> {
        self.staging.get(parquet_path(uri)?)
    }
}

/// The sinks that there are.
pub(super) fn parquet_path(uri: &SinkUri) -> Result<&str, SinkError> {
    match uri {
        SinkUri::Parquet { path } => Ok(path),
        _ => Err(SinkError::Unsupported { uri: uri.clone() }),
    }
}

fn file_part(staged: &str) -> &str {
    staged.rsplit('/').next().unwrap_or(staged)
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
