//! Versions, tags and jobs.

use super::world::{World, sha256};
use control::Stop;
use control::scout::HashMode;
use std::time::Duration;

#[tokio::test]
async fn each_content_that_a_path_held_is_a_version() {
    let world = World::fresh().await;
    world.plugin("p", &["*.csv"]).await;
    for (sequence, content) in [(1, "A"), (2, "B"), (3, "A")] {
        world.write("x.csv", content);
        let report = world.pass().await;
        assert_eq!((report.versions, report.jobs), (1, 1), "{content}");
        assert_eq!(world.version("x.csv").await, Some((sequence, sha256(content))));
        world.idle_pass().await;
    }
    assert_eq!(world.jobs().await, ["p x.csv"; 3]);
}

#[tokio::test]
async fn f09_two_plugins_with_the_same_pattern_both_get_the_file() {
    let world = World::fresh().await;
    world.plugin("one", &["*.csv"]).await;
    world.plugin("two", &["*.csv"]).await;
    world.write("x.csv", "1");
    let report = world.pass().await;
    assert_eq!((report.versions, report.jobs), (1, 2));
    assert_eq!(world.jobs().await, ["one x.csv", "two x.csv"]);
    assert_eq!(world.file("x.csv").await.tags, "auto_one,auto_two");
}

#[tokio::test]
async fn f10_a_plugin_that_comes_later_gets_what_is_already_inventoried() {
    let world = World::fresh().await;
    world.plugin("early", &["*.csv"]).await;
    world.write("x.csv", "1");
    world.write("y.txt", "2");
    world.pass().await;
    world.plugin("late", &["*"]).await;
    let report = world.pass().await;
    assert_eq!((report.files_new, report.versions, report.jobs), (0, 1, 2));
    assert_eq!(report.files_hashed, 1, "x.csv has its version");
    let mut jobs = world.jobs().await;
    jobs.sort();
    assert_eq!(jobs, ["early x.csv", "late x.csv", "late y.txt"]);
    assert_eq!(world.file("x.csv").await.tags, "auto_early,auto_late");
    world.idle_pass().await;
}

#[tokio::test]
async fn what_no_plugin_wants_is_not_hashed_unless_asked() {
    let mut world = World::fresh().await;
    world.plugin("p", &["*.csv"]).await;
    world.write("x.csv", "1");
    world.write("y.txt", "2");
    let report = world.pass().await;
    assert_eq!((report.files_hashed, report.versions), (1, 1));
    assert_eq!(world.version("y.txt").await, None);
    world.hash = HashMode::All;
    let report = world.pass().await;
    assert_eq!((report.files_hashed, report.versions, report.jobs), (1, 1, 0));
    assert_eq!(world.version("y.txt").await, Some((1, sha256("2"))));
    world.idle_pass().await;
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let world = World::fresh().await;
    world.plugin("p", &["*"]).await;
    world.write("empty", "");
    world.pass().await;
    assert_eq!(world.version("empty").await, Some((1, sha256(""))));
}

#[tokio::test]
async fn a_file_larger_than_any_buffer_is_hashed_whole() {
    let world = World::fresh().await;
    world.plugin("p", &["*"]).await;
    let content: Vec<u8> = (0..3_000_001_u32).map(|i| ((i * 31) >> 3) as u8).collect();
    world.write("large", &content);
    let report = world.pass().await;
    assert_eq!((report.bytes_hashed, report.files_hashed), (3_000_001, 1));
    assert_eq!(world.version("large").await, Some((1, sha256(&content))));
}

#[tokio::test]
async fn a_file_that_came_between_walk_and_tagger_is_taken_as_it_is() {
    let world = World::fresh().await;
    world.plugin("p", &["*"]).await;
    world.write("a", "as the inventory saw it");
    world.scan().await;
    world.write("a", "as it was hashed");
    // The walk sees the new stat too; so only the tagger is run, over a source that names another file.
    world.write("b", "");
    let mut file = control::scout::Source::at(&world.at("a"), &[world.root()]).unwrap();
    file.ignore.clear();
    let report = world.scout_of(vec![file]).pass(&Stop::new()).await.unwrap();
    assert_eq!(report.versions, 1);
    assert_eq!(world.version("a").await, Some((1, sha256("as it was hashed"))));
    world.pass().await;
    world.idle_pass().await;
}

#[tokio::test]
async fn a_stopped_pass_goes_on_with_the_next() {
    let world = World::fresh().await;
    world.plugin("p", &["*"]).await;
    (0..50).for_each(|i| world.write(format!("f{i}"), i.to_string()));
    let stop = Stop::new();
    stop.stop();
    let report = world.scout().pass(&stop).await.unwrap();
    assert!(report.stopped);
    assert!(report.versions < 50);
    let rest = world.pass().await;
    assert_eq!(report.versions + rest.versions, 50);
    assert!(!rest.stopped);
}

#[tokio::test]
async fn a_file_that_changed_under_its_parser_is_looked_at_whatever_its_stat_says() {
    let world = World::fresh().await;
    world.plugin("p", &["*"]).await;
    world.write("a", "1");
    world.pass().await;
    world.fail_as_changed().await;
    assert_eq!(world.admit().await, 0, "nobody has looked yet");
    world.clock.advance(Duration::from_secs(1));
    let report = world.pass().await;
    assert_eq!((report.files_hashed, report.versions), (1, 0));
    assert_eq!(world.admit().await, 1, "the same content after all");
    world.fail_as_changed().await;
    world.write("a", "2");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.pass().await.versions, 1);
    assert_eq!(world.admit().await, 1, "the new version alone");
    assert_eq!(world.version("a").await, Some((2, sha256("2"))));
}
