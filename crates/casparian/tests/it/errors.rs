//! What commands say when they cannot do what was asked: thing, cause, cure, and the exit code.

use super::project::{Outcome, Project};

#[track_caller]
fn check(project: &Project, arguments: &[&str], code: i32, expected: &str) {
    let outcome = project.casparian(arguments);
    assert_eq!(outcome.code, code, "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "");
    let root = std::fs::canonicalize(project.path(".")).unwrap();
    let text = outcome.stderr.replace(root.to_str().unwrap(), "[project]");
    assert_eq!(text, expected);
}

#[test]
fn commands_that_look_make_no_catalog() {
    let project = Project::new();
    let expected = "error: there is no catalog at [project]/.casparian/catalog.db
hint: `casparian run PATH` makes it; another project is named with --project
";
    for arguments in [
        &["status"][..],
        &["files"],
        &["jobs", "list"],
        &["jobs", "show", "1"],
        &["jobs", "retry", "--failed"],
        &["topics"],
        &["plugins"],
        &["routes"],
    ] {
        check(&project, arguments, 2, expected);
    }
    assert!(!project.path(".casparian").exists());
}

#[test]
fn a_path_that_is_not_there_is_named() {
    let project = Project::new();
    let outcome = project.casparian(&["run", "nowhere"]);
    assert_eq!(outcome.code, 2);
    assert!(
        outcome.stderr.contains("nowhere") && outcome.stderr.contains("No such file"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_project_that_is_not_there_is_named() {
    let expected =
        "error: the project nowhere does not exist\nhint: make it with: casparian init nowhere\n";
    check(&Project::new(), &["status", "--project", "nowhere"], 2, expected);
}

#[test]
fn a_catalog_that_is_none_is_refused() {
    let project = Project::new();
    project
        .write("x.db", "this is no database, and long enough to be looked at as one by its header");
    let outcome = project.casparian(&["status", "--catalog", "x.db"]);
    assert_eq!(outcome.code, 2, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("x.db"), "{}", outcome.stderr);
}

#[test]
fn an_interpreter_that_is_not_there_fails_the_run_and_not_each_file() {
    let project = Project::with_orders();
    project.write("data/a.csv", "x\n1\n");
    let mut command = project.command(&["run", "data"]);
    command.env("CASPARIAN_PYTHON_INTERPRETER", "python-of-nowhere");
    let outcome = Outcome::of(command);
    assert_eq!(outcome.code, 2);
    assert!(
        outcome.stderr.starts_with("error: there is no python-of-nowhere"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn an_unknown_job_is_named_with_the_cure() {
    let project = Project::with_orders();
    project.json(&["scan", "data"]);
    let expected =
        "error: there is no job 77\nhint: `casparian jobs list` shows the jobs with their ids\n";
    check(&project, &["jobs", "show", "77"], 2, expected);
}

#[test]
fn an_unknown_state_is_told_the_states() {
    let outcome = Project::new().casparian(&["jobs", "list", "--status", "bust"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("pending, queued, running"), "{}", outcome.stderr);
}

#[test]
fn beyond_this_machine_nothing_travels_in_the_clear() {
    let addresses = ["tcp://0.0.0.0:5555", "tcp://*:5555", "tcp://[::]:5555", "tcp://eth0:5555"];
    for arguments in [["sentinel", "--bind"], ["serve", "--bind"], ["worker", "--connect"]] {
        for address in addresses {
            let outcome = Project::new().casparian(&[arguments[0], arguments[1], address]);
            assert_eq!(outcome.code, 2);
            assert!(
                outcome.stderr.contains(&format!("error: {address} is beyond this machine"))
                    && outcome.stderr.contains("hint: ")
                    && outcome.stderr.contains("casparian keys"),
                "{}",
                outcome.stderr
            );
        }
    }
}

#[test]
fn init_writes_over_nothing() {
    let project = Project::new();
    let first = project.casparian(&["init"]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert!(project.path("plugins/README.md").exists());
    project.write("casparian.toml", "# mine\n");
    let second = project.casparian(&["init"]);
    assert_eq!(second.code, 2);
    assert_eq!(std::fs::read_to_string(project.path("casparian.toml")).unwrap(), "# mine\n");
}

#[test]
fn what_init_writes_is_accepted_with_every_line_of_it() {
    let project = Project::new();
    assert_eq!(project.casparian(&["init"]).code, 0);
    let template = std::fs::read_to_string(project.path("casparian.toml")).unwrap();
    let settings = template.lines().filter_map(|line| {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        (bare.starts_with('[') || bare.contains(" = ")).then_some(bare)
    });
    let top = "plugins_dir output catalog";
    let (first, rest): (Vec<_>, Vec<_>) = settings.partition(|line| {
        line.split(" = ").next().is_some_and(|key| top.split(' ').any(|it| it == key))
    });
    project.write("casparian.toml", [first, rest].concat().join("\n"));
    let outcome = project.casparian(&["doctor", "--json"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
}

#[test]
fn whoever_closes_the_pipe_has_read_enough() {
    let project = Project::with_orders();
    project.json(&["scan", "data"]);
    let mut child = project.command(&["doctor"]).spawn().unwrap();
    drop(child.stdout.take());
    let outcome = Outcome::from(child.wait_with_output().unwrap());
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
}
