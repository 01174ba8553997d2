//! Files whose plugin takes processes down: they end FAILED with their class, and everything else goes on.

use super::project::{Project, Running, until};
use serde_json::Value;

/// Each file says in its name how its plugin ends.
const POISON: &str = r#"# PATTERN: *.csv
# TOPIC: orders
# TIMEOUT: 2s
# RETRIES: 0
import csv, os, signal, time
from casparian_flow.sdk import BasePlugin

class Handler(BasePlugin):
    def execute(self, path):
        with open(path, newline="") as file:
            rows = list(csv.DictReader(file))
        name = os.path.basename(path)
        self.publish("orders", rows)
        if name == "abort.csv":
            os.abort()
        if name == "segv.csv":
            os.kill(os.getpid(), signal.SIGSEGV)
        if name == "exit.csv":
            os._exit(7)
        if name == "group.csv":
            os.killpg(0, signal.SIGKILL)
        if name == "hang.csv":
            time.sleep(1000)
        if name == "stop.csv":
            os.kill(os.getpid(), signal.SIGSTOP)
        if name == "a-parent.csv":
            os.kill(os.getppid(), signal.SIGKILL)
"#;

const GOOD: [&str; 3] = ["1", "2", "3"];

fn with(poison: &[&str]) -> Project {
    let project = Project::new();
    project.write("plugins/orders.py", POISON);
    poison.iter().for_each(|name| project.write(&format!("data/{name}.csv"), "x\nnever\n"));
    GOOD.iter().for_each(|x| project.write(&format!("data/good{x}.csv"), format!("x\n{x}\n")));
    project
}

/// Name and error class of each job that failed.
fn failed(project: &Project) -> Vec<(String, String)> {
    let jobs = project.json(&["jobs", "list", "--status", "failed"]);
    let name = |job: &Value| {
        let path = job["path"].as_str().unwrap();
        let name = path.rsplit('/').next().unwrap().trim_end_matches(".csv").to_owned();
        (name, job["error_class"].as_str().unwrap().to_owned())
    };
    let mut failed: Vec<_> = jobs["jobs"].as_array().unwrap().iter().map(name).collect();
    failed.sort();
    failed
}

#[test]
fn a_guest_that_ends_in_any_way_ends_its_own_job_alone() {
    let project = with(&["abort", "segv", "exit", "group", "hang", "stop"]);
    assert_eq!(project.casparian(&["run", "data"]).code, 3);
    let class = |name: &str| if matches!(name, "hang" | "stop") { "timeout" } else { "crash" };
    let expected = ["abort", "exit", "group", "hang", "segv", "stop"];
    let expected = expected.map(|name| (name.to_owned(), class(name).to_owned()));
    assert_eq!(failed(&project), expected);
    assert_eq!(project.column("orders", "x"), GOOD);
    assert_eq!(project.casparian(&["verify"]).code, 0);
}

#[test]
fn a_plugin_that_kills_the_whole_run_is_given_up_and_the_others_are_done() {
    let project = with(&["a-parent"]);
    let mut codes = Vec::new();
    while codes.last() != Some(&3) {
        codes.push(project.casparian(&["run", "data"]).code);
        assert!(codes.len() <= 15, "it is never given up: {codes:?}");
    }
    assert_eq!(failed(&project), [("a-parent".to_owned(), "worker_lost".to_owned())]);
    assert_eq!(project.column("orders", "x"), GOOD);
    assert_eq!(project.casparian(&["run", "data"]).code, 0);
    assert_eq!(project.casparian(&["verify"]).code, 0);
}

#[test]
fn a_plugin_that_kills_its_worker_is_given_up_and_the_other_worker_goes_on() {
    let project = with(&["a-parent"]);
    let address = project.address();
    let lease = [("CASPARIAN_SENTINEL_LEASE", "1s")];
    let _sentinel = project.start_with(&["sentinel", "--bind", &address], &lease);
    let worker = || project.start(&["worker", "--connect", &address, "--slots", "1"]);
    let mut workers: Vec<Running> = vec![worker(), worker()];
    let _scout = project.start(&["scout", "data"]);
    let mut lost = 0;
    until("the poison is given up and the rest is done", || {
        for one in &mut workers {
            if one.state() == 'Z' {
                lost += 1;
                *one = worker();
            }
        }
        project.column("orders", "x") == GOOD && !failed(&project).is_empty()
    });
    assert_eq!(failed(&project), [("a-parent".to_owned(), "worker_lost".to_owned())]);
    assert!((3..=4).contains(&lost), "{lost} workers were lost");
}
