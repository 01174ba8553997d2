//! Clears the staging of workers that are gone: their lock is free. What is being committed stays.

use super::directory::{Directory, same_inode};
use super::layout::{HISTORY, STAGING, commit_of};
use crate::sinks::SinkError;
use protocol::Commit;
use rustix::fs::{AtFlags, FileType, FlockOperation, flock};

/// In every sink below the output root; gives the number of files removed.
pub fn sweep(root: Directory, keep: &[Commit]) -> Result<usize, SinkError> {
    let mut removed = 0;
    let mut to_visit = vec![root];
    while let Some(directory) = to_visit.pop() {
        for (name, kind) in directory.names()? {
            if name == HISTORY || !may_be_directory(kind) {
                continue;
            }
            let Some(child) = directory.child(&name).ok().flatten() else { continue };
            if name == STAGING {
                removed += sweep_staging(&child, keep)?;
            } else {
                to_visit.push(child);
            }
        }
    }
    Ok(removed)
}

fn may_be_directory(kind: FileType) -> bool {
    matches!(kind, FileType::Directory | FileType::Unknown)
}

fn sweep_staging(staging: &Directory, keep: &[Commit]) -> Result<usize, SinkError> {
    let mut removed = 0;
    for (worker, kind) in staging.names()? {
        if !may_be_directory(kind) {
            continue;
        }
        let Some(own) = staging.child(&worker).ok().flatten() else { continue };
        if flock(&own.fd, FlockOperation::NonBlockingLockExclusive).is_err() {
            continue;
        }
        let is_current =
            staging.child(&worker)?.is_some_and(|current| same_inode(&current.fd, &own.fd));
        if is_current {
            removed += clear(&own, keep)?;
            // It stays when something is kept in it.
            let _ = rustix::fs::unlinkat(&staging.fd, worker.as_str(), AtFlags::REMOVEDIR);
        }
    }
    Ok(removed)
}

/// Whether nobody holds a worker's staging; a look takes its lock for a moment only.
pub fn is_idle(staging: &Directory, worker: &str) -> bool {
    let Some(own) = staging.child(worker).ok().flatten() else { return false };
    flock(&own.fd, FlockOperation::NonBlockingLockShared).is_ok()
}

pub fn clear(own: &Directory, keep: &[Commit]) -> Result<usize, SinkError> {
    let mut removed = 0;
    for (name, kind) in own.names()? {
        let is_kept = commit_of(&name).is_some_and(|commit| keep.contains(&commit));
        if !is_kept && kind != FileType::Directory && own.remove(&name)? {
            removed += 1;
        }
    }
    Ok(removed)
}
