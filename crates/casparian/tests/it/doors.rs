//! Commands that look.

use super::project::Project;
use serde_json::{Value, json};

fn after_a_run() -> Project {
    let project = Project::with_orders();
    for name in ["a", "b", "c"] {
        project.write(&format!("data/{name}.csv"), format!("x\n{name}\n"));
    }
    project.write("data/notes.txt", "x");
    project.json(&["run", "data"]);
    project
}

#[test]
fn status_shows_counts_and_that_nobody_is_at_work() {
    let project = after_a_run();
    let status = project.json(&["status"]);
    assert_eq!((&status["files"], &status["versions"]), (&json!(4), &json!(3)));
    assert_eq!(status["jobs"], json!({ "COMPLETED": 3 }));
    assert_eq!((&status["sentinel"], &status["events"]), (&Value::Null, &Value::Null));
    let text = project.casparian(&["status"]).stdout;
    assert!(text.contains("sentinel  none"), "{text}");
}

#[test]
fn files_are_listed_page_by_page() {
    let project = after_a_run();
    let mut seen = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut arguments = vec!["files", "*.csv", "--limit", "2"];
        arguments.extend(after.iter().flat_map(|id| ["--after", id]));
        let page = project.json(&arguments);
        let files = page["files"].as_array().unwrap();
        assert!(files.len() <= 2);
        seen.extend(files.iter().map(|file| file["path"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => break,
        }
    }
    seen.sort();
    let names = seen.iter().map(|path| path.rsplit('/').next().unwrap()).collect::<Vec<_>>();
    assert_eq!(names, ["a.csv", "b.csv", "c.csv"]);
    let unrouted = project.json(&["files", "--status", "unrouted"]);
    assert_eq!(unrouted["files"].as_array().unwrap().len(), 1);
}

#[test]
fn jobs_are_filtered_and_their_ids_are_texts() {
    let project = after_a_run();
    let jobs = project.json(&["jobs", "list", "--plugin", "orders", "--limit", "2"]);
    let listed = jobs["jobs"].as_array().unwrap();
    assert_eq!(listed.len(), 2);
    for job in listed {
        assert!(job["id"].is_string() && job["rows"] == 1 && job["error"].is_null(), "{job:#}");
        assert_eq!(job["plugin_version"].as_str().unwrap().len(), 64);
    }
    let rest = project.json(&["jobs", "list", "--before", jobs["next"].as_str().unwrap()]);
    assert_eq!(rest["jobs"].as_array().unwrap().len(), 1);
    assert_eq!(project.json(&["jobs", "list", "--status", "FAILED"])["jobs"], json!([]));
}

#[test]
fn a_job_shows_what_it_published() {
    let project = after_a_run();
    let jobs = project.json(&["jobs", "list", "--limit", "1"]);
    let shown = project.json(&["jobs", "show", jobs["jobs"][0]["id"].as_str().unwrap()]);
    let artifact = &shown["artifacts"][0];
    assert_eq!((&artifact["topic"], &artifact["status"]), (&json!("orders"), &json!("CURRENT")));
    let file = project.path("lake/orders").join(artifact["file"].as_str().unwrap());
    assert!(file.exists(), "{}", file.display());
}

#[test]
fn topics_show_rows_and_files() {
    let project = after_a_run();
    let topics = project.json(&["topics"]);
    let topic = &topics["topics"][0];
    assert_eq!(
        (&topic["rows"], &topic["files"], &topic["jobs"]),
        (&json!(3), &json!(3), &json!(3))
    );
    assert_eq!(
        (&topic["uri"], &topic["plugins"]),
        (&json!("parquet://orders"), &json!(["orders"]))
    );
}

#[test]
fn routes_say_who_takes_a_path() {
    let project = after_a_run();
    let rules = project.json(&["routes"]);
    assert_eq!(
        rules["rules"],
        json!([{ "pattern": "*.csv", "tag": "auto_orders", "origin": "plugin:orders" }])
    );
    for path in ["data/a.csv", "sub/not_there.csv"] {
        let route = project.json(&["routes", path]);
        assert_eq!(
            (&route["tags"], &route["plugins"]),
            (&json!(["auto_orders"]), &json!(["orders"]))
        );
    }
    let none = project.casparian(&["routes", "data/notes.txt"]);
    assert!(none.stdout.contains("no rule matches"), "{}", none.stdout);
}

#[test]
fn scan_makes_an_inventory_and_nothing_else() {
    let project = Project::with_orders();
    project.write("data/a.csv", "x\n1\n");
    let first = project.json(&["scan", "data"]);
    let keys = first.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(
        keys,
        [
            "files_changed",
            "files_deleted",
            "files_new",
            "files_seen",
            "roots_in_doubt",
            "seconds",
            "unreadable"
        ]
    );
    assert_eq!((&first["files_seen"], &first["files_new"]), (&json!(1), &json!(1)));
    assert_eq!(project.json(&["scan", "data"])["files_new"], 0);
    std::fs::remove_file(project.path("data/a.csv")).unwrap();
    assert_eq!(project.json(&["scan", "data"])["files_deleted"], 1);
    assert_eq!(project.json(&["status"])["versions"], 0);
}
