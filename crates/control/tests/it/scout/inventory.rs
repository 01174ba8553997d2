//! What is there is found; what did not change is not written.

use super::world::{World, now};
use control::Stop;
use control::scout::{ScoutError, Source};
use std::fs;
use std::time::{Duration, SystemTime};

#[tokio::test]
async fn every_file_is_found_once() {
    let world = World::fresh().await;
    for path in ["a.csv", "b/c.csv", "b/d/e.csv", "b/d/empty"] {
        world.write(path, if path.ends_with("empty") { "" } else { path });
    }
    let report = world.scan().await;
    assert_eq!((report.files_seen, report.files_new, report.directories_seen), (4, 4, 3));
    assert_eq!(world.live().await, ["a.csv", "b/c.csv", "b/d/e.csv", "b/d/empty"]);
    assert_eq!(world.file("b/c.csv").await.size, 7);
}

#[tokio::test]
async fn a_second_pass_over_unchanged_files_writes_nothing() {
    let world = World::fresh().await;
    world.plugin("p", &["*.csv"]).await;
    for path in ["a.csv", "b/c.csv", "b/not_routed.txt", "b/d/e.csv"] {
        world.write(path, path);
    }
    fs::create_dir(world.at("no_files")).unwrap();
    let first = world.pass().await;
    assert_eq!((first.files_new, first.versions, first.jobs), (4, 3, 3));
    for _ in 0..2 {
        let again = world.idle_pass().await;
        assert_eq!((again.files_seen, again.files_new, again.files_changed), (4, 0, 0));
        assert_eq!((again.versions, again.jobs, again.files_hashed), (0, 0, 0));
    }
}

#[tokio::test]
async fn f16_names_are_bytes() {
    let world = World::fresh().await;
    world.plugin("p", &["*.csv"]).await;
    let long = [b"n".repeat(251), b".csv".to_vec()].concat();
    let names: [&[u8]; 6] =
        [b"caf\xe9.csv", b"a\nb.csv", b" .csv", b"\xff\xfe/\x01.csv", b"*?[.csv", &long];
    for name in names {
        world.write(name, name);
    }
    let report = world.pass().await;
    assert_eq!((report.files_new, report.versions, report.jobs), (6, 6, 6));
    let files = world.files().await;
    assert!(names.iter().all(|name| files.contains_key(*name)), "{:?}", files.keys());
    world.idle_pass().await;
}

#[tokio::test]
async fn a_path_longer_than_the_kernel_takes_at_once_is_a_path() {
    let world = World::fresh().await;
    world.plugin("p", &["*.csv"]).await;
    let levels = 40;
    let name = "d".repeat(200);
    // Step by step, for nobody can name the deepest directory from the outside.
    let mut fd = fs::File::open(world.root()).unwrap();
    for _ in 0..levels {
        rustix::fs::mkdirat(&fd, &name, rustix::fs::Mode::RWXU).unwrap();
        let flags = rustix::fs::OFlags::DIRECTORY;
        fd = rustix::fs::openat(&fd, &name, flags, rustix::fs::Mode::empty()).unwrap().into();
    }
    let flags = rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY;
    rustix::fs::openat(&fd, "x.csv", flags, rustix::fs::Mode::RUSR).unwrap();
    let report = world.pass().await;
    assert_eq!((report.files_new, report.versions), (1, 1));
    let path = [vec![name.as_str(); levels].join("/"), "x.csv".into()].join("/");
    assert_eq!(world.live().await, [path]);
    world.idle_pass().await;
}

#[tokio::test]
async fn a_touch_changes_the_location_and_makes_no_version() {
    let world = World::fresh().await;
    world.plugin("p", &["*.csv"]).await;
    world.write("a.csv", "1");
    world.pass().await;
    let later = now() + Duration::from_secs(60);
    fs::File::options().write(true).open(world.at("a.csv")).unwrap().set_modified(later).unwrap();
    let report = world.pass().await;
    assert_eq!((report.files_changed, report.files_hashed), (1, 1));
    assert_eq!((report.versions, report.jobs), (0, 0));
    let since_1970 = later.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(world.file("a.csv").await.mtime_ns, since_1970.as_nanos() as i64);
    world.idle_pass().await;
}

#[tokio::test]
async fn a_root_that_is_missing_is_an_error_and_deletes_nothing() {
    let world = World::fresh().await;
    world.write("a.csv", "1");
    let mut scout = world.scout();
    scout.pass(&Stop::new()).await.unwrap();
    fs::rename(world.root(), world.temp().join("elsewhere")).unwrap();
    let before = world.catalog_bytes();
    let error = scout.pass(&Stop::new()).await.unwrap_err();
    assert!(matches!(error, ScoutError::SourceUnreadable { .. }), "{error}");
    assert!(error.to_string().contains("/root\" cannot be read: "), "{error}");
    assert!(world.catalog_bytes() == before);
    assert!(Source::at(&world.root(), &[]).is_err());
    assert_eq!(world.live().await, ["a.csv"]);
}

#[tokio::test]
async fn one_missing_root_does_not_keep_the_others() {
    let world = World::fresh().await;
    world.write("a.csv", "1");
    let gone = world.temp().join("gone");
    fs::create_dir(&gone).unwrap();
    let mut scout = world.scout_of(vec![world.source_at(&gone), world.source()]);
    fs::remove_dir(&gone).unwrap();
    let report = scout.pass(&Stop::new()).await.unwrap();
    assert_eq!((report.files_new, report.unreadable.count), (1, 1));
}

#[tokio::test]
async fn roots_may_overlap() {
    let world = World::fresh().await;
    world.plugin("p", &["*.csv"]).await;
    world.write("in/a.csv", "1");
    let sources = || vec![world.source(), world.source_at(&world.at("in"))];
    let report = world.scout_of(sources()).pass(&Stop::new()).await.unwrap();
    assert_eq!((report.files_new, report.versions), (2, 2));
    assert_eq!(world.live().await, ["a.csv", "in/a.csv"]);
    world.remove("in/a.csv");
    let report = world.scout_of(sources()).pass(&Stop::new()).await.unwrap();
    assert_eq!(report.files_deleted, 2);
}

#[tokio::test]
async fn a_file_may_be_named_by_itself() {
    let world = World::fresh().await;
    world.plugin("p", &["*.csv"]).await;
    world.write("sub/a.csv", "1");
    world.write("sub/b.csv", "2");
    let file = || vec![Source::at(&world.at("sub/a.csv"), &[world.root()]).unwrap()];
    let report = world.scout_of(file()).pass(&Stop::new()).await.unwrap();
    assert_eq!((report.files_seen, report.files_new, report.jobs), (1, 1, 1));
    assert_eq!(world.live().await, ["sub/a.csv"], "a path below the root that is known");
    let before = world.catalog_bytes();
    world.scout_of(file()).pass(&Stop::new()).await.unwrap();
    assert!(world.catalog_bytes() == before);
    // Its neighbour comes with the whole, and nothing is lost by naming one file.
    assert_eq!(world.pass().await.files_new, 1);
    world.scout_of(file()).pass(&Stop::new()).await.unwrap();
    assert_eq!(world.live().await, ["sub/a.csv", "sub/b.csv"]);
    let alone = Source::at(&world.at("sub/a.csv"), &[]).unwrap();
    assert_eq!(alone.path(), world.at("sub"), "without a known root, its directory is the root");
    world.remove("sub/a.csv");
    assert!(Source::at(&world.at("sub/a.csv"), &[world.root()]).is_err());
}

#[tokio::test]
async fn a_source_inside_our_own_output_is_refused() {
    let world = World::fresh().await;
    let state = world.temp().join("state");
    let error = world.scout_of(vec![world.source_at(&state)]).pass(&Stop::new()).await.unwrap_err();
    assert!(matches!(error, ScoutError::SourceIsOurs { .. }), "{error}");
}
