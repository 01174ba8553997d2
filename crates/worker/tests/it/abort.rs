//! ABORT: the guest dies with all that it started, whatever it does; nothing is published; the next job runs.

use crate::failures::{expect, plugin};
use crate::guests::EXAMPLE;
use crate::support::Rig;
use protocol::{Abort, ConcludeStatus, ErrorClass, HeartbeatAnswer, JobId, SentinelMessage};
use std::path::Path;
use std::time::{Duration, Instant};

fn abort(rig: &Rig, reason: &str) {
    let abort = Abort { reason: reason.to_owned() };
    rig.sentinel.send(&SentinelMessage::Abort(JobId::new(1), abort));
}

/// Runs a body that writes process ids to a file, and waits until they are all there.
fn start(rig: &mut Rig, body: &str, processes: usize) -> Vec<u32> {
    let pids = rig.project.home.path().join("pids");
    let body = format!("pids = open({pids:?}, 'a')\n{body}");
    let file = rig.project.input("x.csv", "a\n1\n");
    let dispatch = rig.project.dispatch(&plugin(&body), &file, &["sales_data"]);
    rig.sentinel.dispatch(1, &dispatch);
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let text = std::fs::read_to_string(&pids).unwrap_or_default();
        if text.lines().count() >= processes {
            return text.lines().map(|line| line.parse().unwrap()).collect();
        }
        assert!(Instant::now() < deadline, "the plugin starts no {processes} processes: {text}");
        rig.sentinel.step();
    }
}

fn are_gone(pids: &[u32]) {
    let deadline = Instant::now() + Duration::from_secs(30);
    for pid in pids {
        let stat = Path::new("/proc").join(pid.to_string()).join("stat");
        let lives = || {
            let stat = std::fs::read_to_string(&stat).unwrap_or_default();
            !stat.is_empty() && !stat.contains(") Z")
        };
        while lives() {
            assert!(Instant::now() < deadline, "process {pid} outlives its job");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn a_guest_that_hangs_forks_and_ignores_signals_dies_with_its_whole_group() {
    let body = "for number in range(1, 32):
    if number not in (9, 19):
        signal.signal(number, signal.SIG_IGN)
self.publish('sales_data', [{'a': 1}])
for _ in range(4):
    if os.fork() == 0:
        break
if os.fork() == 0:
    os.fork()
print(os.getpid(), file=pids, flush=True)
while True: pass";
    let mut rig = Rig::new(1);
    let pids = start(&mut rig, body, 15);
    abort(&rig, "aborted by anna@here");
    let conclude = rig.sentinel.until_concluded(1);
    expect(&conclude, ErrorClass::Aborted, "aborted by anna@here");
    are_gone(&pids);
    assert!(rig.project.files("sales_data").is_empty());
    assert!(rig.project.staged("sales_data").is_empty());
    let conclude = rig.run(2, EXAMPLE, "a\n1\n", &["sales_data"]);
    assert_eq!(conclude.status, ConcludeStatus::Success, "{conclude:?}");
}

#[test]
fn an_original_sentinel_aborts_without_a_payload() {
    let mut rig = Rig::new(1);
    let pids = start(&mut rig, "print(os.getpid(), file=pids, flush=True)\ntime.sleep(1000)", 1);
    // Version 4, opcode 3, job 1, no payload.
    rig.sentinel.send_raw(&[4, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], b"");
    let conclude = rig.sentinel.until_concluded(1);
    expect(&conclude, ErrorClass::Aborted, "the Sentinel aborted the job");
    are_gone(&pids);
}

#[test]
fn what_is_staged_is_discarded_and_what_is_promoted_stays() {
    let mut rig = Rig::new(1);
    let file = rig.project.input("x.csv", "a\n1\n");
    let dispatch = rig.project.dispatch(EXAMPLE, &file, &["sales_data"]);
    rig.sentinel.dispatch(1, &dispatch);
    rig.sentinel.until_ready();
    assert_eq!(rig.project.staged("sales_data"), ["1-1.parquet"]);
    abort(&rig, "aborted by anna@here");
    rig.sentinel.answer(HeartbeatAnswer::default());
    expect(&rig.sentinel.until_concluded(1), ErrorClass::Aborted, "aborted by anna@here");
    let conclude = rig.run(2, EXAMPLE, "a\n1\n", &["sales_data"]);
    assert_eq!(conclude.status, ConcludeStatus::Success, "{conclude:?}");
    rig.sentinel
        .send(&SentinelMessage::Abort(JobId::new(2), Abort { reason: "too late".to_owned() }));
    rig.sentinel.step();
    assert!(rig.project.staged("sales_data").is_empty());
    assert_eq!(rig.project.rows("sales_data"), 1);
}
