//! The whole Sentinel over real ZeroMQ, with a worker that the test plays itself.

mod peer;
mod project;

use crate::mutation::{Rng, mutated};
use peer::Peer;
use project::Project;
use protocol::{ErrReport, SentinelMessage, WorkerMessage};
use std::time::{Duration, Instant};

#[test]
fn a_job_goes_from_dispatch_over_the_grant_to_its_end() {
    let project = Project::new();
    let sentinel = project.sentinel();
    let mut worker = Peer::connect(sentinel.endpoint());
    worker.identify();
    project.write("a.csv", 1);
    let job = worker.next_dispatch();
    assert!(worker.ready(job).granted.iter().any(|grant| grant.id == job.id));
    assert!(worker.conclude(job).concluded.contains(&job));
    assert!(worker.conclude(job).concluded.contains(&job), "a receipt may come twice");
    assert_eq!(project.states(), ["COMPLETED"]);
    sentinel.stop().unwrap();
}

#[test]
fn a_worker_that_leaves_gets_no_further_job() {
    let project = Project::new();
    let sentinel = project.sentinel();
    let mut leaving = Peer::connect(sentinel.endpoint());
    leaving.identify();
    project.write("a.csv", 1);
    let job = leaving.next_dispatch();
    leaving.leaving = true;
    leaving.beat_until(|answer| !answer.renewed.is_empty());
    project.write("b.csv", 2);
    leaving.ready(job);
    leaving.conclude(job);
    assert!(!leaving.is_given_a_job());

    let mut staying = Peer::connect(sentinel.endpoint());
    staying.identify();
    assert_ne!(staying.next_dispatch().id, job.id);
    sentinel.stop().unwrap();
}

#[test]
fn f14_a_worker_goes_on_with_its_jobs_when_the_sentinel_was_restarted() {
    let project = Project::new();
    let sentinel = project.sentinel();
    let mut worker = Peer::connect(sentinel.endpoint());
    worker.identify();
    project.write("a.csv", 1);
    let job = worker.next_dispatch();
    sentinel.stop().unwrap();

    let sentinel = project.sentinel();
    let answer = worker.beat_until(|answer| answer.accepted.is_some());
    assert_eq!(answer.accepted, Some(false), "the new one does not know this connection");
    let session = worker.session.clone();
    worker.identify();
    assert_eq!(worker.session, session, "the token brings the session back");
    assert!(worker.ready(job).granted.iter().any(|grant| grant.id == job.id));
    worker.conclude(job);
    assert_eq!(project.states(), ["COMPLETED"]);
    sentinel.stop().unwrap();
}

#[test]
fn a_person_aborts_a_running_job_and_its_worker_is_told_why() {
    let project = Project::new();
    let sentinel = project.sentinel();
    let mut worker = Peer::connect(sentinel.endpoint());
    worker.identify();
    project.write("a.csv", 1);
    let job = worker.next_dispatch();
    let request = project.abort(&[job]);
    assert_eq!(worker.next_abort(), (job.id, "aborted by anna@here".to_owned()));
    assert_eq!(project.report(request).jobs, 1);
    assert_eq!(project.states(), ["ABORTED"]);
    let answer = worker.ready(job);
    assert!(answer.granted.is_empty() && answer.refused.iter().any(|one| one.id == job.id));
    worker.forget(job);
    project.write("b.csv", 2);
    assert_ne!(worker.next_dispatch().id, job.id, "its room is free for another");
    sentinel.stop().unwrap();
}

#[test]
fn an_abort_after_the_grant_is_refused_and_the_job_ends_as_it_should() {
    let project = Project::new();
    let sentinel = project.sentinel();
    let mut worker = Peer::connect(sentinel.endpoint());
    worker.identify();
    project.write("a.csv", 1);
    let job = worker.next_dispatch();
    assert!(!worker.ready(job).granted.is_empty());
    let request = project.abort(&[job]);
    let report = project.report(request);
    assert_eq!(report.jobs, 0);
    assert!(report.refused[0].reason.starts_with("it is COMMITTING"), "{report:?}");
    worker.conclude(job);
    assert_eq!(project.states(), ["COMPLETED"]);
    sentinel.stop().unwrap();
}

#[test]
fn an_abort_is_left_for_the_next_sentinel_and_the_worker_of_the_last_one_hears_of_it() {
    let project = Project::new();
    let sentinel = project.sentinel();
    let mut worker = Peer::connect(sentinel.endpoint());
    worker.identify();
    project.write("a.csv", 1);
    let job = worker.next_dispatch();
    sentinel.stop().unwrap();
    let request = project.abort(&[job]);
    let sentinel = project.sentinel();
    assert_eq!(project.report(request).jobs, 1);
    worker.identify_anew();
    let answer = worker.beat_until(|answer| !answer.refused.is_empty());
    assert_eq!(answer.refused[0].id, job.id);
    assert_eq!(project.states(), ["ABORTED"]);
    sentinel.stop().unwrap();
}

#[test]
fn f15_a_catalog_that_is_locked_for_long_ends_nothing() {
    let project = Project::new();
    let sentinel = project.sentinel();
    let mut worker = Peer::connect(sentinel.endpoint());
    worker.identify();
    project.write("a.csv", 1);
    // Longer than any writer waits.
    project.lock_catalog(Duration::from_secs(12));
    project.write("b.csv", 2);
    worker.identify_anew();
    let job = worker.next_dispatch();
    worker.ready(job);
    worker.conclude(job);
    assert!(!sentinel.is_finished());
    sentinel.stop().unwrap();
}

#[test]
fn f23_a_stranger_cannot_conclude_a_job_of_another() {
    let project = Project::new();
    let sentinel = project.sentinel();
    let mut worker = Peer::connect(sentinel.endpoint());
    worker.identify();
    project.write("a.csv", 1);
    let job = worker.next_dispatch();
    let mut stranger = Peer::connect(sentinel.endpoint());
    stranger.identify();
    assert!(stranger.conclude(job).refused.iter().any(|refusal| refusal.id == job.id));
    stranger.session = worker.session.clone();
    let answer = stranger.conclude(job);
    assert_eq!(answer.accepted, Some(false), "a stolen token does not fit another connection");
    assert_eq!(project.states(), ["RUNNING"]);
    assert!(sentinel.refused().strange >= 2, "{:?}", sentinel.refused());
    worker.ready(job);
    worker.conclude(job);
    assert_eq!(project.states(), ["COMPLETED"]);
    sentinel.stop().unwrap();
}

#[test]
fn frames_that_are_no_messages_are_answered_and_the_sentinel_goes_on() {
    let project = Project::new();
    let sentinel = project.sentinel();
    let mut worker = Peer::connect(sentinel.endpoint());
    worker.identify();
    let bad: [&[&[u8]]; 5] = [
        &[b"x"],
        &[b"x", b"y", b"z"],
        &[&[3; 16], b""],
        &[&[4, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], b""],
        &[&[4, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9], b"{not json"],
    ];
    for frames in bad {
        worker.send_raw(frames);
        let message = worker.receive();
        assert!(matches!(message, SentinelMessage::Err(..)), "{message:?}");
    }
    worker.send(&WorkerMessage::Err(None, ErrReport::default()));
    project.write("a.csv", 1);
    worker.next_dispatch();
    let deadline = Instant::now() + Duration::from_secs(5);
    while sentinel.refused().malformed < 5 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(sentinel.refused().malformed, 5);
    sentinel.stop().unwrap();
}

/// Thousands of messages of a peer that identified well and then says anything; the seed is in the name of the failing assertion.
#[test]
fn whatever_a_peer_says_the_sentinel_goes_on() {
    for seed in 1..=4 {
        let project = Project::new();
        let sentinel = project.sentinel();
        let mut liar = Peer::connect(sentinel.endpoint());
        liar.identify();
        (0..4).for_each(|file| project.write(&format!("{file}.csv"), file));
        let mut rng = Rng::new(seed);
        for _ in 0..1_500 {
            let (opcode, job, payload) = liar.a_message(&mut rng);
            liar.send_json(opcode, job, &mutated(&payload, &mut rng));
            liar.take_what_comes();
        }
        assert!(!sentinel.is_finished(), "seed {seed}: the Sentinel has ended");
        let mut worker = Peer::connect(sentinel.endpoint());
        worker.identify();
        project.write("z.csv", 99);
        liar.leave();
        let mut done = 0;
        while done < 1 {
            let job = worker.next_dispatch();
            let granted = worker.ready(job).granted.iter().any(|grant| grant.id == job.id);
            assert!(granted, "seed {seed}: a good worker is refused");
            worker.conclude(job);
            done += 1;
        }
        sentinel.stop().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
}
