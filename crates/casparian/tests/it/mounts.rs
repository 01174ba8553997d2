//! A small file system of a test's own. Only root may mount one; who may not sees that the test was skipped.

use std::path::{Path, PathBuf};
use std::process::Command;

pub struct Mount {
    at: PathBuf,
    is_mounted: bool,
}

impl Mount {
    /// A fresh one in memory. `size` is what it holds, as `2m`. None: this user may not.
    pub fn fresh(at: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let size = format!("size={size}");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(at).output();
        if mount.is_ok_and(|mount| mount.status.success()) {
            return Some(Self { at: at.to_owned(), is_mounted: true });
        }
        eprintln!("skipped: this user may not mount a file system");
        None
    }

    pub fn resize(&self, size: &str) {
        let size = format!("remount,size={size}");
        let mount = Command::new("mount").args(["-o", &size]).arg(&self.at).status();
        assert!(mount.unwrap().success());
    }

    /// Also while somebody still works in it: then it is gone from the tree, as a cable that was pulled.
    pub fn end(&mut self) {
        if std::mem::take(&mut self.is_mounted) {
            assert!(Command::new("umount").arg("-l").arg(&self.at).status().unwrap().success());
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if self.is_mounted {
            let _ = Command::new("umount").arg("-l").arg(&self.at).status();
        }
    }
}
