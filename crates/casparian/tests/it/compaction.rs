//! Files that jobs share, read the way somebody else reads them: each row is there once when a run has ended, in few files.

use super::project::{Project, until};
use serde_json::json;
use std::time::Duration;

const FILES: usize = 60;
const SLOW: &str = r#"# PATTERN: *.slow
# TOPIC: slow
import time
from casparian_flow.sdk import BasePlugin

class Handler(BasePlugin):
    def execute(self, path):
        time.sleep(0.2)
        return [{"x": 1}]
"#;

fn name(file: usize) -> String {
    format!("data/{file:03}.csv")
}

fn with_files() -> (Project, Vec<String>) {
    let project = Project::with_orders();
    project.write("data/first.csv", "x\nfirst\n");
    project.json(&["run", "data"]);
    (0..FILES).for_each(|file| project.write(&name(file), format!("x\nold-{file:03}\n")));
    project.json(&["run", "data"]);
    let rows = (0..FILES).map(|file| format!("old-{file:03}"));
    let rows = std::iter::once("first".to_owned()).chain(rows).collect::<Vec<_>>();
    check(&project, rows.clone());
    (project, rows)
}

#[track_caller]
fn check(project: &Project, mut rows: Vec<String>) {
    rows.sort();
    assert_eq!(project.column("orders", "x"), rows);
    let proof = project.casparian(&["verify"]);
    assert_eq!(proof.code, 0, "{}{}", proof.stdout, proof.stderr);
}

fn rewrite(project: &Project, rows: &mut [String], files: impl Iterator<Item = usize>) {
    for file in files {
        project.write(&name(file), format!("x\nnew-{file:03}\n"));
        rows[file + 1] = format!("new-{file:03}");
    }
}

#[test]
fn a_run_that_replaces_one_of_many_rows_leaves_none_of_the_old_ones_to_a_plain_reader() {
    let (project, mut rows) = with_files();
    assert!(project.parts("orders").len() < FILES / 2);
    rewrite(&project, &mut rows, (0..FILES).step_by(7));
    project.json(&["run", "data"]);
    check(&project, rows);
    let old = project.json(&["trace", "orders", "--where", "x = 'old-007'"]);
    assert_eq!(old["rows"], json!([]), "{old:#}");
    let new = project.json(&["trace", "orders", "--where", "x = 'new-007'"]);
    assert_eq!(new["rows"].as_array().unwrap().len(), 1, "{new:#}");
}

#[test]
fn small_files_that_come_over_time_become_few() {
    let project = Project::with_orders();
    let mut rows = Vec::new();
    for turn in 0..20 {
        project.write(&name(turn), format!("x\n{turn:03}\n"));
        rows.push(format!("{turn:03}"));
        project.json(&["run", "data"]);
    }
    let parts = project.parts("orders").len();
    assert!(parts <= 8, "{parts} files of 20");
    check(&project, rows);
    let kept = std::fs::read_dir(project.path("lake/orders/_history")).map_or(0, Iterator::count);
    assert_eq!(kept, 0, "what lies in another file is not kept");
}

/// While one is at work, and also where it is killed over and over.
#[test]
fn a_run_that_is_killed_while_it_compacts_loses_and_doubles_nothing() {
    let (project, mut rows) = with_files();
    for turn in 0..6 {
        rewrite(&project, &mut rows, (turn..FILES).step_by(11));
        let point = ["worker-compacted-before-sync", "sentinel-compacted-before-commit"][turn % 2];
        let plan = format!("{point}:1:kill");
        let run = project.start_with(&["run", "data"], &[("CASPARIAN_TEST_CRASH", &plan)]);
        until("it is killed", || run.state() == 'Z');
    }
    project.json(&["run", "data"]);
    check(&project, rows);
}

/// Not at once, as there is always something else to do; but without an end of that.
#[test]
fn old_rows_leave_shared_files_also_while_there_is_other_work() {
    let (project, mut rows) = with_files();
    project.write("plugins/slow.py", SLOW);
    (0..400).for_each(|n| project.write(&format!("data/{n}.slow"), n.to_string()));
    rewrite(&project, &mut rows, (0..FILES).step_by(9));
    let settings = "[[sources]]\npath = \"data\"\nsettle = \"0s\"\n[worker]\nslots = 1\n[plugins.orders.limits]\npriority = 9\n";
    project.write("casparian.toml", settings);
    let serve = project.start(&["serve", "--bind", &project.address()]);
    rows.sort();
    until("the old rows are gone", || {
        std::thread::sleep(Duration::from_millis(200));
        project.column("orders", "x") == rows
    });
    let waiting = project.json(&["status"])["waiting"]["queued"].clone();
    assert!(waiting.as_u64() > Some(0), "there is still other work: {waiting}");
    serve.signal("TERM");
    assert!(serve.wait().is_some());
}
