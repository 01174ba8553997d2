//! A recovery as small steps: a directory looked into, a file renamed. Between any two the process may sleep or die.

use super::disk::{Directory, Disk, Item, Place};
use protocol::Commit;

/// As many as there can be earlier recoverers that move the file meanwhile.
const LOOKS_MAX: u32 = super::world::WORKERS as u32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Taken,
    Final,
    Overtaken,
    Gone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    GoOn,
    Complete,
    Lost,
    Overtaken,
}

#[derive(Debug, Clone)]
pub struct Recovery {
    commit: Commit,
    recovery: u32,
    directory: Directory,
    outputs: u8,
    found: Vec<Found>,
    /// Directories that are still to be looked into for the output at hand.
    to_look: Option<Vec<Directory>>,
    looks_left: u32,
    finishing: Option<u8>,
}

impl Recovery {
    pub fn new(commit: Commit, recovery: u32, directory: Directory, outputs: u8) -> Self {
        let (found, to_look, finishing) = (Vec::new(), None, None);
        let looks_left = recovery.min(LOOKS_MAX);
        Self { commit, recovery, directory, outputs, found, to_look, looks_left, finishing }
    }

    fn item(&self, output: u8, place: Place) -> Item {
        Item { commit: self.commit, output, place }
    }

    fn mine(&self, output: u8) -> Item {
        self.item(output, Place::Taken(self.recovery, self.directory))
    }

    pub fn step(&mut self, disk: &mut Disk) -> Step {
        if let Some(output) = self.finishing {
            return self.finish(output, disk);
        }
        if self.found.len() < usize::from(self.outputs) {
            let output = self.found.len() as u8;
            if let Some(found) = self.look(output, disk) {
                self.found.push(found);
                self.to_look = None;
            }
            return Step::GoOn;
        }
        self.judge(disk)
    }

    fn look(&mut self, output: u8, disk: &mut Disk) -> Option<Found> {
        let mine = self.mine(output);
        let is_final = disk.items.contains(&mine.at(Place::Final));
        let Some(to_look) = &mut self.to_look else {
            if disk.items.contains(&mine) {
                return Some(Found::Taken);
            }
            self.to_look = Some(disk.directories());
            return None;
        };
        let Some(directory) = to_look.pop() else {
            return Some(if is_final { Found::Final } else { Found::Gone });
        };
        let source = disk.find(mine, directory)?;
        if source.rank() > self.recovery {
            return Some(Found::Overtaken);
        }
        disk.rename(source, mine).then_some(Found::Taken)
    }

    fn judge(&mut self, disk: &mut Disk) -> Step {
        if self.found.contains(&Found::Overtaken) {
            return Step::Overtaken;
        }
        if !self.found.contains(&Found::Gone) {
            self.finishing = Some(0);
            return Step::GoOn;
        }
        if self.looks_left > 0 {
            self.looks_left -= 1;
            self.found.clear();
            return Step::GoOn;
        }
        for output in 0..self.outputs {
            disk.items.remove(&self.mine(output));
        }
        Step::Lost
    }

    fn finish(&mut self, output: u8, disk: &mut Disk) -> Step {
        if output == self.outputs {
            return Step::Complete;
        }
        let (mine, end) = (self.mine(output), self.item(output, Place::Final));
        if !disk.rename(mine, end) && !disk.items.contains(&end) {
            return Step::Overtaken;
        }
        self.finishing = Some(output + 1);
        Step::GoOn
    }
}
