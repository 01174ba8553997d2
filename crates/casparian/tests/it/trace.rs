//! `trace`: from rows back to the bytes.

use super::project::{ORDERS, Project};
use serde_json::{Value, json};
use std::fs;

fn done() -> Project {
    let project = Project::with_orders();
    project.write("data/a.csv", "x,y\n1,north\n2,south\n");
    project.write("data/b.csv", "x,z\n1,\n3,7\n");
    project.json(&["run", "data"]);
    project
}

fn values(document: &Value, column: &str) -> Vec<String> {
    let rows = document["rows"].as_array().unwrap().iter();
    let mut values = rows.map(|row| row["values"][column].to_string()).collect::<Vec<_>>();
    values.sort();
    values
}

#[test]
fn rows_lead_to_job_plugin_worker_and_file() {
    let project = done();
    let document = project.json(&["trace", "orders", "--where", "y = 'south'"]);
    let (row, origin) = (&document["rows"][0], &document["origins"][0]);
    assert_eq!(document["rows"].as_array().unwrap().len(), 1);
    assert_eq!((&row["values"], &row["row"]), (&json!({ "x": "2", "y": "south" }), &json!(1)));
    assert_eq!(row["job"], origin["job"]);
    assert_eq!((&origin["plugin"], &origin["status"]), (&json!("orders"), &json!("COMPLETED")));
    let file = &origin["file"];
    assert!(file["path"].as_str().unwrap().ends_with("data/a.csv"));
    assert_eq!((&file["bytes"], &file["version"]), (&json!("there"), &json!(1)));
    assert_eq!(file["file_version_id"], row["file_version_id"]);
    assert_eq!(file["content_hash"].as_str().unwrap().len(), 64);
    assert_eq!(origin["plugin_version"].as_str().unwrap().len(), 64);
    assert!(
        origin["worker"].is_string() && origin["environment"]["host"].is_string(),
        "{origin:#}"
    );
    assert_eq!(origin["artifacts"][0]["file"], row["file"]);
    let told = project.casparian(&["trace", "orders", "--where", "y = 'south'"]).stdout;
    for words in [
        "plugin   orders ",
        "file     data/a.csv, version 1",
        "still lies there",
        "row 1: x=2, y=south",
    ] {
        assert!(told.contains(words), "'{words}' in\n{told}");
    }
}

#[test]
fn a_condition_reaches_over_files_that_have_not_all_columns() {
    let project = done();
    let rows =
        |condition: &str| values(&project.json(&["trace", "orders", "--where", condition]), "x");
    assert_eq!(rows("x = '1'"), ["\"1\"", "\"1\""]);
    assert_eq!(rows("z IS NULL AND y IS NOT NULL"), ["\"1\"", "\"2\""]);
    assert_eq!(rows("NOT y = 'north'"), ["\"2\""]);
    assert_eq!(rows("z = '7' OR y IN ('south')"), ["\"2\"", "\"3\""]);
    assert!(rows("x = 'nobody'").is_empty());
    let limited = project.json(&["trace", "orders", "--where", "x >= '0'", "--limit", "3"]);
    assert_eq!((values(&limited, "x").len(), &limited["more"]), (3, &json!(true)));
}

#[test]
fn a_job_is_traced_by_its_id_also_when_its_rows_were_replaced() {
    let project = done();
    let first = project.json(&["trace", "orders", "--where", "y = 'south'"]);
    let job = first["origins"][0]["job"].as_str().unwrap();
    let all = project.json(&["trace", "orders", "--job", job]);
    assert_eq!(
        (values(&all, "x").len(), &all["files_read"]),
        (2, &json!(1)),
        "only its file is read"
    );
    let condition = format!("_job_id = {job} AND x = '2'");
    let one = project.json(&["trace", "orders", "--where", &condition]);
    assert_eq!((values(&one, "x").len(), &one["files_read"]), (1, &json!(1)));
    project.write("data/a.csv", "x,y\n9,west\n");
    project.json(&["run", "data"]);
    let old = project.json(&["trace", "orders", "--job", job]);
    assert_eq!(
        (values(&old, "x").len(), &old["origins"][0]["file"]["bytes"]),
        (0, &json!("replaced"))
    );
    assert!(old["origins"][0]["superseded_by"].is_string());
    fs::remove_file(project.path("data/a.csv")).unwrap();
    let gone = project.json(&["trace", "orders", "--where", "y = 'west'"]);
    assert_eq!(gone["origins"][0]["file"]["bytes"], "gone");
}

#[test]
fn what_cannot_be_traced_is_said_with_what_there_is() {
    let project = done();
    let refused = |arguments: &[&str], words: &[&str]| {
        let outcome = project.casparian(&[&["trace"], arguments].concat());
        assert_eq!(outcome.code, 2, "{}", outcome.stderr);
        assert!(words.iter().all(|word| outcome.stderr.contains(word)), "{}", outcome.stderr);
    };
    refused(&["order", "--job", "1"], &["there is no topic 'order'", "there are: orders"]);
    refused(&["orders", "--job", "1"], &["there is no job 1"]);
    refused(
        &["orders", "--where", "amount > 1"],
        &["there is no column 'amount'", "_job_id", "x, y, z"],
    );
    refused(&["orders", "--where", "x = 1"], &["column 'x' is", "write the value in quotes: '1'"]);
    refused(&["orders", "--where", "x ="], &["breaks off at 'the end'"]);
    refused(&["orders"], &["--job"]);
}

#[test]
fn a_file_that_cannot_be_read_is_left_out_and_named() {
    let project = done();
    fs::write(&project.parts("orders")[0], "no parquet").unwrap();
    let outcome = project.casparian(&["trace", "orders", "--where", "x = '1'", "--json"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(outcome.json()["unreadable"].as_array().unwrap().len(), 1);
    assert!(outcome.stderr.contains("was left out") && outcome.stderr.contains("casparian verify"));
}

#[test]
fn numbers_and_times_are_compared_as_what_they_are() {
    let project = Project::new();
    let typed = ORDERS.replace(
        "return list(csv.DictReader(file))",
        "return {'n': [1, 20, None], 'f': [0.5, 1.5, 2.5], 'ok': [True, False, None]}",
    );
    project.write("plugins/orders.py", typed);
    project.write("data/a.csv", "x\n");
    project.json(&["run", "data"]);
    let count = |condition: &str| {
        values(&project.json(&["trace", "orders", "--where", condition]), "n").len()
    };
    assert_eq!(
        [
            count("n > 9"),
            count("n < 1.5"),
            count("ok = TRUE"),
            count("NOT ok = TRUE"),
            count("f >= 1.5 AND n IS NULL")
        ],
        [1, 1, 1, 1, 1]
    );
}
