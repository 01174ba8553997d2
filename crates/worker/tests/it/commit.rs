//! The conversation with the Sentinel: leases, packs of grants, refusals, restarts and the end.

use crate::guests::EXAMPLE;
use crate::support::{Project, Rig, SESSION, Sentinel};
use protocol::{
    ConcludeStatus, Dispatch, ErrorClass, HeartbeatAnswer, JobAttempt, JobId, JobKind,
    OutputFileId, Refusal, Retirement, WorkerMessage,
};
use std::time::Instant;
use worker::Worker;

fn attempt(id: i64) -> JobAttempt {
    JobAttempt { id: JobId::new(id), attempt: 1 }
}

fn dispatch(project: &Project, source: &str) -> Dispatch {
    let file = project.input("x.csv", "a\n1\n");
    project.dispatch(source, &file, &["sales_data"])
}

fn sleeper(seconds: f64) -> String {
    format!("import time\n{EXAMPLE}        time.sleep({seconds})\n")
}

#[test]
fn what_is_ready_is_said_until_it_is_answered_and_what_is_refused_leaves_nothing() {
    let mut rig = Rig::new(1);
    rig.sentinel.dispatch(1, &dispatch(&rig.project, EXAMPLE));
    for _ in 0..2 {
        let heartbeat = rig.sentinel.until_ready();
        assert_eq!(heartbeat.ready[0].job, JobId::new(1));
        assert_eq!(heartbeat.jobs[0].id, JobId::new(1));
        assert_eq!(heartbeat.token.unwrap().as_str(), SESSION);
        rig.sentinel.answer(HeartbeatAnswer::default());
    }
    assert_eq!(rig.project.staged("sales_data"), ["1-1.parquet"]);
    let refusal = Refusal { id: JobId::new(1), attempt: 1, reason: "overtaken".to_owned() };
    let refused = vec![refusal];
    rig.sentinel.answer(HeartbeatAnswer { refused, ..HeartbeatAnswer::default() });
    // It is listed no more.
    loop {
        if let WorkerMessage::Heartbeat(heartbeat) = rig.sentinel.receive() {
            rig.sentinel.answer(HeartbeatAnswer::default());
            if heartbeat.jobs.is_empty() {
                break;
            }
        }
    }
    assert!(
        rig.project.staged("sales_data").is_empty() && rig.project.files("sales_data").is_empty()
    );
}

#[test]
fn a_conclusion_is_said_until_it_is_answered_also_to_a_sentinel_that_was_restarted() {
    let mut rig = Rig::new(1);
    rig.sentinel.dispatch(1, &dispatch(&rig.project, "raise ValueError('no')"));
    let mut said = 0;
    while said < 2 {
        match rig.sentinel.receive() {
            WorkerMessage::Conclude(..) => said += 1,
            WorkerMessage::Heartbeat(_) => rig.sentinel.answer(HeartbeatAnswer::default()),
            message => panic!("{message:?}"),
        }
    }
    // A Sentinel that does not know the session.
    rig.sentinel.answer(HeartbeatAnswer { accepted: Some(false), ..HeartbeatAnswer::default() });
    let identify = loop {
        if let WorkerMessage::Identify(identify) = rig.sentinel.receive() {
            break identify;
        }
    };
    assert_eq!(identify.token.unwrap().as_str(), SESSION);
    rig.sentinel.accept(Vec::new());
    let conclude = rig.sentinel.until_concluded(1);
    assert_eq!(conclude.error_class, Some(ErrorClass::Load));
}

#[test]
fn many_jobs_share_heartbeats_and_each_gets_its_file() {
    let mut rig = Rig::new(2);
    let dispatch = dispatch(&rig.project, EXAMPLE);
    for job in 1..=200 {
        rig.sentinel.dispatch(job, &dispatch);
    }
    for job in 1..=200 {
        let conclude = rig.sentinel.until_concluded(job);
        assert_eq!(conclude.status, ConcludeStatus::Success, "{conclude:?}");
    }
    assert_eq!(rig.project.files("sales_data").len(), 200);
    assert_eq!(rig.project.rows("sales_data"), 200);
}

#[test]
fn a_newer_attempt_takes_the_place_of_an_older_one() {
    let mut rig = Rig::new(1);
    let mut dispatch = dispatch(&rig.project, &sleeper(0.5));
    rig.sentinel.dispatch(1, &dispatch);
    rig.sentinel.step();
    dispatch.attempt = 2;
    rig.sentinel.dispatch(1, &dispatch);
    let conclude = rig.sentinel.until_concluded(1);
    assert_eq!((conclude.attempt, conclude.status), (2, ConcludeStatus::Success), "{conclude:?}");
    assert_eq!(rig.project.files("sales_data").len(), 1);
    assert!(rig.project.staged("sales_data").is_empty());
}

#[test]
fn a_killed_workers_grant_is_recovered_by_another() {
    let mut rig = Rig::new(1);
    let mut dispatch = dispatch(&rig.project, EXAMPLE);
    rig.sentinel.dispatch(1, &dispatch);
    let heartbeat = rig.sentinel.until_ready();
    let Rig { project, worker, .. } = rig;
    worker.kill();
    worker.wait();
    assert_eq!(project.staged("sales_data"), ["1-1.parquet"]);

    let mut sentinel = Sentinel::bind();
    let _second = Worker::start(project.settings(&sentinel.endpoint, 1)).unwrap();
    let WorkerMessage::Identify(_) = sentinel.receive() else { panic!("no IDENTIFY") };
    sentinel.accept(vec![attempt(1).into()]);
    dispatch.kind = JobKind::Recover;
    dispatch.recovery = 1;
    dispatch.outputs = heartbeat.ready[0].outputs.clone();
    sentinel.dispatch(1, &dispatch);
    let conclude = sentinel.until_concluded(1);
    assert_eq!((conclude.status, conclude.recovery), (ConcludeStatus::Success, 1), "{conclude:?}");
    assert_eq!(project.rows("sales_data"), 1);

    // What is nowhere is lost.
    dispatch.recovery = 2;
    dispatch.outputs[0].final_name = "part-2.parquet".to_owned();
    sentinel.dispatch(2, &dispatch);
    let conclude = sentinel.until_concluded(2);
    assert_eq!((conclude.error_class, conclude.recovery), (Some(ErrorClass::Lost), 2));
}

#[test]
fn what_was_granted_and_cannot_be_moved_is_told_and_moved_when_it_can_be() {
    let mut rig = Rig::new(1);
    let mut dispatch = dispatch(&rig.project, EXAMPLE);
    rig.sentinel.dispatch(1, &dispatch);
    let outputs = rig.sentinel.until_ready().ready[0].outputs.clone();
    let blocked = rig.project.lake().join("sales_data").join(&outputs[0].final_name);
    std::fs::create_dir(&blocked).unwrap();
    let conclude = rig.sentinel.until_concluded(1);
    assert_eq!(conclude.status, ConcludeStatus::Failed, "{conclude:?}");
    assert_eq!((conclude.error_class, conclude.recovery), (Some(ErrorClass::Sink), 0));
    dispatch.kind = JobKind::Recover;
    dispatch.outputs = outputs;
    for recovery in 1..=3 {
        if recovery == 3 {
            std::fs::remove_dir(&blocked).unwrap();
        }
        dispatch.recovery = recovery;
        rig.sentinel.concluded.clear();
        rig.sentinel.dispatch(1, &dispatch);
        let conclude = rig.sentinel.until_concluded(1);
        let is_done = conclude.status == ConcludeStatus::Success;
        assert_eq!((is_done, conclude.recovery), (recovery == 3, recovery), "{conclude:?}");
    }
    assert_eq!(rig.project.rows("sales_data"), 1);
    assert!(rig.project.staged("sales_data").is_empty());
}

#[test]
fn a_starting_worker_sweeps_what_is_not_being_committed() {
    let mut rig = Rig::new(1);
    rig.sentinel.dispatch(1, &dispatch(&rig.project, EXAMPLE));
    rig.sentinel.until_ready();
    let Rig { project, worker, .. } = rig;
    drop(worker);
    let mut sentinel = Sentinel::bind();
    let _second = Worker::start(project.settings(&sentinel.endpoint, 1)).unwrap();
    sentinel.greet();
    let started = Instant::now();
    while !project.staged("sales_data").is_empty() {
        assert!(started.elapsed().as_secs() < 5, "not swept");
        std::thread::yield_now();
    }
}

#[test]
fn retired_files_are_reported() {
    let mut rig = Rig::new(1);
    rig.sentinel.dispatch(1, &dispatch(&rig.project, EXAMPLE));
    rig.sentinel.until_concluded(1);
    let retire = vec![Retirement {
        id: OutputFileId::new(42),
        job: JobAttempt { id: JobId::new(1), attempt: 1 },
        topic: "sales_data".parse().unwrap(),
        uri: "parquet://sales_data".parse().unwrap(),
        file: "part-1.parquet".to_owned(),
        copied: false,
    }];
    rig.sentinel.answer(HeartbeatAnswer { retire, ..HeartbeatAnswer::default() });
    loop {
        if let WorkerMessage::Heartbeat(heartbeat) = rig.sentinel.receive() {
            rig.sentinel.answer(HeartbeatAnswer::default());
            if heartbeat.retired == [OutputFileId::new(42)] {
                break;
            }
        }
    }
    assert!(rig.project.files("sales_data").is_empty());
    assert!(rig.project.lake().join("sales_data/_history/part-1.parquet").exists());
}

#[test]
fn a_stopping_worker_gives_back_what_waits_and_finishes_what_runs() {
    let mut rig = Rig::new(1);
    let dispatch = dispatch(&rig.project, &sleeper(1.0));
    for job in 1..=2 {
        rig.sentinel.dispatch(job, &dispatch);
    }
    for _ in 0..3 {
        rig.sentinel.step();
    }
    let started = Instant::now();
    rig.worker.stop();
    let waiting = rig.sentinel.until_concluded(2);
    assert_eq!(waiting.error_class, Some(ErrorClass::Aborted));
    let running = rig.sentinel.until_concluded(1);
    assert_eq!(running.status, ConcludeStatus::Success, "{running:?}");
    rig.worker.wait();
    assert!(started.elapsed().as_secs_f64() < 3.0);
}

#[test]
fn a_stopping_worker_ends_what_takes_too_long() {
    let mut rig = Rig::new(1);
    rig.sentinel.dispatch(1, &dispatch(&rig.project, &sleeper(1000.0)));
    rig.sentinel.step();
    rig.worker.stop();
    assert_eq!(rig.sentinel.until_concluded(1).error_class, Some(ErrorClass::Aborted));
    rig.worker.wait();
}

#[test]
fn another_sentinel_is_tried_when_the_first_does_not_answer() {
    let project = Project::new();
    let silent = Sentinel::bind();
    let mut sentinel = Sentinel::bind();
    let mut settings = project.settings(&silent.endpoint, 1);
    settings.endpoints.push(sentinel.endpoint.clone());
    let _worker = Worker::start(settings).unwrap();
    sentinel.greet();
}

#[test]
fn a_worker_announces_the_plugins_of_its_directory() {
    let project = Project::new();
    let plugins = project.home.path().join("plugins");
    std::fs::create_dir(&plugins).unwrap();
    std::fs::write(plugins.join("my_parser.py"), EXAMPLE).unwrap();
    std::fs::write(plugins.join("notes.txt"), "no plugin").unwrap();
    let mut sentinel = Sentinel::bind();
    let mut settings = project.settings(&sentinel.endpoint, 3);
    settings.plugins_dir = Some(plugins);
    let _worker = Worker::start(settings).unwrap();
    let identify = sentinel.greet();
    assert_eq!((identify.capabilities, identify.slots), (vec!["my_parser".to_owned()], 3));
    let mut dispatch = dispatch(&project, EXAMPLE);
    dispatch.plugin_source = None;
    sentinel.dispatch(1, &dispatch);
    assert_eq!(sentinel.until_concluded(1).status, ConcludeStatus::Success);
}
