//! A job's rows are there once, or not at all.

use super::rig::{Server, load_into, table};
use crate::sqlite::{ints, job, staged, topic};
use protocol::JobId;
use std::thread;
use worker::sinks::sql::{Load, Loaded};

#[test]
fn an_attempt_is_loaded_once_and_a_later_one_replaces_it() {
    let Some(server) = Server::new() else { return };
    server.done(job(1, 1), &[("a", ints(&[1, 2]))]);
    assert_eq!(server.load(job(1, 1), &[("a", ints(&[1, 2]))], &[]).unwrap(), Loaded::Already);
    assert_eq!(server.load(job(1, 3), &[("a", ints(&[7]))], &[]).unwrap(), Loaded::Done);
    assert_eq!(server.load(job(1, 2), &[("a", ints(&[8]))], &[]).unwrap(), Loaded::Overtaken);
    assert_eq!(server.ask("SELECT a, _job_id, _file_version_id FROM t"), ["7|1|3"]);
    assert_eq!(server.records(), ["1 3 current 1"]);
}

#[test]
fn what_is_void_is_never_loaded_and_what_is_retired_stays_gone() {
    let Some(server) = Server::new() else { return };
    server.sink().void(&table(), &topic(), job(1, 1)).unwrap();
    assert_eq!(server.load(job(1, 1), &[("a", ints(&[1]))], &[]).unwrap(), Loaded::Overtaken);
    server.done(job(1, 2), &[("a", ints(&[1]))]);
    assert_eq!(server.sink().retire(&table(), &[job(1, 1)]).unwrap(), 0, "another attempt");
    assert_eq!(server.sink().retire(&table(), &[job(1, 2)]).unwrap(), 1);
    assert_eq!(server.load(job(1, 2), &[("a", ints(&[1]))], &[]).unwrap(), Loaded::Already);
    assert_eq!((server.counts(), server.records()), (vec![], vec!["1 2 superseded 1".to_owned()]));
}

#[test]
fn what_is_superseded_leaves_with_the_rows_that_come() {
    let Some(server) = Server::new() else { return };
    for id in 1..=3 {
        server.done(job(id, 1), &[("a", ints(&[id, id]))]);
    }
    let gone = [JobId::new(1), JobId::new(2), JobId::new(99)];
    assert_eq!(server.load(job(4, 1), &[("a", ints(&[4]))], &gone).unwrap(), Loaded::Done);
    assert_eq!(server.counts(), [(3, 2), (4, 1)]);
    let astray = "INSERT INTO t (a, _job_id, _file_version_id) VALUES (0, 77, 1)";
    server.ask(astray);
    assert_eq!(
        server.sink().remove_orphans(&table(), &[JobId::new(77), JobId::new(3)]).unwrap(),
        1
    );
    assert_eq!(server.counts(), [(3, 2), (4, 1)]);
}

#[test]
fn a_wrong_number_of_rows_stores_nothing() {
    let Some(server) = Server::new() else { return };
    let rows = staged(job(1, 1), &[("a", ints(&[1]))]);
    let mut sink = server.sink();
    let mut transaction = sink.begin().unwrap();
    let error = transaction.load(Load {
        topic: &topic(),
        table: &table(),
        job: job(1, 1),
        schema: rows.schema(),
        rows: 2,
        supersede: &[],
        batches: &mut std::iter::once(Ok(rows)),
    });
    let error = error.unwrap_err().to_string();
    assert!(error.contains("1 rows came for table 't' and 2 were announced"), "{error}");
    drop(transaction);
    server.done(job(1, 1), &[("a", ints(&[1]))]);
}

#[test]
fn two_who_load_the_same_at_once_load_it_once_and_others_do_not_wait_for_ever() {
    let Some(server) = Server::new() else { return };
    let loaded = thread::scope(|scope| {
        let load = |id: i64| {
            let rows = staged(job(id, 1), &[("a", ints(&[id; 1_000]))]);
            load_into(&mut server.sink(), job(id, 1), &[rows], &[]).unwrap()
        };
        let handles: Vec<_> = [1, 1, 2, 2, 3].map(|id| scope.spawn(move || load(id))).into();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(loaded.iter().filter(|it| **it == Loaded::Done).count(), 3);
    assert_eq!(server.counts(), [(1, 1_000), (2, 1_000), (3, 1_000)]);
}

#[test]
fn a_connection_that_is_cut_leaves_nothing_and_the_next_load_has_a_new_one() {
    let Some(server) = Server::new() else { return };
    let mut sink = server.sink();
    let rows = || staged(job(1, 1), &[("a", ints(&[1; 5_000]))]);
    let before = staged(job(9, 1), &[("a", ints(&[9; 5_000]))]);
    load_into(&mut sink, job(9, 1), &[before], &[]).unwrap();
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'casparian worker' AND pid IN
        (SELECT pid FROM pg_locks WHERE relation = 't'::regclass)";
    let mut batches = (0..4).map(|at| {
        if at == 2 {
            assert_ne!(server.ask(cut), ["0"]);
        }
        Ok(rows())
    });
    let mut transaction = sink.begin().unwrap();
    let load = Load {
        topic: &topic(),
        table: &table(),
        job: job(1, 1),
        schema: rows().schema(),
        rows: 20_000,
        supersede: &[],
        batches: &mut batches,
    };
    let error = transaction.load(load).and_then(|_| transaction.commit()).unwrap_err();
    assert_eq!(error.class(), protocol::ErrorClass::Storage, "{error}");
    assert!(error.to_string().contains("the job is tried again by itself"), "{error}");
    assert_eq!(server.counts(), [(9, 5_000)]);
    assert_eq!(load_into(&mut sink, job(1, 1), &[rows()], &[]).unwrap(), Loaded::Done);
}

#[test]
fn a_server_that_is_not_there_or_refuses_is_named_with_the_cure() {
    let Some(server) = Server::new() else { return };
    let check = |change: fn(&mut protocol::PostgresqlTable), class, words: &str| {
        let mut place = server.place();
        change(&mut place);
        let login = worker::sinks::Login::default();
        let mut sink = worker::sinks::postgresql::PostgresqlSink::new(&place, &login).unwrap();
        let error = sink.check(&table(), &protocol::TopicSchema::default()).unwrap_err();
        assert_eq!(error.class(), class, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    };
    use protocol::ErrorClass::{Sink, Storage};
    check(
        |place| place.parameters = "host=/nowhere".to_owned(),
        Storage,
        "once the server is well",
    );
    check(
        |place| place.database = "nothing".to_owned(),
        Sink,
        "create the database, or name another",
    );
    check(|place| place.schema = Some("nothing".parse().unwrap()), Sink, "create the schema");
}
