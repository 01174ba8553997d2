//! The files below a directory: one after the other, links not followed.

use std::fs::{self, ReadDir};
use std::path::{Path, PathBuf};

/// Of version control and of ours.
const PASSED_OVER: [&str; 3] = [".git", ".casparian", "__pycache__"];

pub(super) struct Files {
    open: Option<ReadDir>,
    waiting: Vec<PathBuf>,
    /// What could not be read.
    pub unreadable: u64,
}

impl Files {
    pub(super) fn below(root: &Path) -> std::io::Result<Self> {
        Ok(Self { open: Some(fs::read_dir(root)?), waiting: Vec::new(), unreadable: 0 })
    }

    fn directory(&mut self) -> Option<&mut ReadDir> {
        while self.open.is_none() {
            match fs::read_dir(self.waiting.pop()?) {
                Ok(entries) => self.open = Some(entries),
                Err(_) => self.unreadable += 1,
            }
        }
        self.open.as_mut()
    }
}

impl Iterator for Files {
    type Item = (PathBuf, u64);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(entry) = self.directory()?.next() else {
                self.open = None;
                continue;
            };
            let Ok((entry, stat)) =
                entry.and_then(|entry| entry.metadata().map(|stat| (entry, stat)))
            else {
                self.unreadable += 1;
                continue;
            };
            if stat.is_dir() && !PASSED_OVER.iter().any(|name| entry.file_name() == *name) {
                self.waiting.push(entry.path());
            } else if stat.is_file() {
                return Some((entry.path(), stat.len()));
            }
        }
    }
}
