//! Files and directories that leave, move and come back.

use super::world::{World, sha256};
use control::clock::Clock;

async fn deleted(world: &World) -> Vec<String> {
    let files = world.files().await.into_iter().filter(|(_, row)| row.status == "deleted");
    files.map(|(path, _)| path.escape_ascii().to_string()).collect()
}

#[tokio::test]
async fn a_deleted_file_leaves_and_may_come_back() {
    let world = World::fresh().await;
    world.plugin("p", &["*.csv"]).await;
    world.write("a.csv", "1");
    world.write("b.csv", "2");
    world.pass().await;
    world.remove("a.csv");
    assert_eq!(world.pass().await.files_deleted, 1);
    assert_eq!(deleted(&world).await, ["a.csv"]);
    world.idle_pass().await;
    world.write("a.csv", "1");
    let report = world.pass().await;
    assert_eq!((report.files_new, report.files_changed, report.versions), (1, 0, 0));
    assert_eq!(world.live().await, ["a.csv", "b.csv"]);
    world.idle_pass().await;
}

#[tokio::test]
async fn a_deleted_directory_takes_all_below_it() {
    let world = World::fresh().await;
    for path in ["d/1", "d/e/2", "d/e/f/3", "d-x/4", "d0/5", "e/6"] {
        world.write(path, path);
    }
    world.scan().await;
    world.remove("d");
    assert_eq!(world.scan().await.files_deleted, 3);
    assert_eq!(deleted(&world).await, ["d/1", "d/e/2", "d/e/f/3"]);
    world.idle_scan().await;
    world.write("d/e/2", "again");
    assert_eq!(world.scan().await.files_new, 1);
    assert_eq!(deleted(&world).await, ["d/1", "d/e/f/3"]);
    world.idle_scan().await;
}

#[tokio::test]
async fn one_of_many_directories_is_missed() {
    let world = World::fresh().await;
    // More than are read at once, and each with more below it.
    for i in 0..250 {
        world.write(format!("d{i}/x/file"), "");
    }
    world.scan().await;
    world.remove("d77");
    world.remove("d249/x");
    assert_eq!(world.scan().await.files_deleted, 2);
    assert_eq!(deleted(&world).await, ["d249/x/file", "d77/x/file"]);
}

#[tokio::test]
async fn a_directory_that_became_a_file_or_a_link_is_gone() {
    let world = World::fresh().await;
    for path in ["a/1", "b/2", "real/3"] {
        world.write(path, path);
    }
    world.scan().await;
    world.remove("a");
    world.write("a", "a file now");
    world.remove("b");
    std::os::unix::fs::symlink("real", world.at("b")).unwrap();
    let report = world.scan().await;
    assert_eq!((report.files_deleted, report.files_new), (2, 1));
    assert_eq!(world.live().await, ["a", "real/3"]);
}

#[tokio::test]
async fn a_renamed_file_is_versioned_at_its_new_path_before_the_old_one_leaves() {
    let world = World::fresh().await;
    world.plugin("p", &["*.csv"]).await;
    world.write("old.csv", "1");
    world.pass().await;
    world.rename("old.csv", "new.csv");
    let report = world.pass().await;
    assert_eq!((report.files_new, report.files_deleted, report.versions), (1, 1, 1));
    assert_eq!(world.version("new.csv").await, Some((1, sha256("1"))));
    // The first job has not run yet: the second waits for the Sentinel to decide whether it is needed.
    let jobs = world.job_rows().await;
    let holds: Vec<_> = jobs.iter().map(|job| job.hold.as_deref()).collect();
    assert_eq!(holds, [None, Some("admit")]);
    world.idle_pass().await;
}

#[tokio::test]
async fn a_renamed_directory_moves_all_its_files() {
    let world = World::fresh().await;
    for path in ["d/1", "d/e/2"] {
        world.write(path, path);
    }
    world.scan().await;
    world.rename("d", "moved");
    let report = world.scan().await;
    assert_eq!((report.files_new, report.files_deleted), (2, 2));
    assert_eq!(world.live().await, ["moved/1", "moved/e/2"]);
    world.idle_scan().await;
}

#[tokio::test]
async fn everything_may_be_deleted() {
    let world = World::fresh().await;
    for path in ["1", "d/2", "d/e/3"] {
        world.write(path, path);
    }
    world.scan().await;
    world.remove("1");
    world.remove("d");
    assert_eq!(world.scan().await.files_deleted, 3);
    assert!(world.live().await.is_empty());
    world.idle_scan().await;
}

#[tokio::test]
async fn a_pass_is_open_until_everything_is_versioned() {
    let world = World::fresh().await;
    world.plugin("p", &["*.csv"]).await;
    world.write("a.csv", "1");
    let is_open = async || world.catalog.pass_open_until().await.unwrap() > world.clock.now_us();
    world.scan().await;
    assert!(is_open().await, "what the scan found has no version yet");
    world.pass().await;
    assert!(!is_open().await);
    world.rename("a.csv", "b.csv");
    world.scan().await;
    assert!(is_open().await, "the old path is gone, the new one has no version");
    world.pass().await;
    assert!(!is_open().await);
    // A scan that left nothing to do but its mark.
    world.remove("b.csv");
    world.scan().await;
    world.pass().await;
    assert!(!is_open().await);
    world.idle_pass().await;
}
