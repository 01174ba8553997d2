//! `serve`, and its roles as processes of their own.

use super::project::{Project, until};
use serde_json::Value;

fn configured() -> Project {
    let project = Project::with_orders();
    project.write(
        "casparian.toml",
        "[[sources]]\npath = \"data\"\nsettle = \"100ms\"\n[scout]\nsweep = \"1s\"\n",
    );
    project
}

fn status(project: &Project) -> Option<Value> {
    let outcome = project.casparian(&["status", "--json"]);
    (outcome.code == 0).then(|| outcome.json())
}

#[test]
fn serve_processes_what_comes_and_replaces_what_changes() {
    let project = configured();
    project.write("data/a.csv", "x\n1\n");
    let serve = project.start(&["serve", "--bind", &project.address()]);
    until("the first file is there", || project.column("orders", "x") == ["1"]);
    project.write("data/b.csv", "x\n2\n");
    until("the second file is there", || project.column("orders", "x") == ["1", "2"]);
    project.write("data/a.csv", "x\n3\n");
    until("the new rows replace the old", || project.column("orders", "x") == ["2", "3"]);
    let status = status(&project).unwrap();
    assert_eq!(status["sentinel"]["command"], "serve");
    assert!(status["events"].is_boolean(), "{status:#}");
    assert_eq!(status["workers"].as_array().unwrap().len(), 1);
    serve.signal("TERM");
    assert_eq!(serve.wait(), Some(0));
}

#[test]
fn the_roles_work_as_processes_of_their_own() {
    let project = configured();
    let address = project.address();
    let sentinel = project.start(&["sentinel", "--bind", &address]);
    let worker = project.start(&["worker", "--connect", &address]);
    let scout = project.start(&["scout"]);
    project.write("data/a.csv", "x\n1\n");
    until("the file is there", || project.column("orders", "x") == ["1"]);
    for role in [scout, worker] {
        role.signal("INT");
        assert_eq!(role.wait(), Some(130));
    }
    let quiet = || status(&project).filter(|it| it["workers"].as_array().unwrap().is_empty());
    until("the worker has left", || quiet().is_some());
    // The counters are told a little later than the worker is forgotten.
    std::thread::sleep(std::time::Duration::from_millis(500));
    let refused = quiet().unwrap()["sentinel"]["refused"].clone();
    assert_eq!(refused["strange"], 0, "a farewell is nobody's who is unknown: {refused}");
    sentinel.signal("INT");
    assert_eq!(sentinel.wait(), Some(130));
}

#[test]
fn a_run_beside_a_live_sentinel_hands_its_work_to_it() {
    let project = configured();
    let _serve = project.start(&["serve", "--bind", &project.address()]);
    until("there is a Sentinel", || status(&project).is_some_and(|it| !it["sentinel"].is_null()));
    project.write("more/b.csv", "x\n2\n");
    let document = project.json(&["run", "more"]);
    assert_eq!(document["jobs_completed"], 1, "{document:#}");
    assert_eq!(project.column("orders", "x"), ["2"]);
}

#[test]
fn a_run_takes_over_from_a_sentinel_that_dies() {
    let project = configured();
    let sentinel = project.start(&["sentinel", "--bind", &project.address()]);
    until("there is a Sentinel", || status(&project).is_some_and(|it| !it["sentinel"].is_null()));
    project.write("data/a.csv", "x\n1\n");
    let run = project.command(&["run", "--json"]).spawn().unwrap();
    until("the job waits", || status(&project).unwrap()["waiting"]["queued"] == 1);
    sentinel.signal("KILL");
    let outcome = super::project::Outcome::from(run.wait_with_output().unwrap());
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(outcome.json()["jobs_completed"], 1);
    assert_eq!(project.column("orders", "x"), ["1"]);
}

#[test]
fn a_catalog_has_one_sentinel() {
    let project = configured();
    let _first = project.start(&["sentinel", "--bind", &project.address()]);
    until("there is a Sentinel", || {
        project.path(".casparian/catalog.db").exists()
            && status(&project).is_some_and(|it| !it["sentinel"].is_null())
    });
    let second = project.casparian(&["sentinel", "--bind", &project.address()]);
    assert_eq!(second.code, 2);
    assert!(
        second.stderr.contains("has a Sentinel already: `casparian sentinel`"),
        "{}",
        second.stderr
    );
}

#[test]
fn a_live_sentinel_carries_out_a_retry_at_once() {
    let project = configured();
    project.write("plugins/orders.py", "# PATTERN: *.csv\n# TOPIC: orders\nimport casparian_flow.sdk\nimport os\nclass Handler(casparian_flow.sdk.BasePlugin):\n    def execute(self, path):\n        if not os.path.exists(path + '.ok'):\n            raise ValueError('not yet')\n        return [{'x': 1}]\n");
    project.write("data/a.csv", "x\n1\n");
    let _serve = project.start(&["serve", "--bind", &project.address()]);
    let failed =
        || project.json(&["jobs", "list", "--status", "failed"])["jobs"].as_array().unwrap().len();
    until("there is a Sentinel", || status(&project).is_some());
    until("the job has failed", || failed() == 1);
    project.write("data/a.csv.ok", "");
    let retry = project.casparian(&["jobs", "retry", "--failed", "--plugin", "orders"]);
    assert_eq!(retry.stdout, "1 job is queued again\n", "{}", retry.stderr);
    until("the rows are there", || project.column("orders", "x") == ["1"]);
    let jobs = || project.json(&["jobs", "list"])["jobs"].clone();
    until("the job has ended", || jobs()[0]["status"] == "COMPLETED");
    let done = jobs()[0]["id"].as_str().unwrap().to_owned();
    let retry = project.casparian(&["jobs", "retry", &done]);
    assert_eq!(retry.code, 3, "{}", retry.stderr);
    assert!(retry.stdout.contains(&format!("not queued: job {done}: ")), "{}", retry.stdout);
    let unknown = project.casparian(&["jobs", "retry", &done, "7"]);
    assert_eq!(unknown.code, 2);
    assert!(
        unknown.stderr.contains("there is no job 7; nothing is tried again"),
        "{}",
        unknown.stderr
    );
}
