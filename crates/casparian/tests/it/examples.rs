//! The examples are what the documents say of them.

use super::project::Project;
use serde_json::json;
use std::fs;
use std::path::Path;

fn copied(example: &str) -> Project {
    let project = Project::new();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(example);
    copy(&from, &project.path(""));
    project
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn the_lab_is_read_by_sql_alone() {
    let project = copied("lab");
    let mut run = project.command(&["run", "--json"]);
    run.env("CASPARIAN_PYTHON_INTERPRETER", "/nowhere/python");
    let run = super::project::Outcome::of(run);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let run = run.json();
    let counts =
        ["jobs_completed", "jobs_failed", "rows", "rows_quarantined"].map(|key| run[key].clone());
    assert_eq!(counts, [json!(5), json!(0), json!(144), json!(8)]);
    let question = fs::read_to_string(project.path("question.sql")).unwrap();
    let answer = project.json(&["sql", &question]);
    let rows = answer.as_array().unwrap();
    assert_eq!(rows.len(), 12);
    let alarm = rows.iter().find(|row| row["rig"] == "B" && row["event"] == "alarm").unwrap();
    assert_eq!((&alarm["highest_bar"], &alarm["readings"]), (&json!(3.77), &json!(14)));
    assert_eq!(project.json(&["verify"])["clean"], json!(true));
}
