//! Columns that come, widen and have any name.

use super::rig::Server;
use crate::sqlite::{ints, job};
use arrow_array::*;
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
    assert!(
        error.contains("column 'a' of table 't' is int64 and cannot also hold text"),
        "{error}"
    );
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
    let error = server.sink().check(&super::rig::table()).unwrap_err().to_string();
    assert!(error.contains("table 't' was not made by this sink"), "{error}");
}
