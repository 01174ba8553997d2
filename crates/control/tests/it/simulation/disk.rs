//! The disk that all workers share: renames are atomic, and nothing else is assumed.

use protocol::{Commit, JobAttempt, JobId};
use std::collections::{BTreeMap, BTreeSet};

/// The directory of one worker process; a restarted worker has another.
pub type Directory = u64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Staged(Directory),
    /// Taken away by a recovery, so that a late rename finds nothing.
    Taken(u32, Directory),
    Final,
}

/// One file of a commit: what its jobs have published as their output of that number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    pub commit: Commit,
    pub output: u8,
    pub place: Place,
}

impl Item {
    pub fn at(self, place: Place) -> Self {
        Self { place, ..self }
    }

    pub fn directory(self) -> Option<Directory> {
        match self.place {
            Place::Staged(directory) | Place::Taken(_, directory) => Some(directory),
            Place::Final => None,
        }
    }

    /// The recovery that has it; 0 where it was staged.
    pub fn rank(self) -> u32 {
        match self.place {
            Place::Staged(_) => 0,
            Place::Taken(recovery, _) => recovery,
            Place::Final => u32::MAX,
        }
    }
}

#[derive(Debug, Default)]
pub struct Disk {
    pub items: BTreeSet<Item>,
    /// Whose rows were ever written to a file.
    pub rows: BTreeMap<JobId, Vec<(JobAttempt, Commit, u8)>>,
    pub full_until_us: i64,
    /// Packs that were written once more, without some of their jobs.
    pub repacks: u64,
    /// Two files under one name: no rename may do that.
    pub overwritten: Option<Item>,
}

impl Disk {
    /// Every job has as many files as outputs; a pack has each for all of its jobs that have that output.
    pub fn stage(&mut self, commit: Commit, jobs: &[(JobAttempt, u8)], directory: Directory) {
        for (job, outputs) in jobs {
            for output in 0..*outputs {
                self.items.insert(Item { commit, output, place: Place::Staged(directory) });
                self.rows.entry(job.id).or_default().push((*job, commit, output));
            }
        }
    }

    pub fn discard(&mut self, commit: Commit, directory: Directory) {
        let place = Place::Staged(directory);
        self.items.retain(|item| (item.commit, item.place) != (commit, place));
    }

    /// Whether there was something to rename.
    pub fn rename(&mut self, from: Item, to: Item) -> bool {
        let there = self.items.remove(&from);
        if there && !self.items.insert(to) {
            self.overwritten = Some(to);
        }
        there
    }

    pub fn directories(&self) -> Vec<Directory> {
        let directories = self.items.iter().filter_map(|item| item.directory());
        directories.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What a directory holds of an output of an attempt.
    pub fn find(&self, output: Item, directory: Directory) -> Option<Item> {
        let is_it = |item: &&Item| {
            (item.commit, item.output) == (output.commit, output.output)
                && item.directory() == Some(directory)
        };
        self.items.iter().find(is_it).copied()
    }

    /// Files that readers see with rows of this job, each with the attempt that made them.
    pub fn finals(&self, id: JobId) -> impl Iterator<Item = (JobAttempt, Item)> {
        let written = self.rows.get(&id).into_iter().flatten();
        let found = written.map(|(job, commit, output)| {
            (*job, Item { commit: *commit, output: *output, place: Place::Final })
        });
        found.filter(|(_, item)| self.items.contains(item))
    }
}
