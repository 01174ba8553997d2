//! Rows that fit no column: where they go, who finds them, and how they heal.

use super::project::Project;
use serde_json::json;

const AMOUNTS: &str = r#"# PATTERN: *.csv
# TOPIC: amounts
# SCHEMA: amounts: id int not null, amount decimal(12,2), day date
import csv
from casparian_flow.sdk import BasePlugin

class Handler(BasePlugin):
    def execute(self, path):
        with open(path, newline="") as file:
            return list(csv.DictReader(file))
"#;

const GOOD: &str = "id,amount,day\n1,1.50,2024-01-31\n2,,1850-02-28\n";
const BAD: &str =
    "id,amount,day\n3,7,2024-02-01\n4,1.005,2024-02-01\n,8,2024-02-01\n6,9,31/01/24\n";

fn project() -> Project {
    let project = Project::new();
    project.write("plugins/amounts.py", AMOUNTS);
    project.write("data/good.csv", GOOD);
    project.write("data/bad.csv", BAD);
    project
}

#[test]
fn rows_in_are_rows_out_and_rows_in_quarantine() {
    let project = project();
    let run = project.casparian(&["run", "data", "--json"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let run = run.json();
    assert_eq!((&run["rows"], &run["rows_quarantined"]), (&json!(3), &json!(3)));
    let topics = project.json(&["topics"]);
    assert_eq!(topics["topics"].as_array().unwrap().len(), 1);
    let topic = &topics["topics"][0];
    assert_eq!((&topic["rows"], &topic["rows_quarantined"]), (&json!(3), &json!(3)));
    let listed = project.json(&["quarantine", "amounts"]);
    let of_file = &listed["quarantine"][0];
    assert_eq!((&of_file["topic"], &of_file["rows"]), (&json!("amounts"), &json!(3)));
    assert!(of_file["path"].as_str().unwrap().ends_with("data/bad.csv"));
    let rows = project.json(&["quarantine", "--rows"]);
    let rows = rows["rows"].as_array().unwrap();
    let why = rows.iter().map(|row| (row["row"].as_u64(), &row["column"], &row["reason"]));
    let expected = [
        (Some(2), &json!("amount"), &json!("'1.005' is no decimal(12, 2)")),
        (Some(3), &json!("id"), &json!("null where the schema says not null")),
        (Some(4), &json!("day"), &json!("'31/01/24' is no date")),
    ];
    assert_eq!(why.collect::<Vec<_>>(), expected);
    assert_eq!(rows[2]["record"], json!({ "id": "6", "amount": "9", "day": "31/01/24" }));
    let text = project.casparian(&["quarantine"]);
    assert!(text.stdout.contains("'1.005' is no decimal(12, 2) (1 row)"), "{}", text.stdout);
    let proof = project.json(&["verify"]);
    assert_eq!((&proof["clean"], &proof["undeclared_topics"]), (&json!(true), &json!([])));
}

#[test]
fn a_new_version_of_the_plugin_heals_what_was_in_quarantine() {
    let project = project();
    assert_eq!(project.casparian(&["run", "data"]).code, 3);
    let healed = AMOUNTS
        .replace("id int not null, amount decimal(12,2)", "id int, amount decimal(12,4)")
        .replace(
            "return list(csv.DictReader(file))",
            "return [heal(row) for row in csv.DictReader(file)]",
        );
    let heal = "\ndef heal(row):\n    if '/' in row['day']:\n        row['day'] = '20' + '-'.join(reversed(row['day'].split('/')))\n    return row\n";
    project.write("plugins/amounts.py", healed + heal);
    let run = project.casparian(&["run", "data", "--json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(project.json(&["quarantine"])["quarantine"], json!([]));
    let topic = &project.json(&["topics", "amounts"])["topics"][0];
    assert_eq!((&topic["rows"], &topic["rows_quarantined"]), (&json!(6), &json!(0)));
    assert_eq!(project.json(&["verify"])["clean"], json!(true));
}

#[test]
fn a_topic_shows_its_columns_and_how_they_came_about() {
    let project = Project::with_orders();
    project.write("data/a.csv", "id,note\n1,x\n");
    assert_eq!(project.casparian(&["run", "data"]).code, 0);
    project.write("data/b.csv", "id,extra\n2,y\n");
    assert_eq!(project.casparian(&["run", "data"]).code, 0);
    let shown = project.json(&["topics", "orders", "--schema"]);
    let topic = &shown["topics"][0];
    let names = topic["columns"].as_array().unwrap().iter().map(|column| &column["name"]);
    assert_eq!(names.collect::<Vec<_>>(), ["id", "note", "extra"]);
    assert_eq!((&topic["version"], &topic["columns"][0]["type"]), (&json!(2), &json!("text")));
    assert_eq!(topic["history"].as_array().unwrap().len(), 2);
    let text = project.casparian(&["topics", "--schema"]).stdout;
    assert!(text.contains("orders, version 2") && text.contains("+ extra text"), "{text}");
    let unknown = project.casparian(&["topics", "nothing", "--schema"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("there is no topic 'nothing'"), "{}", unknown.stderr);
}

#[test]
fn a_job_with_too_much_in_quarantine_fails_and_publishes_nothing() {
    let project = project();
    let lines = (0..20).map(|n| format!("{n},x,2024-01-01\n")).collect::<String>();
    project.write("data/bad.csv", format!("id,amount,day\n{lines}"));
    let run = project.casparian(&["run", "data", "--json"]);
    assert_eq!(run.code, 3);
    let run = run.json();
    assert_eq!((&run["jobs_failed"], &run["rows"]), (&json!(1), &json!(2)));
    let jobs = project.json(&["jobs", "list", "--status", "FAILED"]);
    let error = jobs["jobs"][0]["error"].as_str().unwrap();
    assert!(error.contains("topic amounts: 20 of 20 rows do not fit"), "{error}");
    assert!(error.contains("column 'amount': 'x' is no decimal(12, 2) (20 rows)"), "{error}");
    assert_eq!(project.json(&["quarantine"])["quarantine"], json!([]));
}
