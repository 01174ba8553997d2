//! `explain`: a path's story, and a reason that says what to do.

use super::project::{ORDERS, Project};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

#[track_caller]
fn explain(project: &Project, path: &str) -> Value {
    project.json(&["explain", path])
}

/// The word, and words that the reason has; in the text, too.
#[track_caller]
fn check(project: &Project, path: &str, status: &str, words: &[&str]) -> Value {
    let document = explain(project, path);
    assert_eq!(document["status"], status, "{path}: {document:#}");
    let reason = document["reason"].as_str().unwrap();
    for word in words {
        assert!(reason.contains(word), "{path}: '{word}' in '{reason}'");
    }
    let told = project.casparian(&["explain", path]);
    assert!(told.code == 0 && told.stdout.contains(&format!(": {status}: ")), "{}", told.stdout);
    document
}

#[test]
fn a_file_that_was_processed_tells_its_whole_story() {
    let project = Project::with_orders();
    project.write("data/a.csv", "x\n1\n2\n");
    project.json(&["run", "data"]);
    project.write("data/a.csv", "x\n5\n");
    project.json(&["run", "data"]);
    let document = check(&project, "data/a.csv", "completed", &["published 1 row to orders"]);
    let sequences = document["versions"].as_array().unwrap().iter();
    let sequences = sequences.map(|it| (it["sequence"].as_u64(), it["current"].as_bool()));
    assert_eq!(sequences.collect::<Vec<_>>(), [(Some(2), Some(true)), (Some(1), Some(false))]);
    assert_eq!(document["rules"][0]["pattern"], "*.csv");
    assert_eq!(
        (&document["tags"], &document["plugins"]),
        (&json!(["auto_orders"]), &json!(["orders"]))
    );
    let jobs = document["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 2);
    assert_eq!(jobs[0]["artifacts"][0]["rows"], 1);
    let replaced = jobs[1]["reason"].as_str().unwrap();
    assert!(
        replaced.contains(&format!("job {} replaced", jobs[0]["id"].as_str().unwrap())),
        "{replaced}"
    );
    assert!(document["seen"]["first_at"].is_string() && document["seen"]["deleted_at"].is_null());
    let absolute = project.path("data/a.csv");
    assert_eq!(explain(&project, absolute.to_str().unwrap()), document, "however it is named");
}

#[test]
fn a_file_that_nobody_wants_is_told_what_nearly_wanted_it() {
    let project = Project::with_orders();
    project.write("plugins/sales.py", ORDERS.replace("*.csv", "sales/*.txt"));
    for file in ["A.CSV", "b.csv.gz", "old/c.txt", "d.bin"] {
        project.write(&format!("data/{file}"), file);
    }
    project.json(&["run", "data"]);
    let near = |file: &str, words: &[&str]| {
        let document = check(&project, &format!("data/{file}"), "unrouted", words);
        document["nearly"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["differs_in"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        near("A.CSV", &["no rule matches", "'*.csv' would, but for upper and lower case"]),
        ["case"]
    );
    assert_eq!(near("b.csv.gz", &["without the last extension"]), ["extension"]);
    assert_eq!(
        near("old/c.txt", &["'sales/*.txt' matches its name, in another directory"]),
        ["directory"]
    );
    assert!(near("d.bin", &["no rule matches"]).is_empty());
}

#[test]
fn what_is_ignored_names_the_rule_and_its_place() {
    let project = Project::with_orders();
    project.write("data/.casparianignore", "drafts/\n");
    project.write("data/sub/.casparianignore", "*.old.csv\n");
    for file in ["drafts/a.csv", "sub/b.old.csv", "c.csv.tmp", "d.csv"] {
        project.write(&format!("data/{file}"), "x\n1\n");
    }
    project.write("casparian.toml", "[[sources]]\npath = \"data\"\nignore = [\"d.csv\"]\n");
    project.json(&["run"]);
    check(
        &project,
        "data/drafts/a.csv",
        "ignored",
        &["drafts is ignored", "'drafts/' in ", "data/.casparianignore"],
    );
    check(&project, "data/sub/b.old.csv", "ignored", &["'*.old.csv' in ", "sub/.casparianignore"]);
    check(&project, "data/c.csv.tmp", "ignored", &["never an input"]);
    check(&project, "data/d.csv", "ignored", &["casparian.toml"]);
    check(&project, "data/drafts", "ignored", &["drafts is ignored"]);
}

#[test]
fn a_path_without_a_story_is_told_why() {
    let project = Project::with_orders();
    project.write("data/a.csv", "x\n1\n");
    project.json(&["run", "data"]);
    project.write("data/new.csv", "x\n2\n");
    project.write("elsewhere/x.csv", "x\n3\n");
    check(&project, "data/new.csv", "not_scanned", &["casparian run"]);
    check(&project, "elsewhere/x.csv", "outside", &["no source has it"]);
    check(&project, "data/never.csv", "missing", &["there is no "]);
    std::os::unix::fs::symlink("a.csv", project.path("data/link.csv")).unwrap();
    check(&project, "data/link.csv", "special", &["symbolic link"]);
    let pipe = project.path("data/pipe.csv");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    check(&project, "data/pipe.csv", "special", &["named pipe"]);
    project.write("data/a.csv", "x\n1\n7\n");
    check(&project, "data/a.csv", "changed", &["since it was last scanned"]);
    fs::remove_file(project.path("data/a.csv")).unwrap();
    project.casparian(&["run", "data"]);
    check(&project, "data/a.csv", "deleted", &["1 row of it stay in the topics"]);
    project.write("data/locked/x.csv", "x\n1\n");
    fs::set_permissions(project.path("data/locked"), Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(project.path("data/locked")).is_err() {
        check(&project, "data/locked/x.csv", "unreadable", &["Permission denied"]);
    }
    fs::set_permissions(project.path("data/locked"), Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn failures_copies_and_directories_are_told_with_what_to_do() {
    let project = Project::with_orders();
    project.write("plugins/bad.py", "# PATTERN: *.bad\n# TOPIC: t\nfrom casparian_flow.sdk import BasePlugin\nclass Handler(BasePlugin):\n    def execute(self, path):\n        raise ValueError('no good')\n");
    project.write("data/a.csv", "x\n1\n");
    project.write("data/sub/copy.csv", "x\n1\n");
    project.write("data/sub/x.bad", "x");
    assert_eq!(project.casparian(&["run", "data"]).code, 3);
    check(&project, "data/sub/x.bad", "failed", &["ValueError: no good", "casparian jobs retry"]);
    let words = ["has the same bytes in the topics, from data/"];
    let copies = ["data/a.csv", "data/sub/copy.csv"].map(|path| explain(&project, path));
    let skipped = copies.iter().find(|it| it["status"] == "skipped").unwrap();
    assert!(words.iter().all(|word| skipped["reason"].as_str().unwrap().contains(word)));
    let document = check(&project, "data/sub", "directory", &["a scan walks it"]);
    assert_eq!((&document["files"], &document["jobs"]["FAILED"]), (&json!(2), &json!(1)));
    assert_eq!(check(&project, "data", "directory", &[])["files"], 3);
}

#[test]
fn a_name_that_is_no_text_has_a_story_too() {
    let project = Project::with_orders();
    let name = OsStr::from_bytes(b"data/caf\xe9.csv");
    fs::write(project.path("").join(name), "x\n1\n").unwrap();
    project.json(&["run", "data"]);
    let mut command = project.command(&["explain", "--json"]);
    command.arg(name);
    let document = super::project::Outcome::of(command).json();
    assert_eq!(document["status"], "completed");
    assert!(
        document["path"].as_str().unwrap().ends_with(r"data/caf\xe9.csv")
            && document["path_b64"].is_string()
    );
}
