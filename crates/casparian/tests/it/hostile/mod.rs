//! Peers that mean harm, while an honest worker does its work.

use super::project::{Outcome, Project, Running, python, until};
use serde_json::Value;
use std::process::Command;

/// Of the Sentinel, whatever is done to it.
const MEMORY_MAX_KIB: u64 = 400 << 10;

fn cluster(project: &Project) -> [Running; 3] {
    project.write(
        "casparian.toml",
        "[[sources]]\npath = \"data\"\nsettle = \"0s\"\n[sentinel]\nlease = \"2s\"\n",
    );
    let sentinel = project.start(&["sentinel", "--bind", &project.address()]);
    let worker = project.start(&["worker", "--connect", &project.address()]);
    [sentinel, worker, project.start(&["scout"])]
}

fn sentinel(project: &Project) -> Value {
    let status = project.casparian(&["status", "--json"]);
    if status.code == 0 { status.json()["sentinel"].clone() } else { Value::Null }
}

/// The most that the Sentinel ever had.
fn memory_kib(project: &Project) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", sentinel(project)["pid"]));
    let status = status.expect("the Sentinel lives");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

fn check(kind: &str, counter: &str) {
    let project = Project::with_orders();
    let _roles = cluster(&project);
    until("the Sentinel listens", || !sentinel(&project).is_null());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/hostile/attack.py");
    let mut attack = Command::new(python());
    attack.args([script, &project.address(), kind]);
    let attack = std::thread::spawn(|| Outcome::of(attack));
    let files = (0..20).map(|file| file.to_string()).collect::<Vec<_>>();
    for file in &files {
        project.write(&format!("data/{file}.csv"), format!("x\n{file}\n"));
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let attacked = attack.join().unwrap();
    assert_eq!(attacked.code, 0, "{}", attacked.stderr);
    let mut expected = files;
    expected.sort();
    until("the honest worker has done all", || project.column("orders", "x") == expected);
    until("it is counted", || sentinel(&project)["refused"][counter].as_u64() > Some(0));
    let memory = memory_kib(&project);
    assert!(memory < MEMORY_MAX_KIB, "{kind}: {memory} KiB");
}

#[test]
fn thousands_of_connections_leave_room_for_others() {
    check("crowd", "crowding");
}

#[test]
fn a_peer_that_never_reads_fills_nothing() {
    check("mute", "strange");
}

#[test]
fn messages_of_very_many_and_very_large_parts_are_refused() {
    check("parts", "malformed");
}

#[test]
fn a_stolen_name_and_a_replayed_word_are_heard_by_nobody() {
    check("stolen", "strange");
}
