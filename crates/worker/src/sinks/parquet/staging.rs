//! A worker's staging directory in one sink. Its lock says that the process lives; the directory may vanish under a sweep until it is held.

use super::directory::{Directory, same_inode};
use super::layout::STAGING;
use super::sweep::clear;
use crate::sinks::SinkError;
use protocol::{Commit, WorkerId};
use rustix::fs::{AtFlags, FlockOperation, flock};
use rustix::io::Errno;
use std::time::Duration;

/// A sweep holds a directory for a moment; another worker of the same name holds it for good.
const LOCK_TRIES: usize = 200;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub struct StagingDirectory {
    /// The directory of the sink.
    pub sink: Directory,
    /// Held locked as long as this lives.
    pub own: Directory,
    all: Directory,
    worker: WorkerId,
}

impl StagingDirectory {
    /// What an earlier process of the same name left is removed, except what is of `keep`.
    pub fn open(
        root: Directory,
        uri_path: &str,
        worker: &WorkerId,
        keep: &[Commit],
    ) -> Result<Self, SinkError> {
        let sink = root.make_descend(uri_path)?;
        let all = sink.make_child(STAGING)?;
        for _ in 0..LOCK_TRIES {
            let own = all.make_child(worker.as_str())?;
            match flock(&own.fd, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {
                    let current = all.child(worker.as_str())?;
                    if current.is_some_and(|current| same_inode(&current.fd, &own.fd)) {
                        clear(&own, keep)?;
                        return Ok(Self { sink, own, all, worker: worker.clone() });
                    }
                }
                Err(Errno::WOULDBLOCK) => std::thread::sleep(LOCK_PAUSE),
                Err(cause) => return Err(SinkError::io("lock", &own.path, cause)),
            }
        }
        Err(SinkError::Held { path: all.path.join(worker.as_str()) })
    }
}

impl StagingDirectory {
    pub fn worker(&self) -> &WorkerId {
        &self.worker
    }

    /// Whether it is gone: there was nothing in it.
    pub fn remove_if_empty(&self) -> bool {
        rustix::fs::unlinkat(&self.all.fd, self.worker.as_str(), AtFlags::REMOVEDIR).is_ok()
    }
}

impl Drop for StagingDirectory {
    fn drop(&mut self) {
        // The next sweep takes what is not empty.
        self.remove_if_empty();
    }
}
