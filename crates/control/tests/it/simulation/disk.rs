//! The disk that all workers share: renames are atomic, and nothing else is assumed.

use protocol::{JobAttempt, JobId};
use std::collections::BTreeSet;

/// The directory of one worker process; a restarted worker has another.
pub type Directory = u64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Staged(Directory),
    /// Taken away by a recovery, so that a late rename finds nothing.
    Taken(u32, Directory),
    Final,
}

/// One output of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    pub job: JobAttempt,
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
    pub full_until_us: i64,
    /// Two files under one name: no rename may do that.
    pub overwritten: Option<Item>,
}

impl Disk {
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
            (item.job, item.output) == (output.job, output.output)
                && item.directory() == Some(directory)
        };
        self.items.iter().find(is_it).copied()
    }

    pub fn finals(&self, id: JobId) -> impl Iterator<Item = Item> {
        let first = JobAttempt { id, attempt: 0 };
        let from = Item { job: first, output: 0, place: Place::Staged(0) };
        let of_job = self.items.range(from..).take_while(move |item| item.job.id == id);
        of_job.copied().filter(|item| item.place == Place::Final)
    }
}
