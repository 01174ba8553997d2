//! A file that a process holds locked for as long as it plays a role; what it says of itself stands in the file.
//! The lock ends with the process, however that ends.

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Whoever only looks holds the lock for a moment.
const TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);
const SAID_LEN_MAX: u64 = 64 << 10;

#[derive(Debug)]
pub struct Presence {
    file: File,
}

impl Presence {
    /// None: another process plays this role.
    pub fn take(path: &Path, says: &Value) -> io::Result<Option<Self>> {
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
        for attempt in 0..TRIES {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {
                    let mut presence = Self { file };
                    presence.say(says)?;
                    return Ok(Some(presence));
                }
                Err(Errno::WOULDBLOCK) if attempt + 1 < TRIES => std::thread::sleep(BETWEEN_TRIES),
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    pub fn say(&mut self, says: &Value) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(says.to_string().as_bytes())
    }

    /// What the process says that plays the role; None: nobody does.
    pub fn look(path: &Path) -> Option<Value> {
        let mut file = File::open(path).ok()?;
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Err(Errno::WOULDBLOCK) => {}
            _ => return None,
        }
        let mut text = String::new();
        let _ = Read::by_ref(&mut file).take(SAID_LEN_MAX).read_to_string(&mut text);
        Some(serde_json::from_str(&text).unwrap_or_else(|_| json!({})))
    }
}

/// The lock of a catalog's Sentinel; beside the catalog, so that it is one lock however a project is found.
pub fn sentinel_lock(catalog: &Path) -> PathBuf {
    beside(catalog, "sentinel.lock")
}

/// The lock of a scout that goes on and on.
pub fn scout_lock(catalog: &Path) -> PathBuf {
    beside(catalog, "scout.lock")
}

fn beside(catalog: &Path, name: &str) -> PathBuf {
    let directory = catalog.parent().unwrap_or(Path::new("."));
    // Two names of one directory are one lock.
    let directory = std::fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    match catalog.file_name() {
        Some(file) if file != "catalog.db" => {
            directory.join(format!("{}.{name}", file.to_string_lossy()))
        }
        _ => directory.join(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_played_by_one_and_seen_by_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.lock");
        assert_eq!(Presence::look(&path), None);
        let first = Presence::take(&path, &json!({ "pid": 1 })).unwrap();
        assert!(first.is_some());
        assert_eq!(Presence::look(&path), Some(json!({ "pid": 1 })));
        assert!(Presence::take(&path, &json!({})).unwrap().is_none());
        drop(first);
        assert_eq!(Presence::look(&path), None);
        assert!(Presence::take(&path, &json!({ "pid": 22 })).unwrap().is_some());
    }

    #[test]
    fn catalogs_in_one_directory_have_locks_of_their_own() {
        assert_eq!(sentinel_lock(Path::new("/x/catalog.db")), Path::new("/x/sentinel.lock"));
        assert_eq!(sentinel_lock(Path::new("/x/b.db")), Path::new("/x/b.db.sentinel.lock"));
    }
}
