//! The catalog on a PostgreSQL server: one after another Sentinel, and a server that crashes.

use super::project::{ORDERS, Project, Running, python, until};
use super::server::Server;
use serde_json::Value;

/// Its jobs take a while, so that something is always under way.
fn project(server: &Server, files: usize) -> Project {
    let project = Project::new();
    let slow = ORDERS.replace("import csv\n", "import csv\nimport time\n");
    let slow = slow.replace("        with open", "        time.sleep(0.02)\n        with open");
    project.write("plugins/orders.py", slow);
    (0..files).for_each(|file| project.write(&format!("data/{file}.csv"), format!("x\n{file}\n")));
    let url = server.fresh();
    project.write("casparian.toml", format!("catalog = \"{url}\"\n[[sources]]\npath = \"data\"\nsettle = \"0s\"\n[sentinel]\nlease = \"2s\"\n"));
    project
}

fn address(project: &Project, name: &str) -> String {
    format!("ipc://{}", project.path(name).display())
}

fn sentinel(project: &Project, name: &str) -> Running {
    project.start(&["sentinel", "--bind", &address(project, name)])
}

fn worker(project: &Project) -> Running {
    let [one, other] = ["one", "other"].map(|name| address(project, name));
    project.start(&["worker", "--connect", &one, "--connect", &other])
}

/// Null where there is no answer: before the first Sentinel, and in the middle of a crash.
fn status(project: &Project) -> Value {
    let status = project.casparian(&["status", "--json"]);
    if status.code == 0 { status.json() } else { Value::Null }
}

fn completed(project: &Project) -> u64 {
    status(project)["jobs"]["COMPLETED"].as_u64().unwrap_or(0)
}

fn is_active(project: &Project, name: &str) -> bool {
    status(project)["sentinel"]["endpoint"] == address(project, name)
}

/// Says something that is no message.
fn stranger(project: &Project) {
    let script = "import sys, zmq; s = zmq.Context().socket(zmq.DEALER); s.connect(sys.argv[1]); s.send(b'?'); s.recv_multipart()";
    let mut python = std::process::Command::new(python());
    python.args(["-c", script, &address(project, "one")]);
    assert!(python.status().unwrap().success());
}

#[track_caller]
/// While others are at work: for a moment a plain reader may see a compacted file beside those that it replaces.
fn check_live(project: &Project, files: usize) {
    until("all files are done", || completed(project) == files as u64);
    until("a plain reader sees each row once", || project.column("orders", "x") == rows(files));
    check(project, files);
}

fn rows(files: usize) -> Vec<String> {
    let mut rows = (0..files).map(|file| file.to_string()).collect::<Vec<_>>();
    rows.sort();
    rows
}

fn check(project: &Project, files: usize) {
    assert_eq!(completed(project), files as u64);
    assert_eq!(project.column("orders", "x"), rows(files));
    let proof = project.casparian(&["verify"]);
    assert_eq!(proof.code, 0, "{}{}", proof.stdout, proof.stderr);
}

#[test]
fn a_run_does_what_there_is_and_a_second_one_nothing() {
    let Some(server) = Server::start() else { return };
    let project = project(&server, 20);
    assert_eq!(project.json(&["run"])["jobs_completed"], 20);
    check(&project, 20);
    assert_eq!(project.json(&["run"])["jobs_completed"], 0);
    project.write("data/3.csv", "x\nthree\n");
    assert_eq!(project.json(&["run"])["jobs_completed"], 1);
    assert!(project.column("orders", "x").contains(&"three".to_owned()));
    // Longer than a row of the server's index.
    let deep = vec!["d".repeat(200); 14].join("/");
    project.write(&format!("data/{deep}/deep.csv"), "x\n1\n");
    let run = project.casparian(&["run"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stdout.contains("a catalog on a server takes 2600"), "{}", run.stdout);
    let traced = project.json(&["trace", "orders", "--where", "x = 'three'"]);
    assert!(traced.to_string().contains("3.csv"), "{traced:#}");
}

#[test]
fn a_standby_takes_over_and_the_workers_follow_it() {
    let Some(server) = Server::start() else { return };
    let project = project(&server, 300);
    let one = sentinel(&project, "one");
    until("it is active", || is_active(&project, "one"));
    let other = sentinel(&project, "other");
    let _workers = [worker(&project), worker(&project)];
    let _scout = project.start(&["scout"]);
    until("some are done", || completed(&project) > 30);
    stranger(&project);
    until("the stranger is counted", || {
        status(&project)["sentinel"]["refused"]["malformed"].as_u64() > Some(0)
    });
    one.signal("KILL");
    until("the standby is active", || is_active(&project, "other"));
    check_live(&project, 300);

    // One that stands still loses its place, and waits for it when it goes on.
    let again = sentinel(&project, "one");
    other.signal("STOP");
    (300..400).for_each(|file| project.write(&format!("data/{file}.csv"), format!("x\n{file}\n")));
    until("the other is active again", || is_active(&project, "one"));
    other.signal("CONT");
    check_live(&project, 400);
    again.signal("KILL");
    until("who stood still is active once more", || is_active(&project, "other"));
    other.signal("TERM");
    assert_eq!(other.wait(), Some(0));
}

#[test]
fn a_server_that_crashes_in_mid_run_loses_and_doubles_nothing() {
    let Some(server) = Server::start() else { return };
    let project = project(&server, 400);
    let _sentinel = sentinel(&project, "one");
    let _workers = [worker(&project), worker(&project)];
    let _scout = project.start(&["scout"]);
    for done in [40, 120, 200] {
        until("more are done", || completed(&project) > done);
        server.restart();
    }
    check_live(&project, 400);
}
