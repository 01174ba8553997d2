//! What a pass found and did, for people and for `--json`. Lists are bounded; the counts beside them are not.

use catalog::RootDoubt;
use std::fmt;
use std::time::Duration;

/// How many of a kind are kept by name.
const SHOWN_MAX: usize = 100;

/// The first of many, and how many there were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounded<T> {
    pub shown: Vec<T>,
    pub count: u64,
}

impl<T> Default for Bounded<T> {
    fn default() -> Self {
        Self { shown: Vec::new(), count: 0 }
    }
}

impl<T> Bounded<T> {
    pub(crate) fn has_room(&self) -> bool {
        self.shown.len() < SHOWN_MAX
    }

    /// `make` is called only while there is room.
    pub(crate) fn add(&mut self, make: impl FnOnce() -> T) {
        self.count += 1;
        if self.has_room() {
            self.shown.push(make());
        }
    }

    pub(crate) fn append(&mut self, other: Self) {
        self.count += other.count;
        let room = SHOWN_MAX.saturating_sub(self.shown.len());
        self.shown.extend(other.shown.into_iter().take(room));
    }
}

/// A directory or file that could not be read. Nothing below it counts as deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Absolute, as bytes.
    pub path: Vec<u8>,
    pub reason: String,
}

/// A source root that may not be what it was. Nothing that is missing in it counts as deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootInDoubt {
    /// Absolute, as bytes.
    pub path: Vec<u8>,
    pub doubt: RootDoubt,
}

/// A name that is no regular file, and is no input for that reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// Absolute, as bytes.
    pub path: Vec<u8>,
    pub reason: PassedOverReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PassedOverReason {
    Symlink,
    DanglingSymlink,
    LoopingSymlink,
    Fifo,
    Socket,
    Device,
    /// The path below its source root is longer than `PATH_LEN_MAX`.
    TooDeep,
}

impl fmt::Display for PassedOverReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Symlink => "symbolic link (never followed)",
            Self::DanglingSymlink => "symbolic link to nothing",
            Self::LoopingSymlink => "symbolic link to itself",
            Self::Fifo => "named pipe",
            Self::Socket => "socket",
            Self::Device => "device",
            Self::TooDeep => "the path is too long",
        })
    }
}

/// What one pass found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PassReport {
    /// Regular files that are not ignored.
    pub files_seen: u64,
    /// Files that the inventory did not know, or knew as deleted.
    pub files_new: u64,
    /// Files whose stat moved, be it by a touch.
    pub files_changed: u64,
    /// Files that left the inventory: deleted, or ignored from now on.
    pub files_deleted: u64,
    pub directories_seen: u64,
    pub versions: u64,
    /// Jobs made: queued, or held until the Sentinel has looked at what else is there.
    pub jobs: u64,
    /// Jobs that were not needed: the same bytes are already in the topic.
    pub skipped: u64,
    pub unreadable: Bounded<Unreadable>,
    pub in_doubt: Bounded<RootInDoubt>,
    pub passed_over: Bounded<PassedOver>,
    /// Lines of ignore files that are no patterns.
    pub bad_ignores: Bounded<String>,
    /// Files that changed each time they were read in this pass; they stay dirty.
    pub still_changing: Bounded<Vec<u8>>,
    /// When the first of the files that are not settled yet, or have to be read once more, is due.
    pub due_us: Option<i64>,
    pub settling: u64,
    pub bytes_hashed: u64,
    pub files_hashed: u64,
    /// The pass was asked to stop before it was done.
    pub stopped: bool,
    pub elapsed: Duration,
}

impl PassReport {
    pub(crate) fn add_due(&mut self, due_us: i64) {
        self.due_us = Some(self.due_us.map_or(due_us, |earliest| earliest.min(due_us)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bounded_list_counts_on_when_it_is_full() {
        let mut list = Bounded::default();
        (0..1_000).for_each(|i| list.add(|| i));
        assert_eq!((list.shown.len(), list.count), (SHOWN_MAX, 1_000));
        let mut sum = Bounded::default();
        sum.add(|| 7);
        sum.append(list);
        assert_eq!((sum.shown.len(), sum.shown[0], sum.count), (SHOWN_MAX, 7, 1_001));
    }
}
