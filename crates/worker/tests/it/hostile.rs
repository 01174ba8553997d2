//! Plugins that attack their host: by the wire, by the process, by what they leave behind. Only their own job is harmed.

use crate::failures::{expect, plugin};
use crate::guests::EXAMPLE;
use crate::support::{Project, Rig};
use protocol::{Conclude, ConcludeStatus, ErrorClass};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Writes raw frames past the SDK, into the guest's own socket.
const RAW: &str = "import json, socket, struct
named = [(int(fd), '/proc/self/fd/' + fd) for fd in os.listdir('/proc/self/fd')]
fd = [fd for fd, name in named if os.path.exists(name) and os.readlink(name).startswith('socket:')][0]
host = socket.socket(fileno=os.dup(fd))
host.setblocking(True)
def frame(kind, payload):
    host.sendall(struct.pack('>BI', kind, len(payload)) + payload)
def batch(topic, stream):
    frame(3, struct.pack('>H', len(topic)) + topic + stream)
def stream(table):
    import pyarrow as pa
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()
";

fn raw(body: &str) -> String {
    plugin(&(RAW.to_owned() + body))
}

fn assert_next_job_runs(rig: &mut Rig) {
    assert!(
        rig.project.files("sales_data").is_empty() && rig.project.staged("sales_data").is_empty()
    );
    let conclude = rig.run(99, EXAMPLE, "a\n1\n", &["sales_data"]);
    assert_eq!(conclude.status, ConcludeStatus::Success, "{conclude:?}");
}

fn run(rig: &mut Rig, job: i64, source: &str) -> Conclude {
    rig.run(job, source, "a\n1\n", &["sales_data"])
}

#[test]
fn what_is_no_frame_or_no_batch_ends_the_guest_and_its_job() {
    let cases = [
        ("host.sendall(b'garbage that is no frame')", ErrorClass::Crash, "unknown kind 103"),
        ("host.sendall(struct.pack('>BI', 3, 1 << 30))", ErrorClass::Plugin, "publish smaller"),
        ("frame(3, b'x')", ErrorClass::Crash, "a batch that is none"),
        (
            "batch(b'sales_data', b'this is no Arrow stream')",
            ErrorClass::Crash,
            "a batch that is none",
        ),
        ("frame(2, b'{}')", ErrorClass::Crash, "none of a guest's"),
        ("frame(7, b'no JSON')", ErrorClass::Crash, "cannot be read"),
        ("frame(6, b'{}')", ErrorClass::Crash, "without saying what it sent"),
        ("host.shutdown(socket.SHUT_WR)", ErrorClass::Crash, "killed by signal 9"),
    ];
    let mut rig = Rig::new(1);
    for (job, (body, class, text)) in (1..).zip(cases) {
        let started = Instant::now();
        expect(&run(&mut rig, job, &raw(&format!("{body}\ntime.sleep(1000)"))), class, text);
        assert!(started.elapsed() < Duration::from_secs(10), "{body}");
    }
    assert_next_job_runs(&mut rig);
}

#[test]
fn a_batch_whose_bytes_are_cut_or_mixed_up_never_takes_the_worker_along() {
    let body = "import pyarrow as pa
whole = stream(pa.table({'a': ['x', 'yy', None], 'b': [[1], [], [2, 3]], 'c': [1.5, 2.5, 3.5]}))
turn = int(open(path).read())
broken = bytearray(whole[:len(whole) - turn]) if turn % 2 else bytearray(whole)
for offset in range(turn * 7 % 64, len(broken), 61):
    broken[offset] ^= 0xFF >> (turn % 8)
batch(b'sales_data', bytes(broken))
self.publish('sales_data', [])";
    let mut rig = Rig::with_libraries(2);
    for turn in 1..=6 {
        let conclude = rig.run(turn, &raw(body), &turn.to_string(), &["sales_data"]);
        assert_eq!(conclude.status, ConcludeStatus::Failed, "{turn}: {conclude:?}");
        let message = conclude.error_message.unwrap();
        assert!(!message.contains("Traceback"), "{turn}: {message}");
    }
    assert_next_job_runs(&mut rig);
}

#[test]
fn a_topic_that_is_not_declared_is_refused_by_the_host_too() {
    let mut rig = Rig::with_libraries(1);
    let source = raw(
        "import pyarrow as pa\nbatch(b'other', stream(pa.table({'a': [1]})))\ntime.sleep(1000)",
    );
    let text = "the plugin published to 'other'; its topics are: sales_data";
    expect(&run(&mut rig, 1, &source), ErrorClass::Plugin, text);
    assert_next_job_runs(&mut rig);
}

#[test]
fn rows_that_are_sent_behind_the_guests_back_are_noticed() {
    let mut rig = Rig::with_libraries(1);
    let body = "import pyarrow as pa\nself.publish('sales_data', [{'a': 1}])\nbatch(b'sales_data', stream(pa.table({'a': [1]})))";
    let text = "says it sent 1 rows to sales_data, and 2 came";
    expect(&run(&mut rig, 1, &raw(body)), ErrorClass::Crash, text);
    assert_next_job_runs(&mut rig);
}

#[test]
fn an_error_of_any_length_is_told_to_the_sentinel() {
    let mut rig = Rig::new(1);
    let body = "message = 'x' * (20 << 20) + ' the end'\nframe(7, json.dumps({'class': 'plugin', 'message': message, 'traceback': ''}).encode())\ntime.sleep(1000)";
    let conclude = run(&mut rig, 1, &raw(body));
    expect(&conclude, ErrorClass::Plugin, "x the end");
    assert!(conclude.error_message.unwrap().len() < 20_000);
    assert_next_job_runs(&mut rig);
}

#[test]
fn a_few_bytes_that_stand_for_rows_without_end_end_with_the_timeout() {
    let mut rig = Rig::with_libraries(1);
    let file = rig.project.input("x.csv", "a\n1\n");
    let source = raw(
        "import pyarrow as pa\nbatch(b'sales_data', stream(pa.table({'a': pa.nulls(10**12)})))\ntime.sleep(1000)",
    );
    let mut dispatch = rig.project.dispatch(&source, &file, &["sales_data"]);
    dispatch.limits.timeout_ms = 3_000;
    rig.sentinel.dispatch(1, &dispatch);
    expect(&rig.sentinel.until_concluded(1), ErrorClass::Timeout, "its TIMEOUT of 3 s");
    assert_next_job_runs(&mut rig);
}

#[test]
fn a_child_that_a_job_leaves_behind_neither_holds_it_up_nor_outlives_the_guest() {
    let mut rig = Rig::new(1);
    let body = "child = os.fork()\nif child == 0:\n    time.sleep(1000)\nprint('child', child, end='.')\nself.publish('sales_data', [{'a': 1}])";
    let started = Instant::now();
    let conclude = run(&mut rig, 1, &plugin(body));
    assert_eq!(conclude.status, ConcludeStatus::Success, "{conclude:?}");
    assert!(started.elapsed() < Duration::from_secs(5));
    let log = rig.project.log_of(1);
    let pid = log.split_once("child ").and_then(|(_, rest)| rest.split_once('.')).unwrap().0;
    let stat = PathBuf::from(format!("/proc/{pid}/stat"));
    assert!(is_alive(&stat), "it lives as long as the guest is kept");
    rig.worker.stop();
    rig.worker.wait();
    // It is killed with the guest, whom alone the host can wait for.
    let deadline = Instant::now() + Duration::from_secs(10);
    while is_alive(&stat) {
        assert!(Instant::now() < deadline, "the child outlives its guest");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn is_alive(stat: &std::path::Path) -> bool {
    let stat = std::fs::read_to_string(stat).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z")
}

#[test]
fn a_guest_that_dies_between_two_jobs_is_replaced() {
    let mut rig = Rig::new(1);
    let body = "import threading\nself.publish('sales_data', [{'a': os.getpid()}])\nthreading.Timer(0.3, lambda: os._exit(9)).start()";
    assert_eq!(run(&mut rig, 1, &plugin(body)).status, ConcludeStatus::Success);
    std::thread::sleep(Duration::from_millis(800));
    assert_eq!(run(&mut rig, 2, &plugin(body)).status, ConcludeStatus::Success);
}

#[test]
fn a_plugin_that_hangs_while_it_is_loaded_is_ended_by_its_timeout() {
    let mut rig = Rig::new(1);
    let file = rig.project.input("x.csv", "a\n1\n");
    let mut dispatch = rig.project.dispatch("while True: pass", &file, &["sales_data"]);
    dispatch.limits.timeout_ms = 1_000;
    rig.sentinel.dispatch(1, &dispatch);
    expect(&rig.sentinel.until_concluded(1), ErrorClass::Timeout, "its TIMEOUT of 1 s");
    assert_next_job_runs(&mut rig);
}

#[test]
fn a_guest_that_keeps_more_than_half_of_its_memory_is_replaced() {
    let mut rig = Rig::new(1);
    let body = "import builtins\nbuiltins.kept = b'x' * (150 << 20)\nself.publish('sales_data', [{'a': 1}])";
    for (job, guests) in [(1, 0), (2, 0)] {
        let file = rig.project.input("x.csv", "a\n1\n");
        let mut dispatch = rig.project.dispatch(&plugin(body), &file, &["sales_data"]);
        dispatch.limits.memory_bytes = 300 << 20;
        rig.sentinel.dispatch(job, &dispatch);
        let conclude = rig.sentinel.until_concluded(job);
        assert_eq!(conclude.status, ConcludeStatus::Success, "{conclude:?}");
        assert_eq!(guests_of(&rig.project), guests);
    }
}

#[test]
fn a_guest_is_replaced_after_a_thousand_jobs() {
    let mut rig = Rig::new(1);
    let file = rig.project.input("x.csv", "a\n1\n");
    let body = "import builtins\nbuiltins.jobs = getattr(builtins, 'jobs', 0) + 1\nif builtins.jobs > 1000: raise ValueError('too many')";
    let dispatch = rig.project.dispatch(&plugin(body), &file, &["sales_data"]);
    for job in 1..=1_010 {
        rig.sentinel.dispatch(job, &dispatch);
        if job > 50 {
            rig.sentinel.until_concluded(job - 50);
        }
    }
    for job in 1..=1_010 {
        let conclude = rig.sentinel.until_concluded(job);
        assert_eq!(conclude.status, ConcludeStatus::Success, "{job}: {conclude:?}");
    }
}

/// Guests have a directory each while they live.
fn guests_of(project: &Project) -> usize {
    std::fs::read_dir(project.state().join("scratch/w1")).unwrap().count()
}
