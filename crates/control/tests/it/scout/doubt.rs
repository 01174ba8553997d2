//! Source roots that may not be what they were: what is missing in them does not count as deleted.

use super::world::World;
use catalog::DoubtReason;
use control::Stop;
use control::scout::{MANY_FILES, PassReport, Scout};
use std::fs;

async fn of_many_files() -> World {
    let world = World::fresh().await;
    world.plugin("p", &["*.csv"]).await;
    for i in 0..MANY_FILES {
        world.write(format!("d{}/{i}.csv", i % 7), i.to_string());
    }
    world.pass().await;
    world
}

/// What an unmounted file system leaves: another directory, empty.
fn take_away(world: &World) {
    fs::rename(world.root(), world.temp().join("away")).unwrap();
    fs::create_dir(world.root()).unwrap();
}

fn bring_back(world: &World) {
    fs::remove_dir_all(world.root()).unwrap();
    fs::rename(world.temp().join("away"), world.root()).unwrap();
}

fn doubt(report: &PassReport) -> Option<(DoubtReason, u64)> {
    assert_eq!(report.files_deleted, 0);
    report.in_doubt.shown.first().map(|root| (root.doubt.reason, root.doubt.missing))
}

async fn confirmed(world: &World) -> PassReport {
    let mut settings = world.settings_of(vec![world.source()]);
    settings.confirm_deletions = true;
    let mut scout = Scout::new(world.catalog.clone(), world.clock.clone(), settings);
    scout.scan(&Stop::new()).await.unwrap()
}

#[tokio::test]
async fn an_empty_directory_in_the_place_of_a_root_deletes_nothing() {
    let world = World::fresh().await;
    world.plugin("p", &["*.csv"]).await;
    for path in ["1.csv", "d/2.csv", "d/e/3.csv"] {
        world.write(path, path);
    }
    world.pass().await;
    take_away(&world);
    assert_eq!(doubt(&world.pass().await), Some((DoubtReason::Directory, 3)));
    assert_eq!(doubt(&world.idle_pass().await), Some((DoubtReason::Directory, 3)));
    // What comes meanwhile is taken, and ends no doubt.
    world.write("4.csv", "4");
    let report = world.pass().await;
    assert_eq!((doubt(&report), report.versions), (Some((DoubtReason::Directory, 3)), 1));
    assert_eq!(world.live().await.len(), 4);
    assert_eq!(world.catalog.doubted_roots().await.unwrap().len(), 1);
    bring_back(&world);
    let report = world.pass().await;
    assert_eq!((report.in_doubt.count, report.files_deleted), (0, 1), "the file in between left");
    assert_eq!(world.live().await, ["1.csv", "d/2.csv", "d/e/3.csv"]);
    assert!(world.catalog.doubted_roots().await.unwrap().is_empty());
    world.idle_pass().await;
}

#[tokio::test]
async fn a_root_that_many_files_leave_at_once_is_asked_about() {
    let world = of_many_files().await;
    for i in 0..7 {
        world.remove(format!("d{i}"));
    }
    assert_eq!(doubt(&world.pass().await), Some((DoubtReason::Empty, MANY_FILES)));
    assert_eq!(world.live().await.len() as u64, MANY_FILES);
    assert_eq!(confirmed(&world).await.files_deleted, MANY_FILES);
    assert!(world.live().await.is_empty());
    world.pass().await;
    world.idle_pass().await;
}

#[tokio::test]
async fn a_confirmed_root_is_the_one_that_counts_from_then_on() {
    let world = World::fresh().await;
    world.write("1.csv", "1");
    world.scan().await;
    take_away(&world);
    assert_eq!(doubt(&world.scan().await), Some((DoubtReason::Directory, 1)));
    assert_eq!(confirmed(&world).await.files_deleted, 1);
    world.write("2.csv", "2");
    world.scan().await;
    world.remove("2.csv");
    let report = world.scan().await;
    assert_eq!((report.in_doubt.count, report.files_deleted), (0, 1));
}

#[tokio::test]
async fn a_tree_that_was_moved_into_place_replaces_the_one_that_was_there() {
    let world = World::fresh().await;
    world.write("1.csv", "1");
    world.write("2.csv", "2");
    world.scan().await;
    take_away(&world);
    world.write("3.csv", "3");
    let report = world.scan().await;
    assert_eq!((report.in_doubt.count, report.files_deleted, report.files_new), (0, 2, 1));
}
