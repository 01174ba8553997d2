//! Half-written files, files that change under the reader, and changes that no stat shows.

use super::world::{World, now, sha256};
use catalog::Tagged;
use control::clock::{Clock, SystemClock};
use std::fs::{self, File, FileTimes};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

fn set_mtime(world: &World, path: &str, to: SystemTime) {
    let file = File::options().write(true).open(world.at(path)).unwrap();
    file.set_times(FileTimes::new().set_modified(to)).unwrap();
}

#[tokio::test]
async fn a_file_that_may_be_half_written_waits_until_it_is_settled() {
    let mut world = World::fresh().await;
    world.plugin("p", &["*"]).await;
    world.settle = Duration::from_secs(2);
    world.write("a", "1");
    let written_us = fs::metadata(world.at("a")).unwrap().mtime_nsec() / 1_000
        + fs::metadata(world.at("a")).unwrap().mtime() * 1_000_000;
    world.clock.set(written_us + 500_000);
    let report = world.pass().await;
    assert_eq!((report.files_new, report.versions, report.settling), (1, 0, 1));
    let due_us = report.due_us.unwrap();
    assert!((written_us + 2_000_000..written_us + 2_000_010).contains(&due_us), "{due_us}");
    world.clock.set(due_us);
    let report = world.pass().await;
    assert_eq!((report.versions, report.jobs, report.settling), (1, 1, 0));
}

#[tokio::test]
async fn a_file_dated_in_the_future_is_not_waited_for() {
    let mut world = World::fresh().await;
    world.plugin("p", &["*"]).await;
    world.settle = Duration::from_secs(2);
    world.write("a", "1");
    set_mtime(&world, "a", now() + Duration::from_secs(10 * 365 * 86_400));
    assert_eq!(world.pass().await.versions, 1);
}

#[tokio::test]
async fn f08_a_rewrite_of_the_same_size_and_time_is_noticed() {
    let world = World::fresh().await;
    world.plugin("p", &["*"]).await;
    world.write("a", "first!");
    let mtime = fs::metadata(world.at("a")).unwrap().modified().unwrap();
    world.pass().await;
    world.write("a", "second");
    set_mtime(&world, "a", mtime);
    let report = world.pass().await;
    assert_eq!((report.files_changed, report.versions), (1, 1));
    assert_eq!(world.version("a").await, Some((2, sha256("second"))));
}

/// Within one tick of its file system's clock, a rewrite leaves no trace in any stat. What that leaves behind is put
/// into the catalog by hand: the stat of after the rewrite, with the hash of before.
#[tokio::test]
async fn f08_a_rewrite_within_one_tick_is_caught_by_the_racy_rule() {
    let world = World::fresh().await;
    world.plugin("p", &["*"]).await;
    world.write("a", "second");
    world.scan().await;
    let table = world.catalog.routing_table().await.unwrap();
    let roots = world.root_ids().await;
    let todo = world.catalog.todo(&roots, table.epoch, None, 1).await.unwrap().remove(0);
    let tagged = Tagged {
        location: todo.id,
        seen: todo.stat,
        stat: todo.stat,
        hash: Some(sha256("first!")),
        racy: true,
        tags: &["auto_p".to_owned()],
        plugins: &table.plugins.iter().collect::<Vec<_>>(),
    };
    let mut tx = world.catalog.begin_scout().await.unwrap();
    tx.record(&[tagged], table.epoch, world.clock.now_us()).await.unwrap();
    tx.set_pass_open_until(0).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.version("a").await, Some((1, sha256("first!"))));
    world.clock.set(todo.stat.ctime_ns / 1_000 + 1_000);
    let early = world.idle_pass().await;
    world.clock.set(early.due_us.unwrap());
    let report = world.pass().await;
    assert_eq!((report.files_changed, report.versions), (0, 1));
    assert_eq!(world.version("a").await, Some((2, sha256("second"))));
    world.idle_pass().await;
}

#[tokio::test]
async fn a_racy_file_is_hashed_once_more_and_then_left_alone() {
    let world = World::fresh().await;
    world.plugin("p", &["*"]).await;
    world.clock.set(SystemClock.now_us());
    world.write("a", "1");
    assert_eq!(world.pass().await.versions, 1);
    let waiting = world.idle_pass().await;
    world.clock.set(waiting.due_us.unwrap());
    let report = world.pass().await;
    assert_eq!((report.files_hashed, report.versions, report.due_us), (1, 0, None));
    assert_eq!(world.idle_pass().await.files_hashed, 0);
}

#[tokio::test]
async fn a_file_that_grows_while_it_is_read_is_reported_and_versioned_when_it_rests() {
    let world = World::fresh().await;
    world.plugin("p", &["*"]).await;
    world.write("calm", "1");
    world.write("growing", vec![b'x'; 64 << 20]);
    static DONE: AtomicBool = AtomicBool::new(false);
    let path = world.at("growing");
    let writer = std::thread::spawn(move || {
        let mut file = File::options().append(true).open(path).unwrap();
        while !DONE.load(Ordering::Relaxed) {
            file.write_all(b"more").unwrap();
        }
    });
    let report = world.pass().await;
    DONE.store(true, Ordering::Relaxed);
    writer.join().unwrap();
    assert_eq!((report.versions, report.still_changing.count), (1, 1), "{report:?}");
    assert!(report.still_changing.shown[0].ends_with(b"/growing"));
    let report = world.pass().await;
    assert_eq!((report.versions, report.still_changing.count), (1, 0));
    let content = fs::read(world.at("growing")).unwrap();
    assert_eq!(world.version("growing").await, Some((1, sha256(content))));
    world.idle_pass().await;
}

#[tokio::test]
async fn f20_the_hour_that_comes_twice_makes_no_file_dirty() {
    let world = World::fresh().await;
    world.plugin("p", &["*"]).await;
    // 2026-10-25 00:30 UTC and an hour later: both are 02:30 in Berlin. Before 1970 and with nanoseconds, too.
    let autumn = SystemTime::UNIX_EPOCH + Duration::from_secs(1_792_888_200);
    let old = SystemTime::UNIX_EPOCH - Duration::new(3, 999_999_999);
    let hour = Duration::from_secs(3_600);
    for (name, time) in [("a", autumn), ("b", autumn + hour), ("c", old)] {
        world.write(name, name);
        set_mtime(&world, name, time);
    }
    assert_eq!(world.pass().await.versions, 3);
    assert_eq!(world.file("a").await.mtime_ns, 1_792_888_200_000_000_000);
    assert_eq!(world.file("b").await.mtime_ns, 1_792_891_800_000_000_000);
    assert_eq!(world.file("c").await.mtime_ns, -3_999_999_999);
    for _ in 0..2 {
        assert_eq!(world.idle_pass().await.files_hashed, 0);
    }
}
