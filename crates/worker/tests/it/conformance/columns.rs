//! Columns that come, stay away, change their order or get a wider type, and columns of any name.

use super::promotion::rows;
use super::read;
use super::target::{Target, attempt, on_every_sink};
use crate::schemas::{batch, ints};
use arrow_array::types::Float64Type;
use arrow_array::*;
use arrow_array::{cast::AsArray, types::Decimal128Type};
use arrow_schema::{DataType, Field, TimeUnit};
use std::sync::Arc;

on_every_sink!(
    values_go_by_the_name_of_their_column_and_missing_ones_are_null,
    a_column_without_a_type_waits_until_it_has_one,
    stored_values_stay_what_they_are_when_a_column_widens,
    finer_times_keep_what_is_stored,
    the_columns_may_change_between_the_batches_of_one_job,
    a_column_may_have_any_name,
    a_topic_may_have_any_name,
);

fn values(target: &Target, name: &str) -> Vec<Option<i64>> {
    read::ints(&target.column("t", name, &DataType::Int64))
}

fn values_go_by_the_name_of_their_column_and_missing_ones_are_null(target: &Target) {
    let job = |id, columns: &[(&str, i64)]| {
        let columns: Vec<(&str, ArrayRef)> =
            columns.iter().map(|(name, value)| (*name, ints(&[*value]))).collect();
        target.done("t", attempt(id, 1), &[batch(&columns)]);
    };
    job(1, &[("a", 1), ("b", 2)]);
    job(2, &[("c", 5), ("b", 4), ("a", 3)]);
    job(3, &[("b", 6)]);
    assert_eq!(values(target, "a"), [Some(1), Some(3), None]);
    assert_eq!(values(target, "b"), [Some(2), Some(4), Some(6)]);
    assert_eq!(values(target, "c"), [None, Some(5), None]);
}

fn a_column_without_a_type_waits_until_it_has_one(target: &Target) {
    let nulls = || Arc::new(NullArray::new(1)) as ArrayRef;
    for (id, column) in [(1, nulls()), (2, ints(&[7])), (3, nulls())] {
        target.done("t", attempt(id, 1), &[batch(&[("a", ints(&[id])), ("n", column)])]);
    }
    assert_eq!(values(target, "n"), [None, Some(7), None]);
    assert_eq!(values(target, "a"), [Some(1), Some(2), Some(3)]);
    // Rows with nothing but such columns are rows.
    let nulls: ArrayRef = Arc::new(NullArray::new(2));
    target.done("u", attempt(4, 1), &[batch(&[("n", nulls)])]);
    assert_eq!(target.rows("u", "n"), [(4, None); 2]);
}

/// A column that one job after the other brings as another type, read as the widest of them.
fn widened(target: &Target, topic: &str, columns: &[ArrayRef], wide: &DataType) -> ArrayRef {
    for (id, column) in (1..).zip(columns) {
        let rows = batch(&[("k", ints(&[id])), ("x", column.clone())]);
        target.done(topic, attempt(id, 1), &[rows]);
    }
    target.column(topic, "x", wide)
}

fn decimals(value: i128, precision: u8, scale: i8) -> ArrayRef {
    let values = Decimal128Array::from(vec![value]);
    Arc::new(values.with_precision_and_scale(precision, scale).unwrap())
}

fn stored_values_stay_what_they_are_when_a_column_widens(target: &Target) {
    let small = || Arc::new(Int8Array::from(vec![7])) as ArrayRef;
    let found = widened(target, "int", &[small(), ints(&[1 << 40]), small()], &DataType::Int64);
    assert_eq!(read::ints(&found), [Some(7), Some(1 << 40), Some(7)]);
    let half: ArrayRef = Arc::new(Float64Array::from(vec![0.5]));
    let columns = [ints(&[-7]), half, ints(&[1 << 53]), small()];
    let found = widened(target, "float", &columns, &DataType::Float64);
    let expected = [-7.0, 0.5, 9_007_199_254_740_992.0, 7.0];
    assert_eq!(found.as_primitive::<Float64Type>().values()[..], expected);
    let wide = DataType::Decimal128(23, 4);
    let columns = [decimals(-5, 5, 2), ints(&[i64::MAX]), decimals(123_456, 9, 4), small()];
    let found = widened(target, "decimal", &columns, &wide);
    let expected = [-500, i128::from(i64::MAX) * 10_000, 123_456, 70_000];
    assert_eq!(found.as_primitive::<Decimal128Type>().values()[..], expected);
    let huge: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX]));
    let found = widened(target, "unsigned", &[huge, ints(&[-1])], &DataType::Decimal128(20, 0));
    let expected = [i128::from(u64::MAX), -1];
    assert_eq!(found.as_primitive::<Decimal128Type>().values()[..], expected);
}

fn finer_times_keep_what_is_stored(target: &Target) {
    use TimeUnit::{Microsecond, Millisecond, Second};
    let column = |value, data_type: &DataType| read::cast(&ints(&[value]), data_type);
    let counts = |topic: &str, types: [DataType; 2]| {
        let columns = [column(-3, &types[0]), column(5, &types[1]), column(4, &types[0])];
        let found = widened(target, topic, &columns, &types[1]);
        read::ints(&read::cast(&found, &DataType::Int64))
    };
    for (topic, zone) in [("instant", Some("Europe/Berlin".into())), ("clock", None)] {
        let timestamp = |unit| DataType::Timestamp(unit, zone.clone());
        let found = counts(topic, [timestamp(Millisecond), timestamp(Microsecond)]);
        assert_eq!(found, [Some(-3_000), Some(5), Some(4_000)]);
    }
    let found = counts("span", [DataType::Duration(Second), DataType::Duration(Millisecond)]);
    assert_eq!(found, [Some(-3_000), Some(5), Some(4_000)]);
}

fn the_columns_may_change_between_the_batches_of_one_job(target: &Target) {
    let item = Arc::new(Field::new("item", DataType::Int64, true));
    let lists: ArrayRef = Arc::new(ListArray::new_null(item, 1));
    let batches = [batch(&[("a", ints(&[1]))]), batch(&[("l", lists.clone()), ("b", ints(&[2]))])];
    target.done("t", attempt(1, 1), &batches);
    assert_eq!(values(target, "a"), [Some(1), None]);
    assert_eq!(values(target, "b"), [None, Some(2)]);
    assert_eq!(target.column("t", "l", lists.data_type()).null_count(), 2);
}

fn a_column_may_have_any_name(target: &Target) {
    let long = "n".repeat(200);
    let other = format!("{long}x");
    let names = [
        "",
        " ",
        "a b",
        "a.b",
        "a\"b'c`d",
        "[a]",
        "it's",
        "select",
        "ORDER",
        "1",
        "a;--",
        "é\u{1F600}",
        "\t\n",
        "%",
        "?1",
        "@x",
        ":y",
        "$z",
        "A",
        "a",
        "É",
        "é",
        "rowid",
        "oid",
        "_rowid_",
        "ctid",
        "xmin",
        "list",
        "_x",
        "_casparian",
        &long,
        &other,
    ];
    let columns: Vec<(&str, ArrayRef)> =
        names.iter().zip(0..).map(|(name, at)| (*name, ints(&[at, -at]))).collect();
    // One column after the other; then all of them once more, the other way round.
    for len in 1..=columns.len() {
        target.done("t", attempt(len as i64, 1), &[batch(&columns[len - 1..len])]);
    }
    let reversed: Vec<_> = columns.iter().rev().cloned().collect();
    target.done("t", attempt(100, 1), &[batch(&reversed)]);
    for (at, name) in names.iter().enumerate() {
        let found: Vec<_> = values(target, name).into_iter().flatten().collect();
        let at = at as i64;
        assert_eq!(found, [at, -at, at, -at], "{name:?}");
    }
    // Rows are found, whatever columns are called.
    let sinks = target.worker("w1");
    target.retire(&sinks, "t", attempt(100, 1));
    target.retire(&sinks, "t", attempt(3, 1));
    assert_eq!(values(target, "select").into_iter().flatten().count(), 2);
    assert_eq!(values(target, "a b").into_iter().flatten().count(), 0);
}

fn a_topic_may_have_any_name(target: &Target) {
    for (id, topic) in (1..).zip(["select", "2024-orders", "user", "x"]) {
        target.done(topic, attempt(id, 1), &rows(&[id]));
        assert_eq!(target.rows(topic, "a"), [(id, Some(id))]);
    }
}
