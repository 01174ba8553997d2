//! Topics in an SQLite file, seen by another program.

use super::project::{Project, variable};
use serde_json::json;
use std::process::Command;

fn plugin(options: &str) -> String {
    format!(
        r#"# PATTERN: *.csv
# TOPIC: orders sqlite://out/facts.db
# OPTIONS: orders: {options}
import csv
from casparian_flow.sdk import BasePlugin

class Handler(BasePlugin):
    def execute(self, path):
        with open(path, newline="") as file:
            return list(csv.DictReader(file))
"#
    )
}

fn project(options: &str) -> Project {
    let project = Project::new();
    project.write("plugins/orders.py", plugin(options));
    project.write("data/a.csv", "id,note\n1,x\n2,\n");
    project.write("data/b.csv", "note,id\ny,3\n");
    project
}

/// What the shell of SQLite says.
fn ask(project: &Project, sql: &str) -> String {
    let mut shell = Command::new("sqlite3");
    shell.arg(project.path("lake/out/facts.db")).arg(sql).env("PATH", variable("PATH").unwrap());
    let output = shell.output().expect("the sqlite3 shell is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn ids(project: &Project) -> String {
    ask(
        project,
        "SELECT group_concat(id || ':' || note, ' ') FROM (SELECT * FROM orders ORDER BY id)",
    )
}

#[track_caller]
fn run(project: &Project) {
    let run = project.casparian(&["run", "data"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let proof = project.casparian(&["verify", "--json"]);
    assert_eq!(proof.code, 0, "{}", proof.stdout);
}

#[test]
fn f04_columns_go_by_name_and_every_row_says_where_it_comes_from() {
    let project = project("history=current");
    run(&project);
    assert_eq!(ids(&project), "1:x 2: 3:y\n");
    let jobs = ask(
        &project,
        "SELECT count(DISTINCT _job_id), count(DISTINCT _file_version_id) FROM orders",
    );
    assert_eq!(jobs, "2|2\n");
    let again = project.json(&["run", "data"]);
    assert_eq!((&again["jobs_completed"], &again["rows"]), (&json!(0), &json!(0)));
    let topic = &project.json(&["topics", "orders"])["topics"][0];
    assert_eq!(
        (&topic["rows"], &topic["uri"]),
        (&json!(3), &json!("sqlite://out/facts.db/orders"))
    );
}

#[test]
fn a_rewritten_and_a_deleted_file_leave_the_table() {
    let project = project("on_delete=retract");
    run(&project);
    project.write("data/a.csv", "id,note,new\n7,z,1\n");
    run(&project);
    assert_eq!(ids(&project), "3:y 7:z\n");
    assert_eq!(ask(&project, "SELECT new FROM orders WHERE id = 3"), "\n");
    std::fs::remove_file(project.path("data/b.csv")).unwrap();
    run(&project);
    assert_eq!(ids(&project), "7:z\n");
}

#[test]
fn the_same_content_at_two_paths_stays_until_neither_has_it() {
    let project = project("on_delete=retract");
    project.write("data/c.csv", "note,id\ny,3\n");
    run(&project);
    assert_eq!(ids(&project), "1:x 2: 3:y\n");
    project.write("data/b.csv", "note,id\nyy,33\n");
    run(&project);
    assert_eq!(ids(&project), "1:x 2: 3:y 33:yy\n");
    std::fs::remove_file(project.path("data/c.csv")).unwrap();
    run(&project);
    assert_eq!(ids(&project), "1:x 2: 33:yy\n");
}

#[test]
fn history_keeps_all_versions_and_a_backfill_replaces_the_rows() {
    let project = project("history=all");
    run(&project);
    project.write("data/b.csv", "note,id\nyy,33\n");
    run(&project);
    assert_eq!(ids(&project), "1:x 2: 3:y 33:yy\n");
    let project = self::project("history=current");
    run(&project);
    let source = plugin("history=current").replace(
        "return list(csv.DictReader(file))",
        "return [{**row, 'version': 2} for row in csv.DictReader(file)]",
    );
    project.write("plugins/orders.py", source);
    assert_eq!(project.casparian(&["backfill", "orders"]).code, 0);
    run(&project);
    assert_eq!(ids(&project), "1:x 2: 3:y\n");
    assert_eq!(ask(&project, "SELECT sum(version) FROM orders"), "6\n");
}

#[test]
fn verify_names_rows_that_are_gone_or_nobodys_and_puts_them_right() {
    let project = project("history=current");
    run(&project);
    ask(&project, "DELETE FROM orders WHERE id = 2");
    ask(
        &project,
        "INSERT INTO orders (id, note, _job_id, _file_version_id) VALUES ('9', 'q', 12345, 1)",
    );
    let proof = project.casparian(&["verify", "--json"]);
    assert_eq!(proof.code, 5);
    let kinds = &proof.json()["counts"];
    assert_eq!(*kinds, json!({ "rows_differ": 1, "unknown_file": 1 }), "{}", proof.stdout);
    let repaired = project.casparian(&["verify", "--repair"]);
    assert_eq!(repaired.code, 5, "{}{}", repaired.stdout, repaired.stderr);
    run(&project);
    assert_eq!(ids(&project), "1:x 2: 3:y\n");
}

#[test]
fn one_topic_in_a_table_and_in_files_has_the_same_rows_in_both() {
    let project = project("history=current");
    let source = plugin("history=current")
        .replace("# OPTIONS", "# TOPIC: orders parquet://orders\n# OPTIONS");
    project.write("plugins/orders.py", source);
    run(&project);
    project.write("data/a.csv", "id,note\n8,w\n");
    run(&project);
    assert_eq!(ids(&project), "3:y 8:w\n");
    let topics = project.json(&["topics"]);
    let rows = topics["topics"].as_array().unwrap().iter().map(|topic| topic["rows"].as_u64());
    assert_eq!(rows.collect::<Vec<_>>(), [Some(2), Some(2)]);
}

#[test]
fn a_worker_that_is_killed_again_and_again_loads_every_row_once() {
    let project = project("history=current");
    for number in 0..300 {
        project.write(&format!("data/n{number}.csv"), format!("id,note\n{},n\n", 1_000 + number));
    }
    for wait_ms in [150, 300, 450, 600, 750] {
        let running = project.start(&["run", "data"]);
        std::thread::sleep(std::time::Duration::from_millis(wait_ms));
        running.signal("KILL");
        running.wait();
    }
    run(&project);
    let counts = ask(&project, "SELECT count(*), count(DISTINCT id) FROM orders");
    assert_eq!(counts, "303|303\n");
}

#[test]
fn a_table_that_cannot_take_the_rows_fails_the_job_before_it_is_granted() {
    let project = project("history=current");
    std::fs::create_dir_all(project.path("lake/out")).unwrap();
    ask(&project, "CREATE TABLE orders (theirs)");
    project.write("plugins/orders.py", format!("# RETRIES: 0\n{}", plugin("history=current")));
    let run = project.casparian(&["run", "data"]);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    let jobs = project.json(&["jobs", "list"]);
    for job in jobs["jobs"].as_array().unwrap() {
        let error = job["error"].as_str().unwrap();
        assert!(
            error.contains("table 'orders' was not made by this sink; drop or rename it"),
            "{error}"
        );
    }
    assert_eq!(ask(&project, "SELECT count(*) FROM orders"), "0\n");
}
