//! Plugins and files that fail: named, counted, in the exit code, and in nobody else's way.

use super::project::{ORDERS, Project};
use serde_json::Value;

fn with_a_failing_file() -> Project {
    let project = Project::with_orders();
    let checks = "rows = list(csv.DictReader(file))
            if 'bad' in path:
                print('about to fail')
                raise ValueError('no good')
            return rows";
    project.write("plugins/orders.py", ORDERS.replace("return list(csv.DictReader(file))", checks));
    project.write("data/a.csv", "x\n1\n");
    project.write("data/bad.csv", "x\n2\n");
    project
}

#[test]
fn a_failed_file_is_named_with_its_reason_and_the_exit_code_is_3() {
    let project = with_a_failing_file();
    let outcome = project.casparian(&["run", "data"]);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    assert!(
        outcome.stdout.contains("data/bad.csv (orders): plugin: ValueError: no good"),
        "{}",
        outcome.stdout
    );
    assert_eq!(project.column("orders", "x"), ["1"]);
    let again = project.casparian(&["run", "data"]);
    assert_eq!(again.code, 0, "nothing failed in the second run");
    assert!(again.stderr.contains("1 file failed in earlier runs"), "{}", again.stderr);
}

#[test]
fn the_document_of_a_run_lists_its_failures() {
    let project = with_a_failing_file();
    let outcome = project.casparian(&["run", "data", "--json"]);
    assert_eq!(outcome.code, 3);
    let document = outcome.json();
    assert_eq!((&document["jobs_completed"], &document["jobs_failed"]), (&1.into(), &1.into()));
    let failure = &document["failures"][0];
    assert!(failure["path"].as_str().unwrap().ends_with("data/bad.csv"));
    assert_eq!((&failure["plugin"], &failure["error_class"]), (&"orders".into(), &"plugin".into()));
    assert!(failure["error"].as_str().unwrap().contains("no good"));
}

#[test]
fn a_failed_job_can_be_looked_at_and_tried_again() {
    let project = with_a_failing_file();
    project.casparian(&["run", "data"]);
    let jobs = project.json(&["jobs", "list", "--status", "failed"]);
    let [job] = jobs["jobs"].as_array().unwrap().as_slice() else { panic!("{jobs:#}") };
    let expected = [("kind", "process"), ("status", "FAILED"), ("plugin", "orders")];
    for (key, value) in expected {
        assert_eq!(job[key], value);
    }
    let id = job["id"].as_str().unwrap();
    let shown = project.json(&["jobs", "show", id]);
    assert!(shown["log"].as_str().unwrap().starts_with("about to fail\n"), "{shown:#}");
    assert!(shown["artifacts"].as_array().unwrap().is_empty());

    let retry = project.casparian(&["jobs", "retry", id]);
    assert_eq!(retry.code, 0, "{}", retry.stderr);
    assert!(retry.stdout.contains("the next `casparian run`"), "{}", retry.stdout);
    let outcome = project.casparian(&["run", "data", "--json"]);
    assert_eq!((outcome.code, &outcome.json()["jobs_failed"]), (3, &1.into()));
}

#[test]
fn a_repaired_plugin_gets_the_files_that_failed() {
    let project = with_a_failing_file();
    project.casparian(&["run", "data"]);
    project.write("plugins/orders.py", ORDERS);
    let document = project.json(&["run", "data"]);
    assert_eq!((&document["jobs_completed"], &document["jobs_failed"]), (&1.into(), &0.into()));
    assert_eq!(project.column("orders", "x"), ["1", "2"]);
}

#[test]
fn a_plugin_that_cannot_be_read_is_rejected_with_its_line_and_the_others_go_on() {
    let project = Project::with_orders();
    project.write("plugins/broken.py", "# PATTERN: [\n# TOPIC: x\nclass Handler:\n    pass\n");
    project.write("data/a.csv", "x\n1\n");
    let outcome = project.casparian(&["run", "data"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(
        outcome.stderr.starts_with("warning: plugins/broken.py:1: PATTERN"),
        "{}",
        outcome.stderr
    );
    assert_eq!(project.column("orders", "x"), ["1"]);
    let plugins = project.json(&["plugins"]);
    let status = |name: &str| -> Value {
        let plugins = plugins["plugins"].as_array().unwrap();
        plugins.iter().find(|plugin| plugin["name"] == name).unwrap()["status"].clone()
    };
    assert_eq!((status("orders"), status("broken")), ("ACTIVE".into(), "REJECTED".into()));
}

#[test]
fn a_file_that_keeps_changing_is_named_and_published_when_it_is_at_rest() {
    let project = Project::with_orders();
    let slowly = "import time\n            time.sleep(0.3)\n            return list";
    project.write("plugins/orders.py", ORDERS.replace("return list", slowly));
    project.write("data/a.csv", "x\n0\n");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut file =
                std::fs::File::options().append(true).open(project.path("data/a.csv")).unwrap();
            while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                std::io::Write::write_all(&mut file, b"1\n").unwrap();
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        });
        let outcome = project.casparian(&["run", "data"]);
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(outcome.code, 3, "{}{}", outcome.stdout, outcome.stderr);
        assert!(outcome.stdout.contains("data/a.csv: it changed each time"), "{}", outcome.stdout);
        assert!(project.parts("orders").is_empty());
    });
    let lines = std::fs::read_to_string(project.path("data/a.csv")).unwrap().lines().count();
    assert_eq!(project.json(&["run", "data"])["rows"], lines - 1);
}

#[test]
fn an_unreadable_file_is_named_and_the_exit_code_is_3() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::with_orders();
    project.write("data/a.csv", "x\n1\n");
    project.write("data/closed.csv", "x\n2\n");
    let closed = project.path("data/closed.csv");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o0)).unwrap();
    if std::fs::read(&closed).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    let outcome = project.casparian(&["run", "data"]);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    assert!(outcome.stdout.contains("data/closed.csv: "), "{}", outcome.stdout);
    assert_eq!(project.column("orders", "x"), ["1"]);
}
