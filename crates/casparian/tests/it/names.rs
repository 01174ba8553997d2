//! File names are hostile: bytes that are no text, escape sequences, newlines.

use super::project::{ORDERS, Project};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

fn with_hostile_names() -> Project {
    let project = Project::with_orders();
    for name in [&b"caf\xe9.csv"[..], b"two\nlines.csv", b"\x1b[31mred.csv"] {
        let path = project.path("data").join(OsStr::from_bytes(name));
        std::fs::write(path, format!("x\n{}\n", name.len())).unwrap();
    }
    project
}

#[test]
fn f16_names_that_are_no_text_are_processed_like_any_other() {
    let project = with_hostile_names();
    let long = format!("{}.csv", "n".repeat(251));
    project.write(&format!("data/{long}"), "x\n4\n");
    let document = project.json(&["run", "data"]);
    assert_eq!(document["jobs_completed"], 4, "{document:#}");
}

#[test]
fn names_are_cleaned_before_a_terminal_sees_them() {
    let project = with_hostile_names();
    project.json(&["scan", "data"]);
    let outcome = project.casparian(&["files"]);
    for shown in [r"data/caf\xe9.csv", r"data/two\x0alines.csv", r"data/\x1b[31mred.csv"] {
        assert!(outcome.stdout.contains(shown), "{}", outcome.stdout);
    }
    assert!(!outcome.stdout.contains('\x1b'));
    assert_eq!(outcome.stdout.lines().count(), 4, "a header and a line for each");
}

#[test]
fn a_document_has_the_bytes_of_names_that_are_no_text() {
    let project = with_hostile_names();
    project.json(&["scan", "data"]);
    let document = project.json(&["files", "caf*"]);
    let file = &document["files"][0];
    assert!(file["path"].as_str().unwrap().ends_with(r"data/caf\xe9.csv"));
    let encoded = file["path_b64"].as_str().unwrap();
    assert!(encoded.len() > 8, "{encoded}");
    let plain = project.json(&["files", "two*"]);
    assert!(plain["files"][0].get("path_b64").is_none());
    assert!(plain["files"][0]["path"].as_str().unwrap().ends_with("two\nlines.csv"));
}

#[test]
fn what_a_plugin_says_is_cleaned_too() {
    let project = Project::with_orders();
    project.write(
        "plugins/orders.py",
        ORDERS.replace("return", "raise ValueError('\\x1b[2J')\n        return"),
    );
    project.write("data/a.csv", "x\n1\n");
    let outcome = project.casparian(&["run", "data"]);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    assert!(
        outcome.stdout.contains(r"\x1b[2J") && !outcome.stdout.contains('\x1b'),
        "{}",
        outcome.stdout
    );
}

#[test]
fn what_cannot_be_an_input_is_passed_over_and_never_fatal() {
    let project = Project::with_orders();
    project.write("data/a.csv", "x\n1\n");
    let link = |to: &str, name: &str| {
        std::os::unix::fs::symlink(to, project.path("data").join(name)).unwrap();
    };
    link("nowhere", "dangling.csv");
    link("loop.csv", "loop.csv");
    link(".", "round");
    let _socket = std::os::unix::net::UnixListener::bind(project.path("data/socket.csv")).unwrap();
    let document = project.json(&["run", "data"]);
    assert_eq!((&document["files_seen"], &document["jobs_completed"]), (&1.into(), &1.into()));
}
