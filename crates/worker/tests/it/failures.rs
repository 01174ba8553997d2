//! A bad plugin or a bad file harms its own job only, and says why.

use crate::guests::EXAMPLE;
use crate::support::{Rig, sink};
use protocol::{Abort, Conclude, ConcludeStatus, ErrorClass, JobId, SentinelMessage};
use std::time::{Duration, Instant};

pub fn plugin(body: &str) -> String {
    let head = "import os, sys, time, signal\nfrom casparian_flow.sdk import BasePlugin\nclass Handler(BasePlugin):\n    def execute(self, path):\n";
    let body = body.lines().map(|line| format!("        {line}\n")).collect::<String>();
    head.to_owned() + &body
}

pub fn expect(conclude: &Conclude, class: ErrorClass, text: &str) {
    assert_eq!(conclude.status, ConcludeStatus::Failed, "{conclude:?}");
    assert_eq!(conclude.error_class, Some(class), "{conclude:?}");
    let message = conclude.error_message.as_deref().unwrap();
    assert!(message.contains(text), "{text:?} in {message:?}");
}

#[test]
fn each_way_to_fail_has_its_class_and_the_next_job_runs() {
    let publish = "self.publish('sales_data', [{'a': 1}])\n";
    let cases = [
        (
            "raise ValueError('bad line 7')",
            ErrorClass::Plugin,
            "in execute\n    raise ValueError('bad line 7')\nValueError: bad line 7",
        ),
        ("sys.exit(2)", ErrorClass::Plugin, "the plugin called exit(2)"),
        ("os._exit(3)", ErrorClass::Crash, "ended with exit status 3"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", ErrorClass::Crash, "killed by signal 11"),
        ("self.publish('other', [{'a': 1}])", ErrorClass::Plugin, "sales_data"),
        ("raise MemoryError()", ErrorClass::Memory, "MemoryError"),
    ];
    let mut rig = Rig::new(1);
    for (job, (body, class, text)) in (1..).zip(cases) {
        let source = plugin(&(publish.to_owned() + body));
        expect(&rig.run(job, &source, "a\n1\n", &["sales_data"]), class, text);
    }
    assert!(rig.project.staged("sales_data").is_empty());
    let conclude = rig.run(99, EXAMPLE, "a\n1\n", &["sales_data"]);
    assert_eq!(conclude.status, ConcludeStatus::Success, "{conclude:?}");
    assert_eq!(rig.project.rows("sales_data"), 1);
}

#[test]
fn a_plugin_that_does_not_load_is_class_load() {
    let mut rig = Rig::new(1);
    expect(
        &rig.run(1, "import nonsense_of_mine", "x", &["t"]),
        ErrorClass::Load,
        "nonsense_of_mine",
    );
    expect(&rig.run(2, "def broken(:", "x", &["t"]), ErrorClass::Load, "SyntaxError");
}

#[test]
fn a_plugin_without_source_is_said_so_and_may_be_sent_again() {
    let mut rig = Rig::new(1);
    let file = rig.project.input("x.csv", "a\n1\n");
    let mut dispatch = rig.project.dispatch(EXAMPLE, &file, &["sales_data"]);
    dispatch.plugin_source = None;
    rig.sentinel.dispatch(1, &dispatch);
    let conclude = rig.sentinel.until_concluded(1);
    expect(&conclude, ErrorClass::Load, "this worker has no source for plugin my_parser");
    assert_eq!(conclude.retryable, Some(true));
    dispatch.plugin_source = Some(EXAMPLE.to_owned() + "#");
    rig.sentinel.dispatch(2, &dispatch);
    expect(&rig.sentinel.until_concluded(2), ErrorClass::Load, "is not its version");
}

#[test]
fn a_job_beyond_its_timeout_is_killed_with_all_it_started() {
    let mut rig = Rig::new(1);
    let body = "import subprocess\nchild = subprocess.Popen(['sleep', '1000'])\nopen('/dev/stderr', 'w').write(f'child {child.pid}.')\ntime.sleep(1000)";
    let file = rig.project.input("x.csv", "a\n1\n");
    let mut dispatch = rig.project.dispatch(&plugin(body), &file, &["sales_data"]);
    dispatch.limits.timeout_ms = 1_500;
    let started = Instant::now();
    rig.sentinel.dispatch(1, &dispatch);
    expect(&rig.sentinel.until_concluded(1), ErrorClass::Timeout, "its TIMEOUT of 1.5 s");
    assert!(started.elapsed() < Duration::from_secs(4));
    let log = rig.project.log_of(1);
    let pid = log.split_once("child ").and_then(|(_, rest)| rest.split_once('.')).unwrap().0;
    std::thread::sleep(Duration::from_millis(100));
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    assert!(stat.is_empty() || stat.contains(") Z"), "{stat}");
}

#[test]
fn a_job_beyond_its_memory_is_killed() {
    let mut rig = Rig::new(1);
    let file = rig.project.input("x.csv", "a\n1\n");
    let body = "kept = []\nwhile True:\n    kept.append(bytearray(b'x') * (8 << 20))\n    time.sleep(0.01)";
    let mut dispatch = rig.project.dispatch(&plugin(body), &file, &["sales_data"]);
    dispatch.limits.memory_bytes = 200 << 20;
    rig.sentinel.dispatch(1, &dispatch);
    expect(&rig.sentinel.until_concluded(1), ErrorClass::Memory, "its MEMORY is 200 MiB");
}

#[test]
fn silence_is_not_death_but_an_abort_is() {
    let mut rig = Rig::new(1);
    let file = rig.project.input("x.csv", "a\n1\n");
    let dispatch = rig.project.dispatch(&plugin("time.sleep(1000)"), &file, &["sales_data"]);
    rig.sentinel.dispatch(1, &dispatch);
    rig.sentinel.dispatch(2, &dispatch);
    for _ in 0..5 {
        rig.sentinel.step();
    }
    assert!(rig.sentinel.concluded.is_empty());
    for job in [2, 1] {
        let abort = Abort { reason: "asked to".to_owned() };
        rig.sentinel.send(&SentinelMessage::Abort(JobId::new(job), abort));
        expect(&rig.sentinel.until_concluded(job), ErrorClass::Aborted, "asked to");
    }
}

#[test]
fn a_file_that_changes_under_the_parser_voids_the_job() {
    let mut rig = Rig::new(1);
    let body = "open(path, 'a').write('more')\nself.publish('t', [{'a': 1}])";
    expect(&rig.run(1, &plugin(body), "x", &["t"]), ErrorClass::Changed, "has other content");
    let body =
        "os.rename(path, path + '.old')\nopen(path, 'w').write('x')\nself.publish('t', [{'a': 1}])";
    expect(&rig.run(2, &plugin(body), "x", &["t"]), ErrorClass::Changed, "was replaced");
    assert!(rig.project.files("t").is_empty() && rig.project.staged("t").is_empty());
}

#[test]
fn a_plugin_is_not_to_blame_for_a_file_that_leaves_under_it() {
    let mut rig = Rig::new(1);
    let body = "os.rename(path, path + '.elsewhere')\nopen(path)";
    let ended = rig.run(1, &plugin(body), "x", &["t"]);
    assert_eq!(ended.error_class, Some(ErrorClass::Changed), "{ended:?}");
}

#[test]
fn a_touched_file_with_the_same_bytes_is_what_was_hashed() {
    let mut rig = Rig::new(1);
    let body = "os.utime(path)\nself.publish('t', [{'a': 1}])";
    assert_eq!(rig.run(1, &plugin(body), "x", &["t"]).status, ConcludeStatus::Success);
}

#[test]
fn a_file_that_is_gone_or_cannot_be_read_is_told_apart() {
    let mut rig = Rig::new(1);
    let file = rig.project.input("x.csv", "a\n1\n");
    let mut dispatch = rig.project.dispatch(EXAMPLE, &file, &["sales_data"]);
    let link = rig.project.home.path().join("in/link.csv");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    dispatch.file_path = link.to_str().unwrap().to_owned();
    rig.sentinel.dispatch(1, &dispatch);
    expect(&rig.sentinel.until_concluded(1), ErrorClass::Changed, "symbolic link");
    dispatch.file_path = file.to_str().unwrap().to_owned();
    std::fs::remove_file(&file).unwrap();
    rig.sentinel.dispatch(2, &dispatch);
    expect(&rig.sentinel.until_concluded(2), ErrorClass::Changed, "is gone");
}

#[test]
fn f17_a_plugin_without_rows_succeeds_and_leaves_no_file() {
    let mut rig = Rig::new(1);
    for (job, body) in (1..).zip(["pass", "self.publish('t', [])", "return {'a': []}"]) {
        let conclude = rig.run(job, &plugin(body), "x", &["t"]);
        assert_eq!(conclude.status, ConcludeStatus::Success, "{body}: {conclude:?}");
        assert!(conclude.artifacts.is_empty());
    }
    assert!(rig.project.files("t").is_empty() && rig.project.staged("t").is_empty());
}

#[test]
fn f18_when_one_of_two_sinks_fails_nothing_is_published_and_nothing_stays() {
    let mut rig = Rig::with_libraries(1);
    let body = "import pyarrow as pa\nself.publish('t', pa.table({'a': [1]}))\nself.publish('u', pa.table({'a': [1]}))\nself.publish('u', pa.table({'_job_id': ['x']}))";
    expect(
        &rig.run(1, &plugin(body), "x", &["t", "u"]),
        ErrorClass::Plugin,
        "'_job_id' is reserved",
    );
    for topic in ["t", "u"] {
        assert!(rig.project.files(topic).is_empty() && rig.project.staged(topic).is_empty());
    }
}

#[test]
fn f24_two_topics_in_one_directory_are_refused() {
    let mut rig = Rig::new(1);
    let file = rig.project.input("x.csv", "x");
    let mut dispatch = rig.project.dispatch(EXAMPLE, &file, &[]);
    dispatch.sinks = vec![sink("a", "parquet://x"), sink("b", "parquet://x")];
    rig.sentinel.dispatch(1, &dispatch);
    expect(&rig.sentinel.until_concluded(1), ErrorClass::Sink, "topics a and b both go to");
}
