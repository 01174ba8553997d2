//! Disks that fill up, and get room again: nothing is lost, nothing ends, no attempt is charged.

use super::mounts::Mount;
use super::project::{Project, Running, until};
use serde_json::Value;

/// Each with a row that does not compress.
const FILES: usize = 120;

fn with_files() -> Project {
    let project = Project::with_orders();
    project.write("casparian.toml", "[[sources]]\npath = \"data\"\nsettle = \"0s\"\n");
    let mut state = 1_u64;
    for i in 0..FILES {
        let mut noise = String::new();
        for _ in 0..500 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            noise += &format!("{state:016x}");
        }
        project.write(&format!("data/{i:03}.csv"), format!("x,noise\n{i:03},{noise}\n"));
    }
    project
}

fn jobs(project: &Project) -> Value {
    let status = project.casparian(&["status", "--json"]);
    if status.code == 0 { status.json()["jobs"].clone() } else { Value::Null }
}

#[track_caller]
fn all_is_done(project: &Project, serve: &Running) {
    until("everything is done", || jobs(project)["COMPLETED"] == FILES);
    assert_ne!(serve.state(), 'Z', "it never ended");
    let expected = (0..FILES).map(|i| format!("{i:03}")).collect::<Vec<_>>();
    assert_eq!(project.column("orders", "x"), expected);
    assert_eq!(project.casparian(&["verify"]).code, 0);
}

#[test]
fn jobs_wait_for_room_on_the_disk_of_the_output_and_go_on() {
    let project = with_files();
    let Some(mount) = Mount::fresh(&project.path("lake"), "512k") else { return };
    let serve = project.start(&["serve", "--bind", &project.address()]);
    let held = || project.json(&["jobs", "list", "--limit", "500"])["jobs"].clone();
    let is_storage = |job: &Value| job["error_class"] == "storage" && job["hold"] == "backoff";
    until("jobs wait for room", || {
        jobs(&project).is_object() && held().as_array().unwrap().iter().any(is_storage)
    });
    assert!(jobs(&project)["COMPLETED"].as_u64().unwrap_or(0) < FILES as u64);
    mount.resize("64m");
    all_is_done(&project, &serve);
}

#[test]
fn a_catalog_without_room_is_waited_for() {
    let project = with_files();
    let Some(mount) = Mount::fresh(&project.path(".casparian"), "720k") else { return };
    let serve = project.start(&["serve", "--bind", &project.address()]);
    let log = || std::fs::read_to_string(project.path("serve.log")).unwrap();
    until("it says what it waits for", || log().contains("make room, and it goes on by itself"));
    mount.resize("64m");
    all_is_done(&project, &serve);
}

/// What is replaced in a shared file needs room to leave it.
#[test]
fn a_compaction_without_room_is_told_and_done_by_the_next_run_that_has_some() {
    let project = with_files();
    let Some(_mount) = Mount::fresh(&project.path("lake"), "2m") else { return };
    let (all, away) = (project.path("data"), project.path("away"));
    std::fs::rename(&all, &away).unwrap();
    // Columns that are known, so that the jobs to come share files.
    project.write("data/first.csv", "x,noise\nfirst,\n");
    project.json(&["run"]);
    std::fs::rename(all.join("first.csv"), away.join("first.csv")).unwrap();
    std::fs::remove_dir(&all).unwrap();
    std::fs::rename(&away, &all).unwrap();
    project.json(&["run"]);
    let room = room(&project);
    std::fs::write(project.path("lake/filling"), vec![1; room - 60_000]).unwrap();
    for i in (0..FILES).step_by(10) {
        project.write(&format!("data/{i:03}.csv"), format!("x,noise\n{i:03},\n"));
    }
    let run = project.casparian(&["run", "--json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let put_off = run.json()["waiting"]["compactions_put_off"].as_u64();
    assert!(put_off > Some(0), "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("see replaced rows until it is done"), "{}", run.stderr);
    assert!(run.stderr.contains("make room there"), "{}", run.stderr);
    assert_eq!(project.casparian(&["verify"]).code, 0);
    std::fs::remove_file(project.path("lake/filling")).unwrap();
    assert_eq!(project.json(&["run"])["waiting"]["compactions_put_off"], 0);
    let rows = (0..FILES).map(|i| format!("{i:03}")).chain(["first".to_owned()]);
    assert_eq!(project.column("orders", "x"), rows.collect::<Vec<_>>());
}

/// Bytes that can still be written there.
fn room(project: &Project) -> usize {
    let place = rustix::fs::statvfs(project.path("lake")).unwrap();
    (place.f_bavail * place.f_frsize) as usize
}
