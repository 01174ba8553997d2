//! Peers of the original v4, written with pyzmq from the description of that protocol alone.

use super::project::{ORDERS, Project, Running, python, until};
use serde_json::Value;
use std::process::{Child, Command, Stdio};

fn project(header: &str, files: usize) -> Project {
    let project = Project::new();
    project.write("plugins/orders.py", header.to_owned() + ORDERS);
    (0..files).for_each(|file| project.write(&format!("data/{file}.csv"), format!("x\n{file}\n")));
    project.write("casparian.toml", "[[sources]]\npath = \"data\"\nsettle = \"0s\"\n");
    project
}

fn control_plane(project: &Project) -> [Running; 2] {
    let sentinel = project.start(&["sentinel", "--bind", &project.address()]);
    [sentinel, project.start(&["scout"])]
}

fn worker(project: &Project, capabilities: &str, plan: &str) -> Child {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/v4/worker.py");
    let mut command = Command::new(python());
    command.args([script, &project.address(), capabilities, plan]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap()
}

/// What it was given, when it has come to the end of its plan.
fn given(worker: Child) -> Vec<Value> {
    let output = worker.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn jobs(project: &Project) -> Vec<Value> {
    project.json(&["jobs", "list"])["jobs"].as_array().unwrap().clone()
}

fn of_status(project: &Project, status: &str) -> usize {
    jobs(project).iter().filter(|job| job["status"] == status).count()
}

#[test]
fn a_v4_worker_takes_one_job_after_the_other_and_its_word_counts() {
    let project = project("", 4);
    let _roles = control_plane(&project);
    let idle = worker(&project, "another+plugin", "ok");
    let given = given(worker(&project, "another+orders", "ok,fail,err,twice"));
    for dispatch in &given {
        assert_eq!(dispatch["plugin_name"], "orders");
        let path = dispatch["file_path"].as_str().unwrap();
        assert!(path.starts_with(project.path("data").to_str().unwrap()), "{path}");
        assert_eq!(dispatch["sinks"][0]["topic"], "orders");
        assert_eq!(dispatch["sinks"][0]["uri"], "parquet://orders");
        assert_eq!(dispatch["sinks"][0]["mode"], "append");
        assert!(dispatch["file_version_id"].is_i64());
    }
    until("its jobs have ended", || of_status(&project, "COMPLETED") == 2);
    until("its failures are known", || of_status(&project, "FAILED") == 2);
    let errors: Vec<_> = jobs(&project).iter().map(|job| job["error"].to_string()).collect();
    assert!(errors.iter().any(|error| error.contains("no such column")), "{errors:?}");
    assert!(errors.iter().any(|error| error.contains("Traceback: line 7")), "{errors:?}");
    let done = jobs(&project).into_iter().find(|job| job["status"] == "COMPLETED").unwrap();
    let shown = project.casparian(&["jobs", "show", done["id"].as_str().unwrap(), "--json"]);
    assert!(shown.stdout.contains("(v4, unverified)"), "{}", shown.stdout);
    end(idle);
}

#[test]
fn a_v4_worker_that_lets_the_time_of_its_job_pass_loses_it() {
    let project = project("# TIMEOUT: 2s\n", 2);
    let _roles = control_plane(&project);
    let first = [worker(&project, "orders", "die"), worker(&project, "orders", "late")];
    let mut lost: Vec<_> = first.into_iter().flat_map(given).collect();
    let mut again = given(worker(&project, "orders", "ok,ok"));
    for dispatches in [&mut lost, &mut again] {
        dispatches.sort_by_key(|dispatch| dispatch["job"].as_i64());
    }
    let ids =
        |dispatches: &[Value]| dispatches.iter().map(|it| it["job"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&again), ids(&lost));
    until("both have ended", || of_status(&project, "COMPLETED") == 2);
    assert!(jobs(&project).iter().all(|job| job["attempt"] == 2), "{:?}", jobs(&project));
}

#[test]
fn a_v4_worker_that_went_is_given_nothing_and_costs_nothing() {
    let project = project("# RETRIES: 0\n", 0);
    project.write("data/unwanted.txt", "");
    assert_eq!(project.casparian(&["scan"]).code, 0);
    let _roles = control_plane(&project);
    let is_known = || project.json(&["status"])["workers"].as_array().unwrap().len();
    let mut gone = worker(&project, "orders", "ok");
    until("it is known", || is_known() == 1);
    gone.kill().unwrap();
    gone.wait().unwrap();
    project.write("data/0.csv", "x\n0\n");
    until("its job came back", || is_known() == 0);
    given(worker(&project, "orders", "ok"));
    until("the job has ended", || of_status(&project, "COMPLETED") == 1);
}

fn end(mut worker: Child) {
    worker.kill().unwrap();
    let output = worker.wait_with_output().unwrap();
    assert!(output.stdout.is_empty(), "it was given a plugin that it does not have");
}

#[test]
fn our_worker_serves_a_v4_sentinel_without_grant() {
    let plugin = "import time\nif 'slow' in path: time.sleep(1000)";
    let project = project("", 0);
    let body = ORDERS.replace(
        "        with open",
        &format!("        {}\n        with open", plugin.replace('\n', "\n        ")),
    );
    project.write("plugins/orders.py", body);
    let names = ["a.csv", "slow.csv", "b.csv", "gone.csv", "unknown.csv", "b.csv"];
    let files = names.map(|name| project.path("in").join(name).to_str().unwrap().to_owned());
    names.iter().filter(|name| **name != "gone.csv").for_each(|name| {
        project.write(&format!("in/{name}"), format!("x\n{name}\n"));
    });
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/v4/sentinel.py");
    let mut sentinel = Command::new(python());
    sentinel.args([script, &project.address()]).args(&files).stdout(Stdio::piped());
    let sentinel = sentinel.spawn().unwrap();
    let worker = project.start(&["worker", "--connect", &project.address()]);
    let concluded = given(sentinel);
    let statuses: Vec<_> = concluded.iter().map(|it| it["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["SUCCESS", "FAILED", "SUCCESS", "FAILED", "FAILED", "SUCCESS"]);
    let first = &concluded[0];
    assert_eq!(first["metrics"]["rows"], 1);
    assert_eq!(
        first["artifacts"],
        serde_json::json!([{"topic": "orders", "uri": "parquet://orders"}])
    );
    assert!(first["error_message"].is_null());
    let error = |index: usize| concluded[index]["error_message"].as_str().unwrap().to_owned();
    assert!(error(1).contains("aborted"), "{}", error(1));
    assert!(error(3).contains("gone.csv"), "{}", error(3));
    assert!(error(4).contains("this worker has no plugin nobody"), "{}", error(4));
    assert_eq!(project.column("orders", "x"), ["a.csv", "b.csv", "b.csv"]);
    assert_eq!(project.column("orders", "_job_id"), ["1", "3", "6"]);
    assert_eq!(project.column("orders", "_file_version_id"), ["101", "103", "106"]);
    worker.signal("TERM");
    assert_eq!(worker.wait(), Some(0));
}
