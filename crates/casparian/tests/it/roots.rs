//! Source roots that are unmounted, replaced, emptied, or not there yet.

use super::mounts::Mount;
use super::project::{ORDERS, Project, until};
use std::fs;

/// Rows of deleted files go.
fn retracting() -> Project {
    let project = Project::new();
    let options = "# TOPIC: orders\n# OPTIONS: orders: on_delete=retract\n";
    project.write("plugins/orders.py", ORDERS.replace("# TOPIC: orders\n", options));
    project
}

fn three_files(project: &Project) {
    for i in 1..=3 {
        project.write(&format!("data/{i}.csv"), format!("x\n{i}\n"));
    }
}

#[test]
fn a_file_system_that_is_not_mounted_takes_no_rows_away() {
    let project = retracting();
    let Some(mut mount) = Mount::fresh(&project.path("data"), "1m") else { return };
    three_files(&project);
    assert_eq!(project.json(&["run", "data"])["rows"], 3);

    mount.end();
    let outcome = project.casparian(&["run", "data", "--json"]);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    let root = &outcome.json()["roots_in_doubt"][0];
    assert_eq!((&root["reason"], &root["missing"]), (&"other_file_system".into(), &3.into()));
    let shown = project.casparian(&["run", "data"]).stdout;
    let said = "lies on another file system than before, and 3 known files are missing";
    assert!(shown.contains(said), "{shown}");
    for command in [["status"], ["doctor"]] {
        let shown = project.casparian(&command).stdout;
        assert!(shown.contains("casparian scan --confirm-deletions"), "{shown}");
    }
    assert_eq!(project.column("orders", "x"), ["1", "2", "3"]);

    // Another one with other files is no proof either, in however many runs.
    let mut other = Mount::fresh(&project.path("data"), "1m").unwrap();
    for i in 4..=9 {
        project.write(&format!("data/{i}.csv"), format!("x\n{i}\n"));
    }
    for _ in 0..2 {
        assert_eq!(project.casparian(&["run", "data"]).code, 3);
        assert_eq!(project.column("orders", "x").len(), 9);
    }
    other.end();

    // The same files once more: by now the device has another number.
    let _again = Mount::fresh(&project.path("data"), "1m").unwrap();
    three_files(&project);
    (4..=8).for_each(|i| project.write(&format!("data/{i}.csv"), format!("x\n{i}\n")));
    assert_eq!(project.casparian(&["scan", "data"]).code, 3, "one is missing, and a doubt stands");
    project.write("data/9.csv", "x\n9\n");
    assert_eq!(project.casparian(&["run", "data"]).code, 0);
    fs::remove_file(project.path("data/9.csv")).unwrap();
    assert_eq!(project.json(&["run", "data"])["files_deleted"], 1);
    assert_eq!(project.column("orders", "x").len(), 8);
    assert_eq!(project.json(&["status"])["roots_in_doubt"].as_array().unwrap().len(), 0);
}

#[test]
fn deletions_are_taken_when_somebody_confirms_them() {
    let project = retracting();
    three_files(&project);
    project.json(&["run", "data"]);
    fs::rename(project.path("data"), project.path("elsewhere")).unwrap();
    fs::create_dir(project.path("data")).unwrap();
    assert_eq!(project.casparian(&["run", "data"]).code, 3);
    assert_eq!(project.json(&["run", "data", "--confirm-deletions"])["files_deleted"], 3);
    assert!(project.column("orders", "x").is_empty());
    assert_eq!(project.casparian(&["run", "data"]).code, 0);
    assert_eq!(project.casparian(&["verify"]).code, 0);
}

#[test]
fn serve_waits_for_a_source_that_is_not_there_and_outlives_one_that_goes() {
    let project = retracting();
    project.write("casparian.toml", "[[sources]]\npath = \"data\"\nsettle = \"0s\"\n");
    let serve = project.start(&["serve", "--bind", &project.address()]);
    until("status says that it is away", || {
        let status = project.casparian(&["status"]);
        status.code == 0 && status.stdout.contains("away")
    });
    three_files(&project);
    until("it was taken up", || project.column("orders", "x") == ["1", "2", "3"]);
    fs::rename(project.path("data"), project.path("elsewhere")).unwrap();
    fs::create_dir(project.path("data")).unwrap();
    let doubts = || project.json(&["status"])["roots_in_doubt"].as_array().unwrap().len();
    until("the empty one is in doubt", || doubts() == 1);
    assert_eq!(project.column("orders", "x"), ["1", "2", "3"]);
    fs::remove_dir(project.path("data")).unwrap();
    project.write("elsewhere/4.csv", "x\n4\n");
    fs::rename(project.path("elsewhere"), project.path("data")).unwrap();
    until("it is back", || project.column("orders", "x") == ["1", "2", "3", "4"]);
    until("nothing is in doubt", || doubts() == 0);
    serve.signal("TERM");
    assert_eq!(serve.wait(), Some(0));
}

#[test]
fn one_source_that_is_away_keeps_no_other_from_being_processed() {
    let project = Project::with_orders();
    project.write("casparian.toml", "[[sources]]\npath = \"data\"\n[[sources]]\npath = \"usb\"\n");
    project.write("data/a.csv", "x\n1\n");
    let outcome = project.casparian(&["run", "--json"]);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    let away = outcome.json()["unreadable"][0].clone();
    assert!(away["error"].as_str().unwrap().contains("usb\" cannot be read: "), "{away}");
    assert_eq!(project.column("orders", "x"), ["1"]);
}
