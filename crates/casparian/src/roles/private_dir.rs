//! A directory of this process alone, for its socket; gone with it, or swept by the next one when it was killed.

use rustix::fs::{FlockOperation, flock};
use rustix::process::geteuid;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

const PREFIX: &str = "casparian-run-";
/// An address longer than this is no address of a socket.
const ENDPOINT_LEN_MAX: usize = 100;
/// Between its making and its locking a directory looks as if nobody had it.
const YOUNG: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct PrivateDir {
    path: PathBuf,
    _lock: File,
}

impl PrivateDir {
    /// In `base`, or in `/tmp` where that makes too long a name.
    pub fn make(base: &Path) -> io::Result<Self> {
        sweep(base);
        let mut random = [0; 16];
        super::identity::random(&mut random);
        let name = format!("{PREFIX}{:016x}", u128::from_ne_bytes(random) as u64);
        let fits =
            |base: &&Path| base.join(&name).as_os_str().len() + "/socket".len() < ENDPOINT_LEN_MAX;
        let path = Some(base).filter(fits).unwrap_or(Path::new("/tmp")).join(&name);
        DirBuilder::new().mode(0o700).create(&path)?;
        let lock = File::open(&path)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self { path, _lock: lock })
    }

    /// An address that only this user can connect to.
    pub fn endpoint(&self) -> String {
        format!("ipc://{}/socket", self.path.display())
    }
}

impl Drop for PrivateDir {
    fn drop(&mut self) {
        // What stays is swept by the next run.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn sweep(base: &Path) {
    let Ok(entries) = fs::read_dir(base) else { return };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if ours && is_left(&entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Made by this user, a while ago, and held by nobody.
fn is_left(path: &Path) -> bool {
    let Ok(metadata) = fs::symlink_metadata(path) else { return false };
    let age = metadata.modified().ok().and_then(|modified| modified.elapsed().ok());
    let is_old = age.is_some_and(|age| age > YOUNG);
    let is_mine = metadata.is_dir() && metadata.uid() == geteuid().as_raw();
    let held = |file: &File| flock(file, FlockOperation::NonBlockingLockExclusive).is_err();
    is_old && is_mine && File::open(path).is_ok_and(|file| !held(&file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_directory_is_private_short_and_gone_at_the_end() {
        let base = tempfile::tempdir().unwrap();
        let made = PrivateDir::make(base.path()).unwrap();
        let path = made.path.clone();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(made.endpoint().starts_with("ipc:///") && made.endpoint().len() < 108);
        drop(made);
        assert!(!path.exists());
    }

    #[test]
    fn a_long_base_is_not_used() {
        let base = tempfile::tempdir().unwrap();
        let deep = base.path().join("d".repeat(90));
        fs::create_dir(&deep).unwrap();
        assert!(PrivateDir::make(&deep).unwrap().path.starts_with("/tmp"));
    }

    #[test]
    fn what_a_killed_process_left_is_swept_and_what_a_live_one_has_is_not() {
        let base = tempfile::tempdir().unwrap();
        let live = PrivateDir::make(base.path()).unwrap();
        let left = base.path().join("casparian-run-dead");
        fs::create_dir(&left).unwrap();
        let old = std::time::UNIX_EPOCH + Duration::from_secs(1);
        for path in [&left, &live.path] {
            File::open(path).unwrap().set_modified(old).unwrap();
        }
        sweep(base.path());
        assert!(!left.exists() && live.path.exists());
    }
}
