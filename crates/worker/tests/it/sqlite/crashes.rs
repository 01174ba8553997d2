//! Loaders that are killed, and loaders side by side.

use super::rig::{FILE, Lake, PATIENCE, ints, job, load_into, staged};
use arrow_array::RecordBatch;
use protocol::JobId;
use rustix::process::{Pid, Signal, kill_process};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use worker::sinks::sql::Loaded;
use worker::sinks::sqlite::SqliteSink;

const BATCHES: usize = 40;
const ROWS: usize = 2_000;

fn batches(id: i64) -> Vec<RecordBatch> {
    let rows: Vec<i64> = (0..ROWS as i64).collect();
    vec![staged(job(id, 1), &[("a", ints(&rows))]); BATCHES]
}

/// A process of its own that loads the jobs that `jobs` in its directory names; each replaces the one before it.
#[test]
#[ignore = "started by the tests below, in a directory of theirs"]
fn loader() {
    let here = std::env::current_dir().unwrap();
    let jobs = std::fs::read_to_string(here.join("jobs")).unwrap();
    for id in jobs.lines().map(|line| line.parse::<i64>().unwrap()) {
        let mut sink = SqliteSink::open(&here, FILE, PATIENCE).unwrap();
        load_into(&mut sink, "t", job(id, 1), &batches(id), &[JobId::new(id - 1)]).unwrap();
    }
}

fn start(lake: &Lake) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sqlite::crashes::loader", "--ignored"])
        .current_dir(lake.0.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_loader_that_is_killed_at_any_instant_leaves_all_rows_or_none() {
    let lake = Lake::new();
    std::fs::write(lake.0.path().join("jobs"), "1\n2\n3\n4\n").unwrap();
    lake.done(job(100, 1), &[("a", ints(&[7]))]);
    let mut kills = 0;
    // Every kill comes a little later, until nothing is left to be killed.
    for wait_ms in (2..).step_by(9) {
        let mut child = start(&lake);
        std::thread::sleep(Duration::from_millis(wait_ms));
        if child.try_wait().unwrap().is_some_and(|status| status.success()) {
            break;
        }
        let _ = kill_process(Pid::from_child(&child), Signal::KILL);
        if child.wait().unwrap().success() {
            break;
        }
        kills += 1;
        let counts = lake.counts("t");
        let (last, others) = counts.split_last().unwrap();
        assert_eq!(*last, (100, 1));
        let all = |(_, rows): &(i64, u64)| *rows == (BATCHES * ROWS) as u64;
        assert!(others.len() <= 1 && others.iter().all(all), "{counts:?}");
        let current = lake.shell(
            "SELECT job_id, rows FROM _casparian_commits WHERE state = 'current' ORDER BY job_id",
        );
        let counted: Vec<String> = counts.iter().map(|(id, rows)| format!("{id}|{rows}")).collect();
        assert_eq!(current, counted);
    }
    assert!(kills > 3, "{kills} kills; the loader is too fast for this test");
    assert_eq!(lake.counts("t"), [(4, (BATCHES * ROWS) as u64), (100, 1)]);
    assert_eq!(lake.shell("PRAGMA integrity_check"), ["ok"]);
}

#[test]
fn two_processes_load_into_one_file_at_once() {
    let lake = Lake::new();
    let all: Vec<i64> = (1..=8).map(|at| at * 10).collect();
    let jobs: Vec<String> = all.iter().map(ToString::to_string).collect();
    std::fs::write(lake.0.path().join("jobs"), jobs.join("\n")).unwrap();
    // Both bring the same jobs: each is there once.
    let mut loaders = [start(&lake), start(&lake)];
    for loader in &mut loaders {
        assert!(loader.wait().unwrap().success());
    }
    let expected: Vec<(i64, u64)> = all.iter().map(|id| (*id, (BATCHES * ROWS) as u64)).collect();
    assert_eq!(lake.counts("t"), expected);
    let mut sink = lake.sink();
    let again = load_into(&mut sink, "t", job(10, 1), &batches(10), &[]).unwrap();
    assert_eq!(again, Loaded::Already);
}
