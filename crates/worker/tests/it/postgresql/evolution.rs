//! Columns that come, widen and have any name.

use super::rig::Server;
use crate::sqlite::{ints, job};
use arrow_array::*;
use protocol::TopicSchema;
use std::sync::Arc;

#[test]
fn columns_go_by_name_and_new_ones_are_added() {
    let Some(server) = Server::new() else { return };
    server.done(job(1, 1), &[("a", ints(&[1])), ("b", ints(&[2]))]);
    server.done(job(2, 1), &[("c", ints(&[5])), ("b", ints(&[4])), ("a", ints(&[3]))]);
    let rows = server.ask("SELECT a, b, c FROM t ORDER BY a");
    assert_eq!(rows, ["1|2|", "3|4|5"]);
}

#[test]
fn stored_values_stay_what_they_are_when_a_column_widens() {
    let Some(server) = Server::new() else { return };
    let small = || Arc::new(Int8Array::from(vec![7])) as ArrayRef;
    let null = || Arc::new(NullArray::new(1)) as ArrayRef;
    server.done(job(1, 1), &[("a", small()), ("b", small()), ("n", null())]);
    assert_eq!(
        server.ask(
            "SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'n'"
        ),
        ["0"]
    );
    let float = || Arc::new(Float64Array::from(vec![0.5])) as ArrayRef;
    server.done(job(2, 1), &[("a", ints(&[1 << 40])), ("b", float()), ("n", float())]);
    // Rows that were staged before are narrower than the table by now.
    server.done(job(3, 1), &[("a", small()), ("b", small()), ("n", null())]);
    let rows = server.ask("SELECT a, b, n FROM t ORDER BY _job_id");
    assert_eq!(rows, ["7|7|", "1099511627776|0.5|0.5", "7|7|"]);
    let text = Arc::new(StringArray::from(vec!["x"])) as ArrayRef;
    let error = server.load(job(4, 1), &[("a", text)], &[]).unwrap_err().to_string();
    let expected = "column 'a' of table 't' is int64 and cannot also hold text";
    assert!(error.contains(expected), "{error}");
    let schema = TopicSchema::parse_declared("a text").unwrap();
    let error = server.sink().check(&super::rig::table(), &schema).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(error.class(), protocol::ErrorClass::Plugin);
}

#[test]
fn a_column_may_have_any_name() {
    let Some(server) = Server::new() else { return };
    let long = "n".repeat(200);
    let other = format!("{}x", "n".repeat(200));
    let names =
        ["", " ", "a.b", "SELECT", "é\u{1F600}", "a\"b'c`d", "ctid", "A", "a", &long, &other];
    let columns: Vec<(&str, ArrayRef)> = names.iter().map(|name| (*name, ints(&[1]))).collect();
    server.done(job(1, 1), &columns);
    server.done(job(2, 1), &columns);
    let known = server.ask("SELECT original_name FROM _casparian_columns ORDER BY position");
    assert_eq!(known[..names.len()], names);
    assert_eq!(server.ask("SELECT sum(\"A\" + a + \"a\"\"b'c`d\") FROM t"), ["6"]);
}

#[test]
fn a_table_of_somebody_else_is_left_alone() {
    let Some(server) = Server::new() else { return };
    server.ask("CREATE TABLE t (a bigint)");
    let error = server.load(job(1, 1), &[("a", ints(&[1]))], &[]).unwrap_err().to_string();
    assert!(error.contains("table 't' was not made by this sink; drop or rename it"), "{error}");
    let error =
        server.sink().check(&super::rig::table(), &TopicSchema::default()).unwrap_err().to_string();
    assert!(error.contains("table 't' was not made by this sink"), "{error}");
}

#[test]
fn a_row_that_is_wider_than_a_page_is_found_before_the_server_refuses_it() {
    let Some(server) = Server::new() else { return };
    let check = |id: i64, columns: usize, column: ArrayRef, fits: bool| {
        let names: Vec<String> = (0..columns).map(|at| format!("c{at}")).collect();
        let named: Vec<(&str, ArrayRef)> =
            names.iter().map(|name| (name.as_str(), column.clone())).collect();
        let rows = RecordBatch::try_from_iter(named.iter().cloned()).unwrap();
        let misfits = worker::sinks::postgresql::misfits(&rows);
        assert_eq!(misfits.is_empty(), fits, "{columns} {}", column.data_type());
        let drop = "DROP TABLE IF EXISTS t, _casparian_columns, _casparian_commits";
        server.ask(drop);
        let loaded = server.load(job(id, 1), &named, &[]);
        assert_eq!(loaded.is_ok(), fits, "{columns} {}: {loaded:?}", column.data_type());
    };
    check(1, 1_000, ints(&[i64::MAX]), true);
    check(2, 1_020, ints(&[i64::MAX]), false);
    check(3, 1_500, Arc::new(Int32Array::from(vec![7])), true);
    check(4, 1_500, Arc::new(Int64Array::from(vec![None::<i64>])), true);
    check(5, 1_500, Arc::new(StringArray::from(vec!["abc"])), true);
    check(6, 1_500, Arc::new(StringArray::from(vec!["x".repeat(20)])), false);
}
