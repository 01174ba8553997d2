//! Disks without room, and disks that may only be read. Only root may mount one; who may not sees that the test was skipped.

use super::rig::{FILE, PATIENCE, ints, job, load_into, shell, staged};
use protocol::ErrorClass;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;
use worker::sinks::sql::Loaded;
use worker::sinks::sqlite::{SqliteReader, SqliteSink};

struct Mount(TempDir);

impl Mount {
    fn fresh(size: &str) -> Option<Self> {
        let mount = Self(TempDir::new().unwrap());
        if mount.mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "none"]) {
            return Some(mount);
        }
        eprintln!("skipped: this user may not mount a file system");
        None
    }

    fn remount(&self, options: &str) {
        assert!(self.mount(&["-o", &format!("remount,{options}")]));
    }

    fn mount(&self, arguments: &[&str]) -> bool {
        let mount = Command::new("mount").args(arguments).arg(self.path()).output();
        mount.is_ok_and(|mount| mount.status.success())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).output();
    }
}

#[test]
fn a_full_disk_leaves_the_table_as_it_was_until_there_is_room() {
    let Some(mount) = Mount::fresh("1m") else { return };
    let open = || SqliteSink::open(mount.path(), FILE, PATIENCE).unwrap();
    let few = [staged(job(1, 1), &[("a", ints(&[1]))])];
    assert_eq!(load_into(&mut open(), "t", job(1, 1), &few, &[]).unwrap(), Loaded::Done);
    let many: Vec<i64> = (0..200_000).collect();
    let many = [staged(job(2, 1), &[("a", ints(&many))])];
    let error = load_into(&mut open(), "t", job(2, 1), &many, &[]).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Storage);
    let expected = format!(
        "cannot write {}: database or disk is full; make room there, the job is tried again by itself",
        mount.path().join(FILE).display()
    );
    assert_eq!(error.to_string(), expected);
    let rows = || shell(&mount.path().join(FILE), "PRAGMA integrity_check; SELECT count(*) FROM t");
    assert_eq!(rows(), ["ok", "1"]);
    mount.remount("size=32m");
    assert_eq!(load_into(&mut open(), "t", job(2, 1), &many, &[]).unwrap(), Loaded::Done);
    assert_eq!(rows(), ["ok", "200001"]);
}

#[test]
fn a_disk_that_may_only_be_read_is_told_and_can_be_looked_at() {
    let Some(mount) = Mount::fresh("8m") else { return };
    let few = [staged(job(1, 1), &[("a", ints(&[1]))])];
    let open = || SqliteSink::open(mount.path(), FILE, PATIENCE);
    load_into(&mut open().unwrap(), "t", job(1, 1), &few, &[]).unwrap();
    mount.remount("ro");
    let error = open().err().unwrap().to_string();
    assert!(
        error.contains("x.db may only be read; let the worker's user write the file"),
        "{error}"
    );
    let reader = SqliteReader::open(mount.path(), FILE, PATIENCE).unwrap().unwrap();
    let mut rows = 0;
    reader.counts(&"t".parse().unwrap(), |count| rows += count.rows).unwrap();
    assert_eq!(rows, 1);
    let missing = SqliteSink::open(mount.path(), "y.db", PATIENCE).err().unwrap();
    assert!(missing.to_string().contains("let the worker's user write the file"), "{missing}");
}
