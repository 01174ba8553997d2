//! Questions to the topics.

use super::project::{Outcome, Project};
use serde_json::json;
use std::io::Read;

const READINGS: &str = "-- PATTERN: *.csv
-- TOPIC: readings
-- READER: types=value:int64
SELECT * FROM file
";

fn project() -> Project {
    let project = Project::new();
    project.write("plugins/readings.sql", READINGS);
    let rows =
        (0..20).map(|n| format!("s{},{n},2024-01-{:02}\n", n % 3, n + 1)).collect::<String>();
    project.write("data/a.csv", format!("Sensor,value,day\n{rows}s9,many,2024-02-01\n"));
    project.write("data/b.csv", "Sensor,value,day,note\ns1,100,2024-03-01,\"a, b\"\n");
    assert_eq!(project.casparian(&["run", "data"]).code, 3);
    project
}

#[track_caller]
fn answer(project: &Project, query: &str) -> String {
    let outcome = project.casparian(&["sql", query, "--format", "csv"]);
    assert_eq!(outcome.code, 0, "{query}: {}", outcome.stderr);
    outcome.stdout
}

#[track_caller]
fn refused(project: &Project, query: &str, expected: &str) {
    let Outcome { code, stderr, .. } = project.casparian(&["sql", query]);
    assert_eq!(code, 2, "{query}: {stderr}");
    assert!(stderr.contains(expected), "{query}: {stderr}");
}

#[test]
fn a_topic_is_a_table() {
    let project = project();
    assert_eq!(answer(&project, "SELECT count(*) AS n FROM readings"), "n\n21\n");
    let query = "SELECT sensor, count(*) AS N, sum(value) AS Total FROM Readings GROUP BY SENSOR ORDER BY total DESC LIMIT 1";
    assert_eq!(answer(&project, query), "Sensor,N,Total\ns1,8,170\n");
    let query = "SELECT note FROM readings WHERE day >= DATE '2024-01-20' ORDER BY day";
    assert_eq!(answer(&project, query), "note\n\"\"\n\"a, b\"\n");
    assert_eq!(
        answer(
            &project,
            "SELECT table_name FROM information_schema.tables WHERE table_name = 'readings'"
        ),
        "table_name\nreadings\n"
    );
    assert_eq!(answer(&project, "SHOW TABLES"), "table_name\nreadings\n");
    assert!(answer(&project, "SHOW COLUMNS FROM readings").contains("Sensor"));
    assert!(answer(&project, "DESCRIBE readings").contains("Sensor,Utf8"));
}

#[test]
fn replaced_rows_are_in_no_answer() {
    let project = project();
    project.write("data/b.csv", "Sensor,value,day\ns1,7,2024-03-01\n");
    assert_eq!(project.casparian(&["run", "data"]).code, 0);
    assert_eq!(
        answer(&project, "SELECT max(value) AS m, count(*) AS n FROM readings"),
        "m,n\n19,21\n"
    );
}

#[test]
fn quarantine_and_state_are_tables_too() {
    let project = project();
    let query = "SELECT _line, _column, _reason FROM readings_quarantine";
    assert_eq!(answer(&project, query), "_line,_column,_reason\n22,value,'many' is no int64\n");
    let query = "SELECT status, count(*) AS n FROM casparian.jobs GROUP BY status";
    assert_eq!(answer(&project, query), "status,n\nCOMPLETED,2\n");
    // From a row to its file.
    let query = "SELECT f.status, j.rows FROM readings r JOIN casparian.jobs j ON CAST(r._job_id AS VARCHAR) = j.id
        JOIN casparian.files f ON f.path = j.path WHERE r.value = 100";
    assert_eq!(answer(&project, query), "status,rows\ncompleted,1\n");
}

#[test]
fn an_answer_comes_in_the_form_that_is_asked_for() {
    let project = project();
    let query = "SELECT Sensor, value, note FROM readings WHERE value = 100";
    let document = project.json(&["sql", query]);
    assert_eq!(document, json!([{ "Sensor": "s1", "value": 100, "note": "a, b" }]));
    let ids = project.json(&["sql", "SELECT _job_id FROM readings LIMIT 1"]);
    assert!(ids[0]["_job_id"].is_string(), "{ids}");
    let table = project.casparian(&["sql", query]);
    assert_eq!(table.stdout, "Sensor  value  note\ns1        100  a, b\n");
    assert_eq!(table.stderr, "1 row\n");
    let file = project.path("answer.parquet");
    let to = file.to_str().unwrap();
    let written = project.casparian(&["sql", query, "--format", "parquet", "--to", to]);
    assert_eq!(written.code, 0, "{}", written.stderr);
    let bytes = std::fs::read(&file).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    assert_eq!(answer(&project, "SELECT Sensor FROM readings WHERE false"), "Sensor\n");
}

#[test]
fn nothing_can_be_changed_and_nothing_else_be_read() {
    let project = project();
    let only = "only queries are answered";
    for query in [
        "DROP TABLE readings",
        "INSERT INTO readings VALUES (1)",
        "COPY readings TO 'x.csv'",
        "SET x = 1",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
    ] {
        refused(&project, query, only);
    }
    refused(&project, "SELECT * FROM '/etc/passwd'", "there is no table '/etc/passwd'");
    refused(&project, "SELECT * FROM read_csv('/etc/passwd')", "read_csv");
    refused(&project, "SELECT 1; SELECT 2", "one query at a time");
    refused(&project, "SELECT * FROM raedings", "did you mean 'readings'?");
    refused(&project, "SELECT valeu FROM readings", "valeu");
    refused(&project, "SELEC 1", "SELEC");
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    let project = project();
    for format in ["csv", "json"] {
        let query = "SELECT a.* FROM readings a, readings b, readings c";
        let mut command = project.command(&["sql", query, "--format", format]);
        let mut child = command.spawn().unwrap();
        let mut first = [0; 10];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let ended = Outcome::from(child.wait_with_output().unwrap());
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    }
}

#[test]
fn a_project_without_topics_says_so() {
    let project = Project::new();
    assert_eq!(project.casparian(&["init"]).code, 0);
    let outcome = project.casparian(&["sql", "SELECT * FROM orders"]);
    assert_ne!(outcome.code, 0);
    assert!(outcome.stderr.contains("casparian run"), "{}", outcome.stderr);
}
