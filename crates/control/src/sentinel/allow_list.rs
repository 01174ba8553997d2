//! Which workers may connect: a file with a public key in each line, like `authorized_keys`. It is read again when it changes,
//! so that a key is withdrawn by taking its line away.

use protocol::PublicKey;
use rustix::fs::{Mode, OFlags};
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::RwLock;

/// More than a hundred thousand keys.
const FILE_LEN_MAX: u64 = 16 << 20;

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedWorker {
    pub key: PublicKey,
    /// What people call it; may be empty.
    pub name: String,
}

#[derive(Debug, thiserror::Error)]
pub enum AllowListError {
    #[error("cannot read the list of allowed workers {}: {cause}", path.display())]
    Read { path: PathBuf, cause: io::Error },
    #[error("{}:{line}: {cause}", path.display())]
    Line { path: PathBuf, line: usize, cause: protocol::CurveKeyError },
    #[error("others than its owner can write {path}, and so let workers in: chmod 600 {path}", path = path.display())]
    Writable { path: PathBuf },
}

/// A file that is not there allows nobody.
pub fn read_allow_list(path: &Path) -> Result<Vec<AllowedWorker>, AllowListError> {
    let cause = |cause| AllowListError::Read { path: path.to_owned(), cause };
    let mut text = String::new();
    // Not waiting: it may be a pipe.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    match rustix::fs::open(path, flags, Mode::empty()).map_err(io::Error::from) {
        Ok(file) => {
            let file = File::from(file);
            if file.metadata().map_err(cause)?.mode() & 0o022 != 0 {
                return Err(AllowListError::Writable { path: path.to_owned() });
            }
            file.take(FILE_LEN_MAX).read_to_string(&mut text).map_err(cause)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(cause(error)),
    }
    let lines = text.lines().enumerate().map(|(at, line)| (at, line.trim()));
    // No key begins with `#`: that would be more than 32 bits in its first five characters.
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let parsed = lines.map(|(at, line)| {
        let (key, name) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let key = key.parse();
        let key = key.map_err(|cause| AllowListError::Line {
            path: path.to_owned(),
            line: at + 1,
            cause,
        })?;
        Ok(AllowedWorker { key, name: name.trim().to_owned() })
    });
    parsed.collect()
}

/// What is in force.
#[derive(Debug)]
pub(super) struct AllowList {
    path: PathBuf,
    /// Of workers in the Sentinel's own process.
    own: Vec<PublicKey>,
    keys: RwLock<HashSet<String>>,
}

/// Whether the file is still the one that was read.
pub(super) type Stamp = Option<(u64, u64, i64, i64)>;

impl AllowList {
    pub(super) fn open(path: PathBuf, own: Vec<PublicKey>) -> Result<Self, AllowListError> {
        let list = Self { path, own, keys: RwLock::default() };
        list.keep(read_allow_list(&list.path)?);
        Ok(list)
    }

    /// By the text of its key.
    pub(super) fn allows(&self, key: &str) -> bool {
        self.keys.read().is_ok_and(|keys| keys.contains(key))
    }

    pub(super) fn stamp(&self) -> Stamp {
        let there = std::fs::metadata(&self.path).ok()?;
        Some((
            there.ino(),
            there.size(),
            there.mtime_nsec() + there.mtime() * 1_000_000_000,
            there.ctime_nsec() + there.ctime() * 1_000_000_000,
        ))
    }

    /// A list that cannot be read allows nobody new, and takes nobody's key away.
    pub(super) fn read_again(&self) {
        match read_allow_list(&self.path) {
            Ok(workers) => {
                tracing::info!(
                    workers = workers.len(),
                    "the list of allowed workers was read again"
                );
                self.keep(workers);
            }
            Err(error) => tracing::error!(%error, "the workers that were allowed stay so"),
        }
    }

    fn keep(&self, workers: Vec<AllowedWorker>) {
        let keys = workers.into_iter().map(|worker| worker.key).chain(self.own.iter().copied());
        let keys = keys.map(|key| key.to_string()).collect();
        if let Ok(mut kept) = self.keys.write() {
            *kept = keys;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    const KEY: &str = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";

    fn list(text: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("allowed_workers");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        (directory, path)
    }

    #[test]
    fn a_line_is_a_key_and_what_people_call_it() {
        let (_directory, path) = list(&format!("# a remark\n\n {KEY}  hall 3\n#\n"));
        let read = read_allow_list(&path).unwrap();
        assert_eq!(read, [AllowedWorker { key: KEY.parse().unwrap(), name: "hall 3".to_owned() }]);
    }

    #[test]
    fn a_line_that_is_no_key_is_named_by_its_number() {
        let (_directory, path) = list(&format!("{KEY}\nnonsense\n"));
        let error = read_allow_list(&path).unwrap_err().to_string();
        assert!(error.contains("allowed_workers:2: this is no CURVE key"), "{error}");
    }

    #[test]
    fn a_list_that_others_can_write_is_refused_with_the_cure() {
        let (_directory, path) = list(KEY);
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        let error = read_allow_list(&path).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_list_that_is_not_there_allows_nobody() {
        assert_eq!(read_allow_list(Path::new("/nowhere/allowed")).unwrap(), []);
    }

    #[test]
    fn a_key_is_withdrawn_with_its_line_and_a_broken_list_changes_nothing() {
        let (_directory, path) = list(KEY);
        let own = PublicKey::new([1; 32]);
        let allowed = AllowList::open(path.clone(), vec![own]).unwrap();
        assert!(allowed.allows(KEY) && allowed.allows(&own.to_string()));
        fs::write(&path, "nonsense").unwrap();
        allowed.read_again();
        assert!(allowed.allows(KEY));
        fs::write(&path, "").unwrap();
        allowed.read_again();
        assert!(!allowed.allows(KEY) && allowed.allows(&own.to_string()));
    }
}
