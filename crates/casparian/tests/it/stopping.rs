//! Ctrl-C, SIGTERM and kill: nothing is lost and nothing is doubled.

use super::project::{ORDERS, Project, Running, until};

/// Each file takes a while.
fn slow(files: usize) -> Project {
    let project = Project::with_orders();
    let body = "import time\n            time.sleep(0.3)\n            return list";
    project.write("plugins/orders.py", ORDERS.replace("return list", body));
    for at in 0..files {
        project.write(&format!("data/{at}.csv"), format!("x\n{at}\n"));
    }
    project
}

/// Starts a run and waits until some of it is done.
fn half_way(project: &Project) -> Running {
    let run = project.start(&["run", "data"]);
    until("some files are done", || project.parts("orders").len() >= 2);
    run
}

#[track_caller]
fn every_row_is_there_once(project: &Project, files: usize) {
    let mut expected = (0..files).map(|at| at.to_string()).collect::<Vec<_>>();
    expected.sort();
    assert_eq!(project.column("orders", "x"), expected);
}

#[test]
fn the_first_signal_ends_cleanly_and_the_next_run_goes_on() {
    for signal in ["INT", "TERM"] {
        let project = slow(20);
        let run = half_way(&project);
        run.signal(signal);
        assert_eq!(run.wait(), Some(130));
        assert!(project.parts("orders").len() < 20, "it went on");
        let document = project.json(&["run", "data"]);
        assert_eq!(document["jobs_failed"], 0);
        every_row_is_there_once(&project, 20);
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    let project = slow(20);
    let run = half_way(&project);
    run.signal("INT");
    std::thread::sleep(std::time::Duration::from_millis(50));
    run.signal("INT");
    assert_eq!(run.wait(), Some(130));
    project.json(&["run", "data"]);
    every_row_is_there_once(&project, 20);
}

#[test]
fn f13_killed_and_run_again_every_row_is_there_once() {
    let project = slow(12);
    for _ in 0..3 {
        let run = project.start(&["run", "data"]);
        let before = project.parts("orders").len();
        until("one more file is done", || project.parts("orders").len() > before);
        run.signal("KILL");
        assert_eq!(run.wait(), None);
    }
    let document = project.json(&["run", "data"]);
    assert_eq!(document["jobs_failed"], 0, "{document:#}");
    every_row_is_there_once(&project, 12);
}

#[test]
fn nothing_of_a_run_stays_in_the_temporary_directory() {
    let project = slow(1);
    std::fs::create_dir(project.path("tmp")).unwrap();
    let mut command = project.command(&["run", "data"]);
    command.env("TMPDIR", project.path("tmp"));
    assert!(command.output().unwrap().status.success());
    assert_eq!(std::fs::read_dir(project.path("tmp")).unwrap().count(), 0);
}
