//! Columns that come, widen and have any name.

use super::rig::Server;
use crate::sqlite::{ints, job};
use arrow_array::*;
use std::sync::Arc;

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
