//! The disk that all workers share: renames are atomic, and nothing else is assumed.

use protocol::JobAttempt;
use std::collections::BTreeSet;

/// The directory of one worker process; a restarted worker has another.
pub type Directory = u64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    Staged(JobAttempt, Directory),
    /// Taken away by a recoverer, so that a late rename finds nothing.
    Taken(JobAttempt, u32, Directory),
    Final(JobAttempt),
}

impl Item {
    pub fn job(self) -> JobAttempt {
        match self {
            Self::Staged(job, _) | Self::Taken(job, ..) | Self::Final(job) => job,
        }
    }

    pub fn directory(self) -> Option<Directory> {
        match self {
            Self::Staged(_, directory) | Self::Taken(_, _, directory) => Some(directory),
            Self::Final(_) => None,
        }
    }
}

#[derive(Debug, Default)]
pub struct Disk(pub BTreeSet<Item>);

impl Disk {
    /// Whether there was something to rename.
    pub fn rename(&mut self, from: Item, to: Item) -> bool {
        let there = self.0.remove(&from);
        if there {
            assert!(self.0.insert(to), "{to:?} is overwritten");
        }
        there
    }

    /// What a recoverer may take: anything of that attempt that another process staged or took.
    pub fn sources(&self, job: JobAttempt, mine: Item) -> Option<Item> {
        let is_source =
            |item: &&Item| item.job() == job && **item != mine && item.directory().is_some();
        self.0.iter().find(is_source).copied()
    }

    pub fn finals(&self, id: protocol::JobId) -> Vec<JobAttempt> {
        let finals = self.0.iter().filter(|item| item.directory().is_none());
        finals.map(|item| item.job()).filter(|job| job.id == id).collect()
    }
}
