//! `run`: files become tables, and nothing is done twice.

use super::project::{ORDERS, Outcome, Project, python};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::process::Command;

fn run(project: &Project) -> Value {
    project.json(&["run", "data"])
}

#[track_caller]
fn check(document: &Value, expected: &[(&str, u64)]) {
    for (key, value) in expected {
        assert_eq!(document[key], json!(value), "{key} of {document:#}");
    }
}

#[test]
fn the_example_of_the_design_works_to_the_letter() {
    let probe = Command::new(python()).args(["-c", "import pandas"]).output().unwrap();
    if !probe.status.success() {
        eprintln!("skipped: the test interpreter has no pandas; set CASPARIAN_TEST_PYTHON");
        return;
    }
    let project = Project::new();
    project.write(
        "plugins/my_parser.py",
        "# plugins/my_parser.py
# PATTERN: *.csv           <-- makes a RoutingRule
# TOPIC: sales_data        <-- makes a TopicConfig (Parquet by default)
import pandas
from casparian_flow.sdk import BasePlugin

class Handler(BasePlugin):
    def execute(self, path):
        df = pandas.read_csv(path)
        self.publish(\"sales_data\", df)
",
    );
    project.write("data/a.csv", "x,y\n1,a\n2,b\n");
    check(&run(&project), &[("jobs_completed", 1), ("rows", 2), ("files_new", 1)]);
    assert_eq!(project.column("sales_data", "x"), ["1", "2"]);
}

#[test]
fn run_counts_everything_that_it_did() {
    let project = Project::with_orders();
    project.write("data/a.csv", "x\n1\n2\n");
    project.write("data/b.csv", "x\n3\n");
    project.write("data/readme.txt", "no plugin wants this");
    let document = run(&project);
    let expected = [
        ("files_seen", 3),
        ("files_new", 3),
        ("files_changed", 0),
        ("files_deleted", 0),
        ("versions", 2),
        ("jobs_completed", 2),
        ("jobs_failed", 0),
        ("jobs_skipped", 0),
        ("rows", 3),
        ("rows_quarantined", 0),
        ("bytes_in", 10),
    ];
    check(&document, &expected);
    assert!(document["seconds"].is_number());
    assert_eq!(project.column("orders", "x"), ["1", "2", "3"]);
}

#[test]
fn a_second_run_over_unchanged_files_does_nothing() {
    let project = Project::with_orders();
    project.write("data/a.csv", "x\n1\n");
    run(&project);
    let before = project.parts("orders");
    let nothing = [("files_seen", 1), ("files_new", 0), ("versions", 0), ("jobs_completed", 0)];
    check(&run(&project), &nothing);
    check(&run(&project), &nothing);
    assert_eq!(project.parts("orders"), before);
}

/// Every row of the catalog, as SQL.
fn dump(project: &Project) -> String {
    let script = "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).iterdump(), sep='\\n')";
    let mut python = Command::new(python());
    python.args(["-c", script]).arg(project.path(".casparian/catalog.db"));
    let outcome = Outcome::of(python);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    outcome.stdout
}

#[test]
fn a_run_that_finds_nothing_to_do_writes_nothing_and_one_that_finds_something_does_it() {
    let project = Project::with_orders();
    project.write("data/a.csv", "x\n1\n");
    project.write("plugins/broken.py", "# PATERN: *.csv\n");
    // Then no file is so young that it is to be hashed once more.
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    run(&project);
    let before = dump(&project);
    let again = project.casparian(&["run", "data"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(again.stderr.contains("PATERN"), "what is rejected is told again: {}", again.stderr);
    assert_eq!(dump(&project), before);

    project.write("data/b.csv", "x\n2\n");
    check(&run(&project), &[("versions", 1), ("jobs_completed", 1)]);
    project.write("plugins/orders.py", ORDERS.replace("*.csv", "*.txt"));
    project.write("data/c.txt", "x\n3\n");
    check(&run(&project), &[("versions", 1), ("jobs_completed", 1)]);
    let id = project.json(&["jobs", "list"])["jobs"][0]["id"].as_str().unwrap().to_owned();
    let retry = project.casparian(&["jobs", "retry", &id]);
    assert!(retry.stdout.contains("the next `casparian run`"), "{}", retry.stdout);
    let before = dump(&project);
    run(&project);
    assert_ne!(dump(&project), before, "a request is carried out");
}

#[test]
fn a_rewritten_file_leaves_its_new_rows_only() {
    let project = Project::with_orders();
    project.write("data/a.csv", "x\n1\n2\n");
    project.write("data/b.csv", "x\n9\n");
    run(&project);
    project.write("data/a.csv", "x\n3\n");
    check(
        &run(&project),
        &[("files_changed", 1), ("versions", 1), ("jobs_completed", 1), ("rows", 1)],
    );
    assert_eq!(project.column("orders", "x"), ["3", "9"]);
    assert_eq!(fs::read_dir(project.path("lake/orders/_history")).unwrap().count(), 1);
}

#[test]
fn f08_a_touch_runs_nothing() {
    let project = Project::with_orders();
    project.write("data/a.csv", "x\n1\n");
    run(&project);
    let later = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(2_000_000_000);
    File::options()
        .write(true)
        .open(project.path("data/a.csv"))
        .unwrap()
        .set_modified(later)
        .unwrap();
    check(&run(&project), &[("files_changed", 1), ("versions", 0), ("jobs_completed", 0)]);
    assert_eq!(project.column("orders", "x"), ["1"]);
}

#[test]
fn back_to_an_earlier_content_holds_that_content() {
    let project = Project::with_orders();
    for text in ["x\n1\n", "x\n2\n", "x\n1\n"] {
        project.write("data/a.csv", text);
        run(&project);
    }
    assert_eq!(project.column("orders", "x"), ["1"]);
}

#[test]
fn a_rename_parses_nothing() {
    let project = Project::with_orders();
    project.write("data/a.csv", "x\n1\n");
    run(&project);
    fs::rename(project.path("data/a.csv"), project.path("data/b.csv")).unwrap();
    let expected =
        [("files_new", 1), ("files_deleted", 1), ("jobs_completed", 0), ("jobs_skipped", 1)];
    check(&run(&project), &expected);
    assert_eq!(project.column("orders", "x"), ["1"]);
}

#[test]
fn f10_a_plugin_added_later_gets_the_files_that_are_there() {
    let project = Project::with_orders();
    project.write("data/a.csv", "x\n1\n");
    run(&project);
    let second = ORDERS.replace("TOPIC: orders", "TOPIC: copies");
    project.write("plugins/copies.py", second);
    check(&run(&project), &[("jobs_completed", 1), ("versions", 0)]);
    assert_eq!(project.column("copies", "x"), ["1"]);
}

#[test]
fn f09_two_plugins_with_one_pattern_both_get_the_file() {
    let project = Project::with_orders();
    project.write("plugins/copies.py", ORDERS.replace("TOPIC: orders", "TOPIC: copies"));
    project.write("data/a.csv", "x\n1\n");
    check(&run(&project), &[("jobs_completed", 2)]);
    assert_eq!(project.column("orders", "x"), project.column("copies", "x"));
}

#[test]
fn without_a_plugin_files_are_inventoried_and_the_cure_is_told() {
    let project = Project::new();
    project.write("data/a.csv", "x\n1\n");
    let outcome = project.casparian(&["run", "data"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("no plugin"), "{}", outcome.stderr);
    assert_eq!(project.json(&["files"])["files"][0]["status"], "unrouted");
}

#[test]
fn without_a_path_the_configured_sources_are_run() {
    let project = Project::with_orders();
    project.write("data/a.csv", "x\n1\n");
    let outcome = project.casparian(&["run"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("no sources"), "{}", outcome.stderr);
    project.write("casparian.toml", "[[sources]]\npath = \"data\"\n");
    check(&project.json(&["run"]), &[("jobs_completed", 1)]);
}

#[test]
fn one_file_can_be_run_by_itself() {
    let project = Project::with_orders();
    project.write("data/a.csv", "x\n1\n");
    project.write("data/b.csv", "x\n2\n");
    let document = project.json(&["run", "data/a.csv"]);
    check(&document, &[("files_seen", 1), ("jobs_completed", 1)]);
    assert_eq!(project.column("orders", "x"), ["1"]);
}

#[test]
fn all_versions_files_that_no_plugin_wants_too() {
    let project = Project::with_orders();
    project.write("data/readme.txt", "text");
    check(&run(&project), &[("versions", 0)]);
    check(&project.json(&["run", "data", "--all"]), &[("versions", 1), ("jobs_completed", 0)]);
}

#[test]
fn settings_of_casparian_toml_reach_the_plugin() {
    let project = Project::new();
    project.write(
        "plugins/greet.py",
        "# PATTERN: *.txt
# TOPIC: greetings
from casparian_flow.sdk import BasePlugin

class Handler(BasePlugin):
    def configure(self, ctx, config):
        self.word = config[\"word\"]

    def execute(self, path):
        return [{\"text\": self.word}]
",
    );
    project.write(
        "casparian.toml",
        "[plugins.greet]\nword = \"hello\"\n[topics.greetings]\nuri = \"parquet://elsewhere\"\n",
    );
    project.write("data/a.txt", "x");
    run(&project);
    assert_eq!(project.column("elsewhere", "text"), ["hello"]);
}

#[test]
fn the_report_for_people_is_on_stdout_and_names_the_work() {
    let project = Project::with_orders();
    project.write("data/a.csv", "x\n1\n");
    let Outcome { code, stdout, stderr } = project.casparian(&["run", "data"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.contains("1 completed") && stdout.contains("rows"), "{stdout}");
}
