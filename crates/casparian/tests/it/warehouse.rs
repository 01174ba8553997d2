//! Topics in a PostgreSQL database, seen by its own shell.

use super::project::Project;
use super::server::Server;
use serde_json::json;

const PLUGIN: &str = r#"# PATTERN: *.csv
# TOPIC: orders @warehouse
# OPTIONS: orders: on_delete=retract
import csv
from casparian_flow.sdk import BasePlugin

class Handler(BasePlugin):
    def execute(self, path):
        with open(path, newline="") as file:
            return list(csv.DictReader(file))
"#;

fn project(server: &Server) -> Project {
    let project = Project::new();
    project.write("casparian.toml", format!("[sinks.warehouse]\nuri = \"{}\"\n", server.url()));
    project.write("plugins/orders.py", PLUGIN);
    project.write("data/a.csv", "id,note\n1,x\n2,\n");
    project.write("data/b.csv", "note,id\ny,3\n");
    project
}

fn ids(server: &Server) -> Vec<String> {
    server.ask("SELECT id || ':' || note FROM orders ORDER BY id")
}

#[track_caller]
fn run(project: &Project) {
    let run = project.casparian(&["run", "data"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let proof = project.casparian(&["verify", "--json"]);
    assert_eq!(proof.code, 0, "{}", proof.stdout);
    assert_eq!(proof.json()["unchecked"], json!([]));
}

#[test]
fn rows_come_change_and_go_with_their_files() {
    let Some(server) = Server::start() else { return };
    let project = project(&server);
    run(&project);
    assert_eq!(ids(&server), ["1:x", "2:", "3:y"]);
    let again = project.json(&["run", "data"]);
    assert_eq!((&again["jobs_completed"], &again["rows"]), (&json!(0), &json!(0)));
    project.write("data/a.csv", "id,note,new\n7,z,1\n");
    run(&project);
    assert_eq!(ids(&server), ["3:y", "7:z"]);
    std::fs::remove_file(project.path("data/b.csv")).unwrap();
    run(&project);
    assert_eq!(ids(&server), ["7:z"]);
    let traced = project.casparian(&["verify", "--quick"]);
    assert_eq!(traced.code, 0, "{}", traced.stdout);
}

#[test]
fn verify_names_rows_that_are_gone_or_nobodys_and_puts_them_right() {
    let Some(server) = Server::start() else { return };
    let project = project(&server);
    run(&project);
    server.ask("DELETE FROM orders WHERE id = '2'");
    server.ask("INSERT INTO orders (id, _job_id, _file_version_id) VALUES ('9', 12345, 1)");
    let proof = project.casparian(&["verify", "--json"]);
    assert_eq!(proof.code, 5);
    let kinds = &proof.json()["counts"];
    assert_eq!(*kinds, json!({ "rows_differ": 1, "unknown_file": 1 }), "{}", proof.stdout);
    assert_eq!(project.casparian(&["verify", "--repair"]).code, 5);
    run(&project);
    assert_eq!(ids(&server), ["1:x", "2:", "3:y"]);
}

#[test]
fn a_server_that_crashes_in_the_middle_and_a_worker_that_is_killed_lose_and_double_nothing() {
    let Some(server) = Server::start() else { return };
    let project = project(&server);
    for number in 0..300 {
        project.write(&format!("data/n{number}.csv"), format!("id,note\n{},n\n", 1_000 + number));
    }
    for wait_ms in [200, 500] {
        let running = project.start(&["run", "data"]);
        std::thread::sleep(std::time::Duration::from_millis(wait_ms));
        running.signal("KILL");
        running.wait();
    }
    let running = project.start(&["run", "data"]);
    for _ in 0..2 {
        std::thread::sleep(std::time::Duration::from_millis(400));
        server.restart();
    }
    assert_eq!(running.wait(), Some(0));
    run(&project);
    assert_eq!(server.ask("SELECT count(*), count(DISTINCT id) FROM orders"), ["303|303"]);
}

#[test]
fn a_value_that_the_database_cannot_hold_goes_to_quarantine() {
    let Some(server) = Server::start() else { return };
    let project = project(&server);
    let source = PLUGIN.replace("return list(csv.DictReader(file))", "return [{**row, 'bad': row['note'].replace('x', 'a\\0b')} for row in csv.DictReader(file)]");
    project.write("plugins/orders.py", source);
    let run = project.casparian(&["run", "data", "--json"]);
    assert_eq!((run.code, &run.json()["rows_quarantined"]), (3, &json!(1)), "{}", run.stderr);
    assert_eq!(ids(&server), ["2:", "3:y"]);
    let rows = project.json(&["quarantine", "--rows"]);
    let reason = rows["rows"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("NUL character"), "{reason}");
}

#[test]
fn a_secret_in_the_settings_is_refused_and_not_shown() {
    let project = Project::with_orders();
    let secret = "[sinks.warehouse]\nuri = \"postgresql://h/db\"\ncredentials = \"hunter2\"\n";
    project.write("casparian.toml", secret);
    project.write("data/a.csv", "id\n1\n");
    let run = project.casparian(&["run", "data"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("write ${env:NAME} or ${file:PATH}"), "{}", run.stderr);
    assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
}
