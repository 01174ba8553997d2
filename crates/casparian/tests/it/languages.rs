//! Plugins of both languages beside each other: told apart wherever they are shown, each run by its own guest.

use super::project::Project;
use serde_json::json;

const QUERY: &str = "-- PATTERN: *.csv
-- TOPIC: ones
-- TOPIC: twos
SELECT 1 AS n;
SELECT 2 AS n, 'x' AS text;
";
const PYTHON: &str = "# PATTERN: *.csv
# TOPIC: threes
from casparian_flow.sdk import BasePlugin
class Handler(BasePlugin):
    def execute(self, path):
        return [{'n': 3}]
";

#[test]
fn a_plugin_is_shown_and_run_in_its_language() {
    let project = Project::new();
    project.write("plugins/query.sql", QUERY);
    project.write("plugins/table.py", PYTHON);
    project.write("data/a.csv", "a\n1\n");
    let run = project.casparian(&["run", "data", "--json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.json()["jobs_completed"], json!(2));
    assert_eq!(project.column("threes", "n"), ["3"]);
    let plugins = project.json(&["plugins"]);
    let plugins = plugins["plugins"].as_array().unwrap();
    let languages = plugins.iter().map(|plugin| (&plugin["name"], &plugin["language"]));
    let expected = [(&json!("query"), &json!("sql")), (&json!("table"), &json!("python"))];
    assert_eq!(languages.collect::<Vec<_>>(), expected);
    let text = project.casparian(&["plugins"]).stdout;
    let query = text.lines().find(|line| line.starts_with("query")).unwrap();
    let words = query.split_whitespace().collect::<Vec<_>>();
    assert_eq!(
        (words[1], words[2], &words[4..]),
        ("sql", "ACTIVE", &["*.csv", "ones", "twos"][..])
    );
    assert_eq!(project.json(&["verify"])["clean"], json!(true));
}

#[test]
fn a_statement_too_many_is_told_with_its_line() {
    let project = Project::new();
    project.write("plugins/query.sql", QUERY.replace("-- TOPIC: twos\n", ""));
    project.write("plugins/drop.sql", "-- PATTERN: *.csv\n-- TOPIC: t\nDROP TABLE file");
    project.write("data/a.csv", "a\n1\n");
    project.casparian(&["run", "data"]);
    let plugins = project.json(&["plugins"]);
    let errors = plugins["plugins"].as_array().unwrap().iter().map(|plugin| &plugin["error"]);
    let expected = [
        "plugins/drop.sql:3: only SELECT is for plugins; what it returns goes to the topic",
        "plugins/query.sql:4: statement 2 has no TOPIC: there are 2 statements for 1 topic, and the n-th statement gives the n-th topic its rows",
    ];
    assert_eq!(errors.collect::<Vec<_>>(), expected);
}

#[test]
fn a_project_of_queries_needs_no_python() {
    let project = Project::new();
    project.write("plugins/query.sql", QUERY);
    project.write("data/a.csv", "a\n1\n");
    project.write("casparian.toml", "[python]\ninterpreter = \"/nothing/here\"\n");
    let run = project.casparian(&["run", "data", "--json"]);
    assert_eq!((run.code, &run.json()["jobs_completed"]), (0, &json!(1)), "{}", run.stderr);
}
