//! What cannot be read is told, and never counts as deleted.
//!
//! Who runs the tests as root may read everything. So these tests run in threads that first give up the two
//! capabilities which pass over file modes; threads that they start inherit that.

use super::world::World;
use control::scout::PassReport;
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Runs a test as somebody for whom file modes hold.
fn without_privileges(test: impl AsyncFnOnce() + Send + 'static) {
    let thread = std::thread::spawn(|| {
        let mut sets = capabilities(None).unwrap();
        let passes_over = CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
        sets.effective.remove(passes_over);
        set_capabilities(None, sets).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.unwrap().block_on(test());
    });
    thread.join().unwrap();
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn unreadable(world: &World, report: &PassReport) -> Vec<String> {
    let root = format!("{}/", world.root().canonicalize().unwrap().display());
    let name = |path: &[u8]| String::from_utf8_lossy(path).strip_prefix(&root).map(str::to_owned);
    let mut names: Vec<_> =
        report.unreadable.shown.iter().filter_map(|one| name(&one.path)).collect();
    names.sort();
    names
}

#[test]
fn h14_an_unreadable_directory_deletes_nothing() {
    without_privileges(async || {
        let world = World::fresh().await;
        world.plugin("p", &["*"]).await;
        for path in ["shut/a", "shut/below/b", "open/c"] {
            world.write(path, path);
        }
        world.pass().await;
        chmod(&world.at("shut"), 0o000);
        world.write("open/d", "new");
        world.remove("open/c");
        let report = world.pass().await;
        assert_eq!((report.files_new, report.files_deleted), (1, 1));
        assert_eq!(unreadable(&world, &report), ["shut"]);
        assert_eq!(world.live().await, ["open/d", "shut/a", "shut/below/b"]);
        world.idle_pass().await;
        chmod(&world.at("shut"), 0o700);
        assert_eq!(world.pass().await.unreadable.count, 0);
        assert_eq!(world.live().await, ["open/d", "shut/a", "shut/below/b"]);
        world.idle_pass().await;
    });
}

#[test]
fn h14_names_that_can_be_listed_and_not_looked_at_are_not_deleted() {
    without_privileges(async || {
        let world = World::fresh().await;
        for path in ["d/a", "d/b", "d/sub/c"] {
            world.write(path, path);
        }
        world.scan().await;
        // Names may be read, nothing else.
        chmod(&world.at("d"), 0o400);
        let report = world.scan().await;
        assert_eq!(report.files_deleted, 0);
        assert_eq!(unreadable(&world, &report), ["d/a", "d/b", "d/sub"]);
        assert_eq!(world.live().await, ["d/a", "d/b", "d/sub/c"]);
        chmod(&world.at("d"), 0o700);
        world.scan().await;
        world.idle_scan().await;
    });
}

#[test]
fn an_unreadable_file_is_told_and_stops_nothing() {
    without_privileges(async || {
        let world = World::fresh().await;
        world.plugin("p", &["*"]).await;
        world.write("a", "1");
        world.write("b", "2");
        chmod(&world.at("a"), 0o000);
        let report = world.pass().await;
        assert_eq!((report.files_new, report.versions, report.jobs), (2, 1, 1));
        assert_eq!(unreadable(&world, &report), ["a"]);
        assert!(report.unreadable.shown[0].reason.contains("Permission denied"), "{report:?}");
        assert_eq!(unreadable(&world, &world.pass().await), ["a"], "told each time");
        chmod(&world.at("a"), 0o400);
        let report = world.pass().await;
        assert_eq!((report.versions, report.jobs, report.unreadable.count), (1, 1, 0));
    });
}

#[test]
fn an_unreadable_root_is_an_error() {
    without_privileges(async || {
        let world = World::fresh().await;
        world.write("a", "1");
        world.scan().await;
        chmod(&world.root(), 0o000);
        let error = world.try_pass().await.unwrap_err().to_string();
        chmod(&world.root(), 0o700);
        assert!(error.contains("cannot be read: Permission denied"), "{error}");
        assert_eq!(world.live().await, ["a"]);
    });
}
