//! Processes that load side by side.

use super::rig::{FILE, Lake, PATIENCE, ints, job, load_into, staged};
use arrow_array::RecordBatch;
use protocol::JobId;
use std::process::{Child, Command, Stdio};
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
