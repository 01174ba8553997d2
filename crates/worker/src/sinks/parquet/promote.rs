//! From staged to current: one rename per output, then one fsync per directory for all of them.

use super::directory::{Directory, Renamed, rename};
use super::layout::is_file_name;
use super::staging::StagingDirectory;
use crate::sinks::SinkError;
use protocol::{ContentHash, StagedOutput};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromoteOutcome {
    Done,
    /// Somebody took the staged file away: who recovers the job reports on it.
    Taken,
}

/// Renames of any number of jobs; nothing of it is durable before `sync`.
#[derive(Debug, Default)]
pub struct Promotion {
    touched: BTreeMap<PathBuf, Arc<StagingDirectory>>,
}

impl Promotion {
    pub fn promote(
        &mut self,
        staging: &Arc<StagingDirectory>,
        staged_file: &str,
        output: &StagedOutput,
    ) -> Result<PromoteOutcome, SinkError> {
        check_file_name(output)?;
        let target = (&staging.sink, output.final_name.as_str());
        match rename((&staging.own, staged_file), target)? {
            Renamed::Done => {}
            Renamed::NoSource => return Ok(PromoteOutcome::Taken),
            Renamed::Occupied => adopt(staging, staged_file, output)?,
        }
        self.touch(staging);
        Ok(PromoteOutcome::Done)
    }

    /// Its directories are synced too.
    pub fn touch(&mut self, staging: &Arc<StagingDirectory>) {
        self.touched.entry(staging.sink.path.clone()).or_insert_with(|| staging.clone());
    }

    pub fn sync(self) -> Result<(), SinkError> {
        for staging in self.touched.values() {
            staging.sink.sync()?;
            staging.own.sync()?;
        }
        Ok(())
    }
}

/// What lies at the final name is this very output, or it is not touched.
fn adopt(
    staging: &StagingDirectory,
    staged_file: &str,
    output: &StagedOutput,
) -> Result<(), SinkError> {
    if !is_there(&staging.sink, output)? {
        return Err(SinkError::Differs { path: staging.sink.path.join(&output.final_name) });
    }
    staging.own.remove(staged_file).map(|_| ())
}

/// Whether the final file is there with the size and the hash that were staged.
pub fn is_there(sink: &Directory, output: &StagedOutput) -> Result<bool, SinkError> {
    matches(sink, &output.final_name, output)
}

/// Whether a file has the size and the hash of the output.
pub fn matches(
    directory: &Directory,
    name: &str,
    output: &StagedOutput,
) -> Result<bool, SinkError> {
    let Some(file) = directory.file(name.as_bytes())? else { return Ok(false) };
    has_hash(&file, &directory.path.join(name), output.size_bytes, output.hash)
}

pub fn has_hash(
    file: &std::fs::File,
    path: &Path,
    size_bytes: u64,
    hash: ContentHash,
) -> Result<bool, SinkError> {
    let metadata = file.metadata().map_err(|cause| SinkError::io("stat", path, cause))?;
    if metadata.len() != size_bytes {
        return Ok(false);
    }
    Ok(hash_of(file).map_err(|cause| SinkError::io("read", path, cause))? == hash)
}

pub fn hash_of(mut file: &std::fs::File) -> std::io::Result<ContentHash> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(ContentHash::new(hasher.finalize().into())),
            len => hasher.update(&buffer[..len]),
        }
    }
}

pub fn check_file_name(output: &StagedOutput) -> Result<(), SinkError> {
    if is_file_name(&output.final_name) {
        return Ok(());
    }
    Err(SinkError::FileName { uri: output.uri.clone(), name: output.final_name.clone() })
}
