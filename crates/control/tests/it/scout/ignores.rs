//! Ignore files, settings and our own directories.

use super::world::World;
use std::fs;

#[tokio::test]
async fn ignore_files_nest() {
    let mut world = World::fresh().await;
    world.ignore = vec!["*.log".into()];
    world.write(".casparianignore", "*.csv\nskipped/\n!keep.csv\n");
    world.write("in/.casparianignore", "!again.csv\n/here.txt\n");
    for path in [
        "a.csv",
        "keep.csv",
        "b.txt",
        "c.log",
        "d.tmp",
        "e.part",
        ".DS_Store",
        "skipped/f.txt",
        ".git/config",
        "__pycache__/x.pyc",
        "in/again.csv",
        "in/g.csv",
        "in/here.txt",
        "in/deep/here.txt",
        "in/deep/again.csv",
        ".hidden",
    ] {
        world.write(path, path);
    }
    world.scan().await;
    let expected = [
        ".casparianignore",
        ".hidden",
        "b.txt",
        "in/.casparianignore",
        "in/again.csv",
        "in/deep/again.csv",
        "in/deep/here.txt",
        "keep.csv",
    ];
    assert_eq!(world.live().await, expected);
    world.idle_scan().await;
}

#[tokio::test]
async fn an_ignored_directory_is_not_walked() {
    let world = World::fresh().await;
    world.write(".casparianignore", "deep/\n");
    world.write("deep/a/b", "1");
    world.write("shallow/c", "2");
    let report = world.scan().await;
    assert_eq!(report.directories_seen, 2, "the root and 'shallow'");
}

#[tokio::test]
async fn what_is_ignored_later_leaves_and_keeps_its_rows() {
    let world = World::fresh().await;
    world.plugin("p", &["*"]).await;
    for path in ["a.csv", "b.txt", "d/c.csv"] {
        world.write(path, path);
    }
    world.pass().await;
    let jobs = world.jobs().await;
    world.write(".casparianignore", "a.csv\nd/\n.casparianignore\n");
    let report = world.pass().await;
    assert_eq!((report.files_deleted, report.files_new), (2, 0));
    assert_eq!(world.live().await, ["b.txt"]);
    assert_eq!(world.jobs().await, jobs, "nothing is retracted");
    world.idle_pass().await;
    world.remove(".casparianignore");
    let report = world.pass().await;
    assert_eq!((report.files_new, report.versions, report.jobs), (2, 0, 0));
    assert_eq!(world.live().await, ["a.csv", "b.txt", "d/c.csv"]);
    world.idle_pass().await;
}

#[tokio::test]
async fn our_own_output_is_no_input() {
    let world = World::fresh().await;
    world.write("a.csv", "1");
    world.write("lake/orders/part-1.parquet", "2");
    world.write("sub/lake/not_ours", "3");
    world.write("sub/own.db", "a file of ours");
    let report = world.scan().await;
    assert_eq!(report.unreadable.count, 0);
    assert_eq!(world.live().await, ["a.csv", "sub/lake/not_ours"]);
    // Not even where an ignore file asks for it.
    world.write(".casparianignore", "!lake/\n");
    world.scan().await;
    assert!(!world.live().await.contains(&"lake/orders/part-1.parquet".to_owned()));
}

#[tokio::test]
async fn a_bad_line_is_told_and_the_others_hold() {
    let mut world = World::fresh().await;
    world.write(".casparianignore", "a[z-a]\n*.csv\n");
    world.write("a.csv", "1");
    let report = world.scan().await;
    assert_eq!(report.bad_ignores.count, 1);
    assert!(report.bad_ignores.shown[0].contains("/root/.casparianignore: 'a[z-a]'"));
    assert_eq!(world.live().await, [".casparianignore"]);
    world.ignore = vec!["a[z-a]".into()];
    let error = world.try_pass().await.unwrap_err().to_string();
    assert!(error.starts_with("'a[z-a]' is no ignore pattern: "), "{error}");
}

#[tokio::test]
async fn without_its_ignore_file_nothing_of_a_directory_is_taken() {
    let world = World::fresh().await;
    world.write("d/secret.csv", "1");
    world.write("d/.casparianignore", "#".repeat(2 << 20));
    world.write("e/x.csv", "2");
    let report = world.scan().await;
    assert_eq!(report.unreadable.count, 1);
    assert!(report.unreadable.shown[0].reason.contains("at most 1 MiB"), "{report:?}");
    assert_eq!(world.live().await, ["e/x.csv"]);
    fs::write(world.at("d/.casparianignore"), "secret.csv").unwrap();
    world.scan().await;
    assert_eq!(world.live().await, ["d/.casparianignore", "e/x.csv"]);
}
