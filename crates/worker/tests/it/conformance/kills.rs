//! Workers that are killed while they publish.

use super::read;
use super::target::{Place, Target, attempt, on_every_sink, promote};
use crate::schemas::{batch, ints};
use crate::support::sink;
use arrow_schema::DataType;
use protocol::{TopicSchema, VersionId};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use worker::sinks::{Lineage, Sinks};

on_every_sink!(a_worker_that_is_killed_at_any_instant_leaves_all_rows_of_a_job_or_none);

const JOBS: i64 = 4;
const BATCHES: usize = 10;
const ROWS: i64 = 2_000;

/// A process of its own that publishes to the sink that `uri` in its directory names. In a table each job replaces the one before it.
#[test]
#[ignore = "started by the tests of this module, in a directory of theirs"]
fn loader() {
    let here = std::env::current_dir().unwrap();
    let target = sink("t", &std::fs::read_to_string(here.join("uri")).unwrap());
    let sinks = Sinks::new(here, "w1".parse().unwrap());
    let rows = batch(&[("a", ints(&(0..ROWS).collect::<Vec<_>>()))]);
    for id in 1..=JOBS {
        let job = attempt(id, 1);
        let lineage = Lineage { job: job.id, version: VersionId::new(super::target::VERSION) };
        let mut stager = sinks.stager(&target, job, lineage, false).unwrap();
        for _ in 0..BATCHES {
            stager.write(&rows).unwrap();
        }
        let unsynced = stager.seal(&TopicSchema::parse_declared("a int64").unwrap());
        let unsynced = unsynced.unwrap().unwrap();
        unsynced.sync().unwrap();
        promote(&sinks, job, &unsynced.output, &[attempt(id - 1, 1)]).unwrap();
    }
}

fn start(target: &Target) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "conformance::kills::loader", "--ignored"])
        .current_dir(target.lake.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Jobs that are there, each with all of its rows.
fn complete(target: &Target) -> Vec<i64> {
    let mut counts = BTreeMap::<i64, i64>::new();
    for job in read::ints(&target.column("t", "_job_id", &DataType::Int64)) {
        *counts.entry(job.unwrap()).or_default() += 1;
    }
    assert!(counts.values().all(|rows| *rows == BATCHES as i64 * ROWS), "{counts:?}");
    counts.into_keys().collect()
}

fn a_worker_that_is_killed_at_any_instant_leaves_all_rows_of_a_job_or_none(target: &Target) {
    std::fs::write(target.lake.path().join("uri"), target.uri("t")).unwrap();
    let is_file = matches!(target.place, Place::Parquet);
    let mut kills = 0;
    // Every kill comes a little later, until nothing is left to be killed.
    for wait_ms in (2..).step_by(20) {
        let mut child = start(target);
        std::thread::sleep(Duration::from_millis(wait_ms));
        let _ = kill_process(Pid::from_child(&child), Signal::KILL);
        if child.wait().unwrap().success() {
            break;
        }
        kills += 1;
        assert!(complete(target).len() <= 1 || is_file, "two jobs at once");
    }
    assert!(kills > 3, "{kills} kills; the loader is too fast for this test");
    let first = if is_file { 1 } else { JOBS };
    assert_eq!(complete(target), (first..=JOBS).collect::<Vec<_>>());
    assert!(target.staged_files("t").is_empty());
}
