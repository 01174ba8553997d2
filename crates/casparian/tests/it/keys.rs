//! Keys: how they are kept, and who comes in with them.

use super::project::{Outcome, Project, until};
use serde_json::Value;
use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn made(project: &Project, role: &str) -> String {
    project.json(&["keys", "make", role])["key"].as_str().unwrap().to_owned()
}

#[test]
fn a_secret_key_is_its_owners_alone() {
    let project = Project::new();
    let key = made(&project, "sentinel");
    let secret = project.path(".casparian/keys/sentinel.key_secret");
    assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(project.json(&["keys"])["sentinel"], *key);
    let again = project.casparian(&["keys", "make", "sentinel"]);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("sentinel.key_secret is already there"), "{}", again.stderr);
    fs::set_permissions(&secret, Permissions::from_mode(0o640)).unwrap();
    let refused = project.casparian(&["sentinel"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.contains("others can read the secret key")
            && refused.stderr.contains("hint: chmod 600 "),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_worker_is_allowed_by_key_or_file_and_withdrawn_by_name() {
    let (project, elsewhere) = (Project::new(), Project::new());
    let key = made(&elsewhere, "worker");
    let file = elsewhere.path(".casparian/keys/worker.key");
    let file = file.to_str().unwrap();
    assert_eq!(project.json(&["keys", "allow", file, "--name", "hall 3"])["changed"], 1);
    assert_eq!(project.json(&["keys", "allow", &key])["changed"], 0, "it is there already");
    let allowed = project.json(&["keys"])["allowed"].clone();
    assert_eq!(allowed, serde_json::json!([{ "key": key, "name": "hall 3" }]));
    assert_eq!(project.json(&["keys", "withdraw", "hall 3"])["changed"], 1);
    assert_eq!(project.json(&["keys"])["allowed"], serde_json::json!([]));
    let wrong = project.casparian(&["keys", "allow", "nonsense"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("neither a public key nor a file"), "{}", wrong.stderr);
}

#[test]
fn a_secret_is_shown_nowhere() {
    let project = Project::new();
    made(&project, "sentinel");
    let file = fs::read_to_string(project.path(".casparian/keys/sentinel.key_secret")).unwrap();
    let secret = file.rsplit('"').nth(1).unwrap();
    assert_eq!(secret.len(), 40);
    for arguments in [&["keys"][..], &["keys", "--json"], &["doctor"], &["doctor", "--json"]] {
        let Outcome { stdout, stderr, .. } = project.casparian(arguments);
        assert!(!stdout.contains(secret) && !stderr.contains(secret), "{arguments:?}");
    }
}

#[test]
fn a_worker_beyond_loopback_needs_its_own_key_and_the_sentinels() {
    let project = Project::with_orders();
    let connect = ["worker", "--connect", "tcp://192.0.2.1:5555"];
    let first = project.casparian(&connect);
    assert_eq!(first.code, 2);
    assert!(first.stderr.contains("public key of its Sentinel is not known"), "{}", first.stderr);
    let key = made(&Project::new(), "sentinel");
    let second = project.casparian(&[&connect[..], &["--sentinel-key", &key]].concat());
    assert_eq!(second.code, 2);
    assert!(
        second.stderr.contains("hint: make one: casparian keys make worker"),
        "{}",
        second.stderr
    );
}

/// One in 85 does, and it is no option.
#[test]
fn a_key_may_begin_with_a_hyphen() {
    let project = Project::with_orders();
    let key = format!("-v{}", "0".repeat(38));
    for (verb, told) in [("allow", "allowed\n"), ("withdraw", "withdrawn\n")] {
        let done = project.casparian(&["keys", verb, &key]);
        assert_eq!((done.code, done.stderr.as_str()), (0, told));
    }
    let worker = ["worker", "--connect", "tcp://192.0.2.1:5555", "--sentinel-key", &key];
    let worker = project.casparian(&worker);
    assert!(worker.stderr.contains("casparian keys make worker"), "{}", worker.stderr);
}

fn status(project: &Project) -> Option<Value> {
    let outcome = project.casparian(&["status", "--json"]);
    (outcome.code == 0).then(|| outcome.json())
}

fn refused(project: &Project, what: &str) -> u64 {
    let count = |status: Value| status["sentinel"]["refused"][what].as_u64();
    status(project).and_then(count).unwrap_or(0)
}

#[test]
fn workers_with_allowed_keys_work_beyond_loopback_and_others_are_refused_and_counted() {
    let (project, stranger) = (Project::with_orders(), Project::with_orders());
    project.write("casparian.toml", "[[sources]]\npath = \"data\"\nsettle = \"0s\"\n[scout]\nsweep = \"1s\"\n[sentinel]\nlease = \"2s\"\n");
    let sentinel_key = made(&project, "sentinel");
    let worker_key = made(&project, "worker");
    made(&stranger, "worker");
    project.json(&["keys", "allow", &worker_key, "--name", "ours"]);
    let port = port();
    let (bind, connect) = (format!("tcp://0.0.0.0:{port}"), format!("tcp://127.0.0.1:{port}"));
    let _sentinel = project.start(&["sentinel", "--bind", &bind]);
    until("there is a Sentinel", || status(&project).is_some_and(|it| !it["sentinel"].is_null()));
    let _scout = project.start(&["scout"]);

    let _refused =
        stranger.start(&["worker", "--connect", &connect, "--sentinel-key", &sentinel_key]);
    until("the stranger is refused", || refused(&project, "connections") > 0);
    assert_eq!(status(&project).unwrap()["workers"].as_array().unwrap().len(), 0);

    let _worker = project.start(&["worker", "--connect", &connect]);
    project.write("data/a.csv", "x\n1\n");
    until("the file is there", || project.column("orders", "x") == ["1"]);

    project.json(&["keys", "withdraw", "ours"]);
    until("its messages are refused", || refused(&project, "withdrawn") > 0);
    project.write("data/b.csv", "x\n2\n");
    until("the worker is lost", || {
        status(&project).unwrap()["workers"].as_array().unwrap().is_empty()
    });
    assert_eq!(project.column("orders", "x"), ["1"]);
    project.json(&["keys", "allow", &worker_key]);
    until("the second file is there", || project.column("orders", "x") == ["1", "2"]);
}
