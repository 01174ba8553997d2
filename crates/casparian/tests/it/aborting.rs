//! `jobs abort`: what runs is stopped, what waits is not started, and everybody is told by whom.

use super::project::{ORDERS, Project, Running, until};
use serde_json::Value;

/// `slow.csv` takes for ever, and starts a process that takes for ever, too.
const SLOW: &str = "rows = list(csv.DictReader(file))
            if 'slow' in path:
                import os, signal, time
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                if os.fork() == 0:
                    time.sleep(30)
                open(os.path.dirname(path) + '/../started', 'w').write(str(os.getpgrp()))
                time.sleep(1000)
            return rows";

fn with_a_slow_file() -> Project {
    let project = Project::with_orders();
    project.write("plugins/orders.py", ORDERS.replace("return list(csv.DictReader(file))", SLOW));
    project.write("data/slow.csv", "x\n1\n");
    project.write("data/b.csv", "x\n2\n");
    project
}

fn start(project: &Project) -> Running {
    let run = project.start(&["run", "data"]);
    until("the plugin runs", || project.group().is_some());
    run
}

impl Project {
    fn group(&self) -> Option<u32> {
        std::fs::read_to_string(self.path("started")).ok()?.parse().ok()
    }

    /// Whether any process of the guest is left.
    fn guest_lives(&self) -> bool {
        let group = format!("-{}", self.group().unwrap());
        let kill = std::process::Command::new("kill").args(["-s", "0", "--", &group]).output();
        kill.unwrap().status.success()
    }

    fn job_of(&self, file: &str) -> Value {
        let jobs = self.json(&["jobs", "list"])["jobs"].clone();
        let jobs = jobs.as_array().unwrap();
        let is_of = |job: &&Value| job["path"].as_str().unwrap().ends_with(file);
        jobs.iter().find(is_of).unwrap().clone()
    }
}

#[test]
fn a_running_job_is_aborted_with_all_its_processes_and_says_by_whom() {
    let project = with_a_slow_file();
    let run = start(&project);
    let id = project.job_of("slow.csv")["id"].as_str().unwrap().to_owned();
    let document = project.json(&["jobs", "abort", &id]);
    assert_eq!((&document["jobs"], &document["carried_out"]), (&1.into(), &true.into()));
    assert_eq!(run.wait(), Some(3), "a file was not processed in this run");
    until("no process of the guest is left", || !project.guest_lives());
    assert_eq!(project.column("orders", "x"), ["2"]);

    let job = project.json(&["jobs", "show", &id]);
    assert_eq!(job["status"], "ABORTED");
    assert!(job["aborted_by"].as_str().unwrap().contains('@'), "{job:#}");
    assert!(job["ended_at"].is_string() && job["artifacts"].as_array().unwrap().is_empty());
    let list = project.casparian(&["jobs", "list", "--status", "aborted"]).stdout;
    assert!(list.contains("slow.csv") && list.contains("by unknown@"), "{list}");

    // It stays so, until a person wants it.
    let document = project.json(&["run", "data"]);
    assert_eq!((&document["jobs_completed"], &document["jobs_aborted"]), (&0.into(), &0.into()));
    let again = project.casparian(&["jobs", "abort", &id]);
    assert_eq!(again.code, 3);
    assert_eq!(again.stdout, format!("not aborted: job {id}: it is ABORTED already\n"));
    project.write("plugins/orders.py", ORDERS);
    project.json(&["jobs", "retry", &id]);
    project.json(&["run", "data"]);
    assert_eq!(project.column("orders", "x"), ["1", "2"]);
}

#[test]
fn an_abort_without_a_live_sentinel_is_carried_out_by_the_next_one() {
    let project = with_a_slow_file();
    let run = start(&project);
    run.signal("KILL");
    assert_eq!(run.wait(), None);
    let id = project.job_of("slow.csv")["id"].as_str().unwrap().to_owned();
    let outcome = project.casparian(&["jobs", "abort", &id]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(outcome.stdout.contains("no Sentinel is live"), "{}", outcome.stdout);
    let outcome = project.casparian(&["run", "data"]);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    assert_eq!(project.job_of("slow.csv")["status"], "ABORTED");
    assert_eq!(project.column("orders", "x"), ["2"]);
}

#[test]
fn what_cannot_be_aborted_is_said_and_nothing_is_done_by_halves() {
    let project = Project::with_orders();
    project.write("data/a.csv", "x\n1\n");
    project.json(&["run", "data"]);
    let id = project.job_of("a.csv")["id"].as_str().unwrap().to_owned();
    let outcome = project.casparian(&["jobs", "abort", &id]);
    assert_eq!(outcome.code, 3);
    assert_eq!(outcome.stdout, format!("not aborted: job {id}: it has ended: COMPLETED\n"));
    let outcome = project.casparian(&["jobs", "abort", &id, "77"]);
    assert_eq!(outcome.code, 2);
    assert!(
        outcome.stderr.contains("there is no job 77; nothing is aborted"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("casparian jobs list"), "{}", outcome.stderr);
}

#[test]
fn a_second_signal_takes_the_guests_along_and_the_job_costs_no_attempt() {
    let project = with_a_slow_file();
    let run = start(&project);
    run.signal("INT");
    std::thread::sleep(std::time::Duration::from_millis(100));
    run.signal("INT");
    assert_eq!(run.wait(), Some(130));
    until("no process of the guest is left", || !project.guest_lives());
    project.write("plugins/orders.py", ORDERS);
    let document = project.json(&["run", "data"]);
    assert_eq!(document["jobs_failed"], 0, "{document:#}");
    assert_eq!(project.column("orders", "x"), ["1", "2"]);
}
