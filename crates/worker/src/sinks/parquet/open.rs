//! The staging directories that this worker holds. Few stay open that nobody uses: each costs descriptors.

use super::directory::Directory;
use super::staging::StagingDirectory;
use crate::sinks::SinkError;
use protocol::{Commit, WorkerId};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Beyond it, those that are empty and not in use are given back.
const OPEN_MAX: usize = 256;

#[derive(Debug)]
pub struct StagingDirectories {
    output_root: PathBuf,
    pub worker: WorkerId,
    /// What is being committed: nothing of it is swept.
    keep: Mutex<Vec<Commit>>,
    open: Mutex<HashMap<String, Arc<StagingDirectory>>>,
}

impl StagingDirectories {
    pub fn new(output_root: PathBuf, worker: WorkerId) -> Self {
        Self { output_root, worker, keep: Mutex::default(), open: Mutex::default() }
    }

    pub fn root(&self) -> Result<Directory, SinkError> {
        Directory::root(&self.output_root)
    }

    pub fn keep(&self, commits: &[Commit]) {
        commits.clone_into(&mut lock(&self.keep));
    }

    pub fn kept(&self) -> Vec<Commit> {
        lock(&self.keep).clone()
    }

    /// Makes it where it does not exist.
    pub fn get(&self, uri_path: &str) -> Result<Arc<StagingDirectory>, SinkError> {
        let mut open = lock(&self.open);
        if let Some(known) = open.get(uri_path) {
            return Ok(known.clone());
        }
        if open.len() >= OPEN_MAX {
            open.retain(|_, staging| Arc::strong_count(staging) > 1 || !staging.remove_if_empty());
        }
        let keep = self.kept();
        let staging = StagingDirectory::open(self.root()?, uri_path, &self.worker, &keep)?;
        let staging = Arc::new(staging);
        open.insert(uri_path.to_owned(), staging.clone());
        Ok(staging)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
