//! A job's rows are there once, or not at all.

use super::rig::{Server, load_into, table};
use crate::sqlite::{ints, job, staged, topic};
use worker::sinks::sql::{Load, Loaded};

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
        let error = sink.check(&table(), &topic(), &protocol::TopicSchema::default()).unwrap_err();
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
