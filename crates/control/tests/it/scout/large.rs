//! Many files in one directory, many directories in one.

use super::world::World;
use std::fs;

#[tokio::test]
async fn a_hundred_thousand_files_in_one_directory() {
    let world = World::fresh().await;
    fs::create_dir(world.at("d")).unwrap();
    let path = |i: usize| world.at(format!("d/file_{i:06}.csv"));
    for i in 0..100_000 {
        fs::File::create(path(i)).unwrap();
    }
    let report = world.scan().await;
    assert_eq!((report.files_seen, report.files_new), (100_000, 100_000));
    world.idle_scan().await;
    // Changes at both ends and in the middle, and a few that are new.
    for i in [0, 1, 50_000, 99_999] {
        fs::write(path(i), "changed").unwrap();
    }
    (60_000..60_010).for_each(|i| fs::remove_file(path(i)).unwrap());
    (100_000..100_003).for_each(|i| drop(fs::File::create(path(i)).unwrap()));
    let report = world.scan().await;
    assert_eq!((report.files_changed, report.files_deleted, report.files_new), (4, 10, 3));
    assert_eq!(report.files_seen, 99_993);
    world.idle_scan().await;
}

#[tokio::test]
async fn ten_thousand_directories_in_one() {
    let world = World::fresh().await;
    for i in 0..10_000 {
        fs::create_dir(world.at(format!("d{i}"))).unwrap();
    }
    world.write("d5000/file", "1");
    let report = world.scan().await;
    assert_eq!((report.directories_seen, report.files_seen), (10_001, 1));
    world.idle_scan().await;
}
