//! Guests of SQL plugins, played by a script that speaks the frames: what they reject is in quarantine, and nothing of it is trusted.

use crate::failures::expect;
use crate::support::{Project, Sentinel, read};
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use protocol::ConcludeStatus::Success;
use protocol::{Conclude, Dispatch, ErrorClass, PluginLanguage};
use worker::{SqlGuest, Worker, WorkerHandle};

/// Instead of reading SQL it runs what it is given: Python that speaks the frames itself.
const GUEST: &str = "
import json, os, socket, struct, sys, time
host = socket.socket(fileno=os.dup(0))
def frame(kind, payload):
    payload = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    host.sendall(struct.pack('>BI', kind, len(payload)) + payload)
def receive():
    head, fds, _, _ = socket.recv_fds(host, 5, 1)
    if not head:
        sys.exit()
    kind, length = struct.unpack('>BI', head)
    payload = b''
    while len(payload) < length:
        payload += host.recv(length - len(payload))
    return kind, json.loads(payload), fds
def reject(topic, *rows):
    frame(5, {'topic': topic, 'rows': list(rows)})
def done(rows={}, **counts):
    frame(6, {'rows': rows, **counts})
kind, hello, _ = receive()
source = open(hello['source_path']).read()
frame(1, b'')
while True:
    kind, job, [file] = receive()
    exec(source)
    os.close(file)
";

struct Rig {
    project: Project,
    sentinel: Sentinel,
    _worker: WorkerHandle,
}

impl Rig {
    fn new() -> Self {
        let project = Project::new();
        let script = project.home.path().join("guest.py");
        std::fs::write(&script, GUEST).unwrap();
        let mut sentinel = Sentinel::bind();
        let mut settings = project.settings(&sentinel.endpoint, 1);
        let arguments = vec![script.into(), "--sql-guest".into()];
        settings.sql_guest = SqlGuest { program: project.python.clone(), arguments };
        let worker = Worker::start(settings).unwrap();
        sentinel.greet();
        Self { project, sentinel, _worker: worker }
    }

    fn dispatch(&self, job: i64, source: &str, topics: &[&str]) -> Dispatch {
        let file = self.project.input(&format!("{job}.csv"), "a;b\n1;2\n");
        let dispatch = self.project.dispatch(source, &file, topics);
        Dispatch { plugin_language: PluginLanguage::Sql, ..dispatch }
    }

    fn run(&mut self, job: i64, source: &str, topics: &[&str]) -> Conclude {
        let dispatch = self.dispatch(job, source, topics);
        self.run_dispatch(job, &dispatch)
    }

    fn run_dispatch(&mut self, job: i64, dispatch: &Dispatch) -> Conclude {
        self.sentinel.dispatch(job, dispatch);
        self.sentinel.until_concluded(job)
    }

    fn quarantined(&self, topic: &str) -> RecordBatch {
        let [file] = &self.project.files(&format!("{topic}/_quarantine"))[..] else {
            panic!("not one file of {topic} in quarantine")
        };
        let [batch] = &read(file)[..] else { panic!("not one batch") };
        batch.clone()
    }
}

fn numbers(batch: &RecordBatch, column: &str) -> Vec<Option<i64>> {
    batch[column].as_primitive::<Int64Type>().iter().collect()
}

fn texts(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
    let texts = arrow_cast::cast(&batch[column], &arrow_schema::DataType::Utf8).unwrap();
    texts.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

#[test]
fn the_guest_is_given_source_topics_file_and_socket_and_nothing_of_our_environment() {
    let mut rig = Rig::new();
    let source = "assert hello['topics'] == ['a', 'b'], hello
assert hello['source_path'].endswith('/my_parser.sql'), hello
assert os.read(file, 100) == b'a;b\\n1;2\\n' and job['path'].endswith('1.csv')
assert sys.argv[1:] == ['--sql-guest'] and os.getpgrp() == os.getpid()
assert set(os.environ) <= {'PATH', 'LC_CTYPE'}, os.environ
assert hello['memory_bytes'] == 2 << 30, hello
open_now = [os.readlink(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{fd}')]
assert sum(name.startswith('socket:') for name in open_now) == 2, open_now
print('said'); sys.stdout.flush()
done()";
    let conclude = rig.run(1, source, &["a", "b"]);
    assert_eq!(conclude.status, Success, "{conclude:?}\n{}", rig.project.log_of(1));
    assert_eq!(rig.project.log_of(1), "said\n");
}

#[test]
fn rejected_rows_are_in_quarantine_with_their_place_and_count_as_rows() {
    let mut rig = Rig::new();
    let source = "reject('a', {'row': 2, 'line': 3, 'offset': 8, 'column': 'b', 'reason': 'no number', 'record': '1;x'},
    {'row': 5, 'reason': 'cut off'})
reject('b', {'row': 2, 'line': 3, 'offset': 8, 'reason': 'no number', 'record': None})
reject('a')
done({}, quarantined={'a': 2, 'b': 1})";
    let conclude = rig.run(7, source, &["a", "b"]);
    assert_eq!(conclude.status, Success, "{conclude:?}");
    assert_eq!((conclude.metrics.rows, conclude.metrics.quarantined), (0, 3));
    let batch = rig.quarantined("a");
    let schema = batch.schema();
    let names = schema.fields().iter().map(|field| field.name().as_str());
    let expected = [
        "_row",
        "_line",
        "_offset",
        "_column",
        "_reason",
        "_record",
        "_job_id",
        "_file_version_id",
    ];
    assert_eq!(names.collect::<Vec<_>>(), expected);
    assert_eq!(numbers(&batch, "_row"), [Some(2), Some(5)]);
    assert_eq!(numbers(&batch, "_line"), [Some(3), None]);
    assert_eq!(numbers(&batch, "_offset"), [Some(8), None]);
    assert_eq!(texts(&batch, "_column"), [Some("b".to_owned()), None]);
    assert_eq!(texts(&batch, "_record"), [Some("1;x".to_owned()), None]);
    assert_eq!(numbers(&batch, "_job_id"), [Some(7), Some(7)]);
    assert_eq!(numbers(&batch, "_file_version_id"), [Some(77), Some(77)]);
    assert_eq!(rig.quarantined("b").num_rows(), 1);
    let outputs = &rig.sentinel.granted[&protocol::JobId::new(7)];
    let reasons = outputs.iter().flat_map(|output| output.reasons.clone());
    let reasons = reasons.map(|it| (it.column, it.reason, it.rows)).collect::<Vec<_>>();
    let expected = [
        (Some("b".to_owned()), "no number".to_owned(), 1),
        (None, "cut off".to_owned(), 1),
        (None, "no number".to_owned(), 1),
    ];
    assert_eq!(reasons, expected);
}

#[test]
fn too_many_rejected_rows_fail_the_job_and_nothing_is_published() {
    let mut rig = Rig::new();
    let many = "for n in range(1, 12):\n    reject('t', {'row': n, 'reason': 'torn'})\n";
    let source = format!("{many}done({{}}, quarantined={{'t': 11}})");
    let text = "topic t: 11 of 11 rows do not fit, more than its max_quarantine: torn (11 rows)";
    expect(&rig.run(1, &source, &["t"]), ErrorClass::Plugin, text);
    assert!(rig.project.files("t/_quarantine").is_empty() && rig.project.staged("t").is_empty());
    let mut dispatch = rig.dispatch(2, &source, &["t"]);
    dispatch.sinks[0].options.max_quarantine.rows = 11;
    assert_eq!(rig.run_dispatch(2, &dispatch).status, Success);
    assert_eq!(rig.quarantined("t").num_rows(), 11);
}

/// As of a statement with GROUP BY: its few rows say nothing of how many were read.
#[test]
fn the_share_of_rejected_rows_is_that_of_the_file_as_far_as_it_is_known() {
    let mut rig = Rig::new();
    let reject = |place: &str| {
        format!(
            "for n in range(11):\n    reject('t', {{'row': {place}, 'reason': 'torn'}})\ndone({{}}, quarantined={{'t': 11}})"
        )
    };
    assert_eq!(rig.run(1, &reject("10 * n + 10"), &["t"]).status, Success);
    let text = "topic t: 11 of 109 rows do not fit";
    expect(&rig.run(2, &reject("10 * n + 9"), &["t"]), ErrorClass::Plugin, text);
}

#[test]
fn rejected_rows_that_are_none_or_too_many_at_once_end_the_guest_and_its_job() {
    let cases = [
        ("frame(5, b'no JSON')", ErrorClass::Crash, "rejected rows that are none"),
        (
            "frame(5, {'topic': 't', 'rows': [{'row': 'x', 'reason': ''}]})",
            ErrorClass::Crash,
            "rejected rows that are none",
        ),
        ("reject('t', {'row': 0, 'reason': ''})", ErrorClass::Crash, "no place in a file"),
        (
            "reject('t', {'row': 1, 'offset': 1 << 63, 'reason': ''})",
            ErrorClass::Crash,
            "no place in a file",
        ),
        (
            "reject('t', *[{'row': 1, 'reason': ''}] * 50_001)",
            ErrorClass::Crash,
            "sent 50001 rejected rows at once",
        ),
        (
            "host.sendall(struct.pack('>BI', 5, (8 << 20) + 1))",
            ErrorClass::Crash,
            "sent 8388609 bytes of rejected rows at once",
        ),
        (
            "reject('other', {'row': 1, 'reason': ''})",
            ErrorClass::Plugin,
            "published to 'other'; its topics are: t",
        ),
        (
            "reject('t', {'row': 1, 'reason': ''})\ndone({})",
            ErrorClass::Crash,
            "says it sent 0 rejected rows to t, and 1 came",
        ),
        (
            "done({}, quarantined={'t': 1})",
            ErrorClass::Crash,
            "says it sent 1 rejected rows to t, and 0 came",
        ),
    ];
    let mut rig = Rig::new();
    for (job, (body, class, text)) in (1..).zip(cases) {
        expect(&rig.run(job, &format!("{body}\ntime.sleep(1000)"), &["t"]), class, text);
    }
    assert!(rig.project.files("t/_quarantine").is_empty());
    assert_eq!(rig.run(99, "done()", &["t"]).status, Success);
}

#[test]
fn long_texts_of_rejected_rows_are_cut() {
    let mut rig = Rig::new();
    let source = "reject('t', {'row': 1, 'reason': 'r' * 5000, 'record': 'x' * (1 << 20)})\ndone({}, quarantined={'t': 1})";
    assert_eq!(rig.run(1, source, &["t"]).status, Success);
    let batch = rig.quarantined("t");
    let length = |column| texts(&batch, column)[0].as_ref().unwrap().len();
    assert_eq!((length("_reason"), length("_record")), (1_000, 64 << 10));
}

#[test]
fn a_guest_that_hangs_ends_with_the_timeout() {
    let mut rig = Rig::new();
    let mut dispatch = rig.dispatch(1, "time.sleep(1000)", &["t"]);
    dispatch.limits.timeout_ms = 500;
    expect(&rig.run_dispatch(1, &dispatch), ErrorClass::Timeout, "did not finish");
}

#[test]
fn a_warm_guest_is_used_again_and_python_has_its_own() {
    let mut rig = Rig::new();
    for job in 1..=3 {
        assert_eq!(rig.run(job, "done()", &["t"]).status, Success);
    }
    let guests = || std::fs::read_dir(rig.project.state().join("scratch/w1")).unwrap().count();
    assert_eq!(guests(), 1);
    let file = rig.project.input("4.csv", "a\n1\n");
    // The very same text, as Python: no guest of the other language takes it.
    let dispatch = rig.project.dispatch("done()", &file, &["t"]);
    let conclude = rig.run_dispatch(4, &dispatch);
    expect(&conclude, ErrorClass::Load, "name 'done' is not defined");
}

#[test]
fn a_python_plugin_rejects_no_rows() {
    let mut rig = crate::support::Rig::new(1);
    let body = "import json, socket, struct
named = [(int(fd), '/proc/self/fd/' + fd) for fd in os.listdir('/proc/self/fd')]
fd = [fd for fd, name in named if os.path.exists(name) and os.readlink(name).startswith('socket:')][0]
payload = json.dumps({'topic': 't', 'rows': [{'row': 1, 'reason': ''}]}).encode()
socket.socket(fileno=os.dup(fd)).sendall(struct.pack('>BI', 5, len(payload)) + payload)
time.sleep(1000)";
    let conclude = rig.run(1, &crate::failures::plugin(body), "x", &["t"]);
    expect(&conclude, ErrorClass::Crash, "none of a guest's");
}

#[test]
fn a_worker_announces_its_sql_plugins_too() {
    let project = Project::new();
    let plugins = project.home.path().join("plugins");
    std::fs::create_dir(&plugins).unwrap();
    for (name, text) in [
        ("a.sql", "SELECT 1"),
        ("b.py", "x = 1"),
        ("b.py.lock", "lock"),
        ("_c.sql", "SELECT 1"),
        ("d.txt", ""),
    ] {
        std::fs::write(plugins.join(name), text).unwrap();
    }
    let mut sentinel = Sentinel::bind();
    let mut settings = project.settings(&sentinel.endpoint, 1);
    settings.plugins_dir = Some(plugins);
    let _worker = Worker::start(settings).unwrap();
    let identify = sentinel.greet();
    let announced =
        identify.plugins.iter().map(|it| (it.name.as_str(), it.language, it.lock.as_deref()));
    let expected = [("a", PluginLanguage::Sql, None), ("b", PluginLanguage::Python, Some("lock"))];
    assert_eq!(announced.collect::<Vec<_>>(), expected);
    let kept = project.state().join("plugins");
    let files = std::fs::read_dir(kept).unwrap().flat_map(|version| {
        std::fs::read_dir(version.unwrap().path()).unwrap().map(|file| file.unwrap().file_name())
    });
    let mut files = files.collect::<Vec<_>>();
    files.sort();
    assert_eq!(files, ["a.sql", "b.py"]);
}
