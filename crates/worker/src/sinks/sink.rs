//! The one `match` by scheme, and what a worker does with its sinks as a whole.

use super::SinkError;
use super::databases::{Databases, Logins, PendingLoad};
use super::pack::{PackFile, SmallOutput};
use super::parquet::{
    PromoteOutcome, Promotion, Purpose, StagingDirectories, StagingDirectory, retire, sweep,
};
use super::stager::{Lineage, Stager};
use protocol::{
    Commit, JobAttempt, JobId, OutputFileId, Retirement, SinkTarget, SinkUri, StagedOutput,
    Superseded, WorkerId,
};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What waits to be loaded into tables lies here, below the output root.
const TABLES: &str = "_tables";

/// All sinks of one worker process.
#[derive(Debug, Clone)]
pub struct Sinks {
    staging: Arc<StagingDirectories>,
    pub(super) databases: Arc<Databases>,
}

impl Sinks {
    pub fn new(output_root: PathBuf, worker: WorkerId) -> Self {
        Self::with_logins(output_root, worker, Logins::new())
    }

    pub fn with_logins(output_root: PathBuf, worker: WorkerId, logins: Logins) -> Self {
        Self {
            databases: Arc::new(Databases::new(output_root.clone(), logins)),
            staging: Arc::new(StagingDirectories::new(output_root, worker)),
        }
    }

    /// What is being committed. To be said before anything is staged or swept.
    pub fn keep(&self, commits: &[Commit]) {
        self.staging.keep(commits);
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
        let path = directory_of(&target.uri)?;
        let (staging, databases) = (self.staging.clone(), self.databases.clone());
        let purpose = Purpose::of(&target.uri, many);
        Ok(Stager::new(staging, databases, path, target.clone(), job, lineage, purpose))
    }

    /// Throws away what was sealed and then refused.
    pub fn discard(&self, outputs: &[StagedOutput]) -> Result<(), SinkError> {
        for output in outputs {
            self.staging(&output.uri)?.own.remove(file_part(&output.staged))?;
        }
        Ok(())
    }

    pub fn promotion(&self) -> Promoter<'_> {
        Promoter { sinks: self, promotion: Promotion::default(), loads: Vec::new() }
    }

    /// Moves superseded files away, and takes superseded rows out of tables; what is of one sink is made durable together. One that
    /// cannot be moved holds up no other.
    pub fn retire(&self, files: &[Retirement]) -> (Vec<OutputFileId>, Vec<SinkError>) {
        let mut by_uri = BTreeMap::<&SinkUri, Vec<&Retirement>>::new();
        for file in files {
            by_uri.entry(&file.uri).or_default().push(file);
        }
        let (mut done, mut errors) = (Vec::new(), Vec::new());
        for (uri, files) in by_uri {
            match self.retire_from(uri, &files, &mut errors) {
                Ok(mut files) => done.append(&mut files),
                Err(error) => errors.push(error),
            }
        }
        (done, errors)
    }

    fn retire_from(
        &self,
        uri: &SinkUri,
        files: &[&Retirement],
        errors: &mut Vec<SinkError>,
    ) -> Result<Vec<OutputFileId>, SinkError> {
        if let SinkUri::Parquet { path } = uri {
            return retire(self.staging.root()?, path, files, errors);
        }
        let jobs: Vec<JobAttempt> = files.iter().map(|file| file.job).collect();
        self.databases.retire(uri, &jobs)?;
        Ok(files.iter().map(|file| file.id).collect())
    }

    /// A file for jobs of a pack, with these columns.
    pub fn pack_file(
        &self,
        commit: Commit,
        output: &SmallOutput,
        many: bool,
    ) -> Result<PackFile, SinkError> {
        let staging = self.staging(&output.uri)?;
        let (topic, uri) = (output.topic.clone(), output.uri.clone());
        let purpose = Purpose::of(&uri, many);
        PackFile::create(staging, commit, topic, uri, output.stored(), purpose)
    }

    pub(super) fn staging(&self, uri: &SinkUri) -> Result<Arc<StagingDirectory>, SinkError> {
        self.staging.get(&directory_of(uri)?)
    }
}

/// Where a sink's staged files lie, below the output root.
pub(super) fn directory_of(uri: &SinkUri) -> Result<String, SinkError> {
    let table = match uri {
        SinkUri::Parquet { path } => return Ok(path.clone()),
        SinkUri::Sqlite(table) => &table.table,
        SinkUri::Postgresql(table) => &table.table,
        SinkUri::Named { .. } => return Err(SinkError::Unsupported { uri: uri.clone() }),
    };
    let name = table.as_ref().map_or("table", |table| table.as_str()).to_owned();
    // Two tables of one name in two databases are told apart.
    let digest = Sha256::digest(uri.to_string());
    let [a, b, c, d, ..] = digest[..] else { return Ok(format!("{TABLES}/{name}")) };
    Ok(format!("{TABLES}/{name}-{:08x}", u32::from_be_bytes([a, b, c, d])))
}

/// A sink that is a directory of files.
pub(super) fn parquet_path(uri: &SinkUri) -> Result<&str, SinkError> {
    match uri {
        SinkUri::Parquet { path } => Ok(path),
        _ => Err(SinkError::Unsupported { uri: uri.clone() }),
    }
}

pub(super) fn file_part(staged: &str) -> &str {
    staged.rsplit('/').next().unwrap_or(staged)
}

/// One pack of grants: renames, and loads into tables.
pub struct Promoter<'a> {
    sinks: &'a Sinks,
    promotion: Promotion,
    loads: Vec<PendingLoad>,
}

/// What became of a pack, beyond its renames.
pub struct Promoted {
    pub files: Result<(), SinkError>,
    /// Jobs that are not in all of their tables, with the reason.
    pub tables: BTreeMap<JobId, Result<PromoteOutcome, SinkError>>,
}

impl Promoter<'_> {
    /// Files are renamed at once; what goes into a table waits for `finish`.
    pub fn promote(
        &mut self,
        job: JobAttempt,
        output: &StagedOutput,
        supersede: &[Superseded],
    ) -> Result<PromoteOutcome, SinkError> {
        let staging = self.sinks.staging(&output.uri)?;
        let file = file_part(&output.staged);
        if matches!(output.uri, SinkUri::Parquet { .. }) {
            return self.promotion.promote(&staging, file, output);
        }
        let here =
            supersede.iter().filter(|one| one.uri == output.uri && one.topic == output.topic);
        self.loads.push(PendingLoad {
            job,
            output: output.clone(),
            staging,
            file: file.to_owned(),
            supersede: here.map(|one| one.job).collect(),
        });
        Ok(PromoteOutcome::Done)
    }

    /// Only after this is what was promoted there, and durable.
    pub fn finish(self) -> Promoted {
        let files = self.promotion.sync();
        let loaded = self.sinks.databases.load(&self.loads);
        let mut tables = BTreeMap::new();
        for (load, result) in self.loads.iter().zip(loaded) {
            if !matches!(result, Ok(PromoteOutcome::Done)) {
                tables.entry(load.job.id).or_insert(result);
            }
        }
        Promoted { files, tables }
    }
}
