//! Once, or not at all: attempts, records, superseding and removing.

use super::rig::{FILE, Lake, PATIENCE, ints, job, load_into, staged, topic};
use arrow_array::{ArrayRef, Float64Array};
use protocol::{ErrorClass, JobId, TableName};
use std::sync::Arc;
use std::time::Duration;
use worker::sinks::SinkError;
use worker::sinks::sql::{CommitRecord, CommitState, Load, Loaded};
use worker::sinks::sqlite::{SqliteReader, SqliteSink};

fn table() -> TableName {
    "t".parse().unwrap()
}

#[test]
fn a_voided_attempt_is_not_loaded_any_more_and_a_later_one_is() {
    let lake = Lake::new();
    let load = |attempt| lake.load(job(9, attempt), &[("a", ints(&[1]))], &[]).unwrap();
    lake.sink().void(&table(), &topic(), job(9, 2)).unwrap();
    assert_eq!(load(1), Loaded::Overtaken);
    assert_eq!(load(2), Loaded::Overtaken);
    assert_eq!(lake.counts("t"), []);
    assert_eq!(load(3), Loaded::Done);
    // Too late for what is loaded.
    lake.sink().void(&table(), &topic(), job(9, 3)).unwrap();
    lake.sink().void(&table(), &topic(), job(9, 1)).unwrap();
    assert_eq!(lake.counts("t"), [(9, 1)]);
    // Rows of an earlier attempt go with its record.
    lake.sink().void(&table(), &topic(), job(9, 4)).unwrap();
    assert_eq!(lake.counts("t"), []);
    assert_eq!(lake.records(), ["9 4 void 0"]);
}

#[test]
fn rows_are_found_after_somebody_numbered_them_anew() {
    let lake = Lake::new();
    for id in 1..=4 {
        lake.done(job(id, 1), &[("a", ints(&[id, id]))]);
    }
    lake.sink().retire(&table(), &[job(1, 1)]).unwrap();
    lake.shell("VACUUM");
    assert_eq!(lake.shell("SELECT min(rowid) FROM t"), ["1"], "VACUUM left the numbers alone");
    // Job 2 is searched for, and with it the others are found again.
    let retire = |id| lake.sink().retire(&table(), &[job(id, 1)]).unwrap();
    assert_eq!(retire(2), 2);
    let ranges = "SELECT first_rowid, last_rowid FROM _casparian_commits WHERE state = 'current'";
    assert_eq!(lake.shell(ranges), ["3|4", "5|6"]);
    // Somebody's own hand.
    lake.shell("DELETE FROM t WHERE rowid = 3; UPDATE t SET rowid = rowid + 1000");
    assert_eq!(retire(3), 1);
    assert_eq!(retire(4), 2);
    assert_eq!(lake.counts("t"), []);
}

#[test]
fn records_are_read_and_a_file_that_is_not_there_is_not_made() {
    let lake = Lake::new();
    let open = || SqliteReader::open(lake.0.path(), FILE, PATIENCE).unwrap();
    assert!(open().is_none());
    assert!(!lake.path().exists());
    std::fs::write(lake.path(), "").unwrap();
    assert_eq!(open().unwrap().committed(&table(), &[JobId::new(1)]).unwrap(), []);
    assert_eq!(lake.counts("t"), []);
    lake.done(job(1, 4), &[("a", ints(&[1, 2]))]);
    let jobs = [JobId::new(1), JobId::new(2)];
    let record = CommitRecord { job: job(1, 4), rows: 2, state: CommitState::Current };
    assert_eq!(lake.reader().committed(&table(), &jobs).unwrap(), [record]);
    // A table is called the same in small letters and in large ones.
    assert_eq!(lake.reader().committed(&"T".parse().unwrap(), &jobs).unwrap(), [record]);
    assert_eq!(lake.counts("T"), [(1, 2)]);
    assert_eq!(lake.counts("other"), []);
}

#[test]
fn a_reader_beside_a_writer_sees_what_is_committed() {
    let lake = Lake::new();
    lake.done(job(1, 1), &[("a", ints(&[1]))]);
    let mut sink = lake.sink();
    let mut transaction = sink.begin().unwrap();
    let batch = staged(job(2, 1), &[("a", ints(&[1, 2]))]);
    let load = Load {
        topic: &topic(),
        table: &table(),
        job: job(2, 1),
        schema: batch.schema(),
        rows: 2,
        supersede: &[],
        batches: &mut std::iter::once(Ok(batch)),
    };
    transaction.load(load).unwrap();
    assert_eq!(lake.counts("t"), [(1, 1)]);
    transaction.commit().unwrap();
    assert_eq!(lake.counts("t"), [(1, 1), (2, 2)]);
}

#[test]
fn who_holds_the_file_is_waited_for_and_then_named_as_the_reason() {
    let lake = Lake::new();
    lake.done(job(1, 1), &[("a", ints(&[1]))]);
    let mut other = lake.sink();
    let held = other.begin().unwrap();
    let patience = Duration::from_millis(50);
    let mut sink = SqliteSink::open(lake.0.path(), FILE, patience).unwrap();
    let rows = [staged(job(2, 1), &[("a", ints(&[1]))])];
    let error = load_into(&mut sink, "t", job(2, 1), &rows, &[]).unwrap_err();
    is_busy(&error);
    drop(held);
    assert_eq!(load_into(&mut sink, "t", job(2, 1), &rows, &[]).unwrap(), Loaded::Done);
}

fn is_busy(error: &SinkError) {
    assert_eq!(error.class(), ErrorClass::Storage);
    assert!(error.to_string().contains("another process reads or writes it"), "{error}");
}

#[test]
fn a_long_reader_is_waited_for_and_memory_stays_bounded_meanwhile() {
    let lake = Lake::new();
    lake.done(job(1, 1), &[("a", ints(&[1]))]);
    let reader = rusqlite::Connection::open(lake.path()).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM t").unwrap();
    let patience = Duration::from_millis(100);
    let mut sink = SqliteSink::open(lake.0.path(), FILE, patience).unwrap();
    let rows: Vec<i64> = (0..200_000).collect();
    let batch = staged(job(2, 1), &[("a", ints(&rows)), ("b", ints(&rows))]);
    // Endless, if nobody ends it.
    let mut taken = 0_u64;
    let mut batches = std::iter::repeat_with(|| {
        taken += 1;
        Ok(batch.clone())
    });
    let load = Load {
        topic: &topic(),
        table: &table(),
        job: job(2, 1),
        schema: batch.schema(),
        rows: 1,
        supersede: &[],
        batches: &mut batches,
    };
    is_busy(&sink.load(load).unwrap_err());
    assert!(taken < 20, "{taken} batches are in memory");
    // What is small fails at its end, and a rewrite of the table before it begins.
    let few = [staged(job(3, 1), &[("a", ints(&[3]))])];
    is_busy(&load_into(&mut sink, "t", job(3, 1), &few, &[]).unwrap_err());
    let float: ArrayRef = Arc::new(Float64Array::from(vec![0.5]));
    let float = [staged(job(4, 1), &[("a", float)])];
    is_busy(&load_into(&mut sink, "t", job(4, 1), &float, &[]).unwrap_err());
    drop(reader);
    assert_eq!(load_into(&mut sink, "t", job(3, 1), &few, &[]).unwrap(), Loaded::Done);
    assert_eq!(lake.counts("t"), [(1, 1), (3, 1)]);
}

#[test]
fn many_rows_are_removed_though_readers_come_and_go() {
    let lake = Lake::new();
    let rows: Vec<i64> = (0..50_000).collect();
    for id in 1..=2 {
        lake.done(job(id, 1), &[("a", ints(&rows))]);
    }
    let loaded = lake.load(job(3, 1), &[("a", ints(&rows))], &[JobId::new(1)]).unwrap();
    assert_eq!(loaded, Loaded::Done);
    assert_eq!(lake.sink().retire(&table(), &[job(2, 1)]).unwrap(), 50_000);
    assert_eq!(lake.counts("t"), [(3, 50_000)]);
    assert_eq!(lake.shell("PRAGMA integrity_check"), ["ok"]);
}

#[test]
fn what_keeps_rows_out_undoes_the_load() {
    let lake = Lake::new();
    lake.done(job(1, 1), &[("a", ints(&[1]))]);
    lake.shell(
        "CREATE TRIGGER picky BEFORE INSERT ON t WHEN new.a > 5 BEGIN SELECT raise(IGNORE); END",
    );
    let error = lake.refused(job(2, 1), &[("a", ints(&[2, 7]))]);
    assert!(error.contains("1 rows came for table 't' and 2 were announced"), "{error}");
    lake.shell("DROP TRIGGER picky; CREATE UNIQUE INDEX one ON t (a)");
    let error = lake.refused(job(2, 1), &[("a", ints(&[1]))]);
    assert!(
        error.contains(
            "UNIQUE constraint failed: t.a; a rule that somebody made for the table keeps rows out"
        ),
        "{error}"
    );
    assert_eq!(lake.counts("t"), [(1, 1)]);
}

#[test]
fn what_a_dropped_table_held_is_no_trouble() {
    let lake = Lake::new();
    lake.done(job(1, 1), &[("a", ints(&[1]))]);
    lake.done(job(2, 1), &[("a", ints(&[1]))]);
    lake.shell("DROP TABLE t");
    assert_eq!(lake.sink().retire(&table(), &[job(1, 1)]).unwrap(), 0);
    lake.sink().void(&table(), &topic(), job(2, 2)).unwrap();
    assert_eq!(lake.sink().remove_orphans(&table(), &[JobId::new(7)]).unwrap(), 0);
    assert_eq!(lake.records(), ["1 1 superseded 1", "2 2 void 0"]);
}

#[test]
fn memory_is_bounded_over_all_loads_of_a_transaction() {
    let lake = Lake::new();
    lake.done(job(1, 1), &[("a", ints(&[1]))]);
    let reader = rusqlite::Connection::open(lake.path()).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM t").unwrap();
    let patience = Duration::from_millis(50);
    let mut sink = SqliteSink::open(lake.0.path(), FILE, patience).unwrap();
    let mut transaction = sink.begin().unwrap();
    let rows: Vec<i64> = (0..20_000).collect();
    // A reader is there: sooner or later one of them has to wait.
    let failed = (2..100).find_map(|id| {
        let batch = staged(job(id, 1), &[("a", ints(&rows)), ("b", ints(&rows))]);
        let load = Load {
            topic: &topic(),
            table: &table(),
            job: job(id, 1),
            schema: batch.schema(),
            rows: batch.num_rows() as u64,
            supersede: &[],
            batches: &mut std::iter::once(Ok(batch)),
        };
        transaction.load(load).err()
    });
    is_busy(&failed.expect("all of it is in memory"));
}
