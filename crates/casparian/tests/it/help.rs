//! Help is what the doc comments say, and it comes at once.

use super::project::{Outcome, Project};
use std::time::{Duration, Instant};

const COMMANDS: [&str; 22] = [
    "init",
    "run",
    "serve",
    "sentinel",
    "worker",
    "scout",
    "scan",
    "status",
    "inspect",
    "families",
    "files",
    "jobs",
    "backfill",
    "topics",
    "quarantine",
    "plugins",
    "routes",
    "explain",
    "trace",
    "verify",
    "keys",
    "doctor",
];

#[test]
fn the_help_lists_every_command() {
    let outcome = Project::new().casparian(&["--help"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(outcome.stdout);
}

#[test]
fn every_command_has_help_of_its_own() {
    let project = Project::new();
    let mut all = String::new();
    let jobs = ["list", "show", "retry", "abort"].map(|verb| vec!["jobs", verb]);
    let keys = ["list", "make", "allow", "withdraw"].map(|verb| vec!["keys", verb]);
    let verbs = jobs.into_iter().chain(keys);
    for words in COMMANDS.map(|command| vec![command]).into_iter().chain(verbs) {
        let outcome = project.casparian(&[words.clone(), vec!["--help"]].concat());
        assert_eq!(outcome.code, 0, "{words:?}");
        let own = outcome.stdout.split("Options of every command:").next().unwrap();
        all += &format!("$ casparian {} --help\n{}\n", words.join(" "), own.trim_end());
    }
    insta::assert_snapshot!(all);
}

#[test]
fn help_and_version_do_no_work_before_they_answer() {
    let project = Project::new();
    for flag in ["--help", "--version"] {
        // The best of some: the machine may be busy.
        let best = (0..20).map(|_| {
            let began = Instant::now();
            let mut command = project.command(&[flag]);
            command.env("CASPARIAN_NO_SUCH_SETTING", "not even looked at");
            assert_eq!(Outcome::of(command).code, 0);
            began.elapsed()
        });
        let best = best.min().unwrap();
        assert!(best < Duration::from_millis(20), "{flag} took {best:?}");
    }
}

#[test]
fn a_command_of_a_later_version_does_not_exist() {
    let outcome = Project::new().casparian(&["survey", "data"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""));
    assert!(outcome.stderr.contains("unrecognized subcommand 'survey'"), "{}", outcome.stderr);
}
