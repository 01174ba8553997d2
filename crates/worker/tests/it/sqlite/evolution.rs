//! Columns that come, stay away, change their order or get a wider type.

use super::rig::{Lake, ints, job};
use arrow_array::*;
use arrow_buffer::i256;
use arrow_schema::DataType;
use protocol::JobId;
use std::sync::Arc;
use worker::sinks::sql::Loaded;

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn decimals(values: &[i128], precision: u8, scale: i8) -> ArrayRef {
    let values = Decimal128Array::from(values.to_vec());
    Arc::new(values.with_precision_and_scale(precision, scale).unwrap())
}

/// What is stored of a column `x` that is loaded once as each of these.
fn widened(columns: &[ArrayRef]) -> Vec<String> {
    let lake = Lake::new();
    for (at, column) in columns.iter().enumerate() {
        lake.done(job(at as i64 + 1, 1), &[("k", texts(&["v"])), ("x", column.clone())]);
    }
    lake.shell("SELECT typeof(x) || ' ' || x FROM t ORDER BY rowid")
}

#[test]
fn wider_types_keep_what_is_stored() {
    let max = i64::MAX;
    let floats = Arc::new(Float64Array::from(vec![0.5])) as ArrayRef;
    assert_eq!(widened(&[ints(&[-7]), floats.clone()]), ["real -7.0", "real 0.5"]);
    assert_eq!(widened(&[floats, ints(&[1 << 53])]), ["real 0.5", "real 9.00719925474099e+15"]);
    assert_eq!(
        widened(&[ints(&[max]), decimals(&[-5], 5, 2), ints(&[-max])]),
        ["text 9223372036854775807.00", "text -0.05", "text -9223372036854775807.00"]
    );
    assert_eq!(
        widened(&[decimals(&[-5], 5, 2), decimals(&[123_456], 9, 4), decimals(&[7], 3, 0)]),
        ["text -0.0500", "text 12.3456", "text 7.0000"]
    );
    let large = i256::from_i128(10_i128.pow(38) - 1);
    let large = Decimal256Array::from(vec![large]).with_precision_and_scale(76, 38).unwrap();
    let expected = format!("text 0.{}", "9".repeat(38));
    let zero = format!("text -7.{}", "0".repeat(38));
    assert_eq!(widened(&[ints(&[-7]), Arc::new(large)]), [zero, expected]);
    let small = Arc::new(UInt8Array::from(vec![200])) as ArrayRef;
    let huge = Arc::new(UInt64Array::from(vec![u64::MAX])) as ArrayRef;
    let expected = ["integer 200", "text 18446744073709551615", "integer 200"];
    assert_eq!(widened(&[small.clone(), huge.clone(), small]), expected);
    assert_eq!(
        widened(&[huge, ints(&[-1])]),
        ["text 18446744073709551615", "text -1"],
        "as decimals"
    );
}

#[test]
fn finer_times_keep_what_is_stored() {
    let zoned = |unit| DataType::Timestamp(unit, Some("Europe/Berlin".into()));
    let column = |value: i64, data_type: &DataType| {
        arrow_cast::cast(&Int64Array::from(vec![value]), data_type).unwrap()
    };
    use arrow_schema::TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
    assert_eq!(
        widened(&[
            column(1, &zoned(Millisecond)),
            column(1, &zoned(Nanosecond)),
            column(1, &zoned(Microsecond))
        ]),
        [
            "text 1970-01-01 00:00:00.001000000+00:00",
            "text 1970-01-01 00:00:00.000000001+00:00",
            "text 1970-01-01 00:00:00.000001000+00:00"
        ]
    );
    let plain = |unit| DataType::Timestamp(unit, None);
    assert_eq!(
        widened(&[column(-1, &plain(Millisecond)), column(-1, &plain(Microsecond))]),
        ["text 1969-12-31 23:59:59.999000", "text 1969-12-31 23:59:59.999999"]
    );
    let times: ArrayRef = Arc::new(Time32SecondArray::from(vec![86_399]));
    assert_eq!(
        widened(&[times, column(1, &DataType::Time64(Nanosecond))]),
        ["text 23:59:59.000000000", "text 00:00:00.000000001"]
    );
    assert_eq!(
        widened(&[
            column(-3, &DataType::Duration(Second)),
            column(5, &DataType::Duration(Millisecond))
        ]),
        ["integer -3000", "integer 5"]
    );
}

#[test]
fn a_rewritten_table_keeps_the_numbers_of_its_rows_and_what_others_made_for_it() {
    let lake = Lake::new();
    lake.done(job(1, 1), &[("x", ints(&[1, 2]))]);
    lake.done(job(2, 1), &[("x", ints(&[3]))]);
    lake.sink().retire(&"t".parse().unwrap(), &[job(1, 1)]).unwrap();
    lake.shell(
        "CREATE INDEX \"by x\" ON t (x); CREATE TABLE log (x);
         CREATE TRIGGER noted AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.x); END;
         CREATE VIEW doubled AS SELECT x * 2 AS y FROM t; CREATE TABLE child (x REFERENCES t (x))",
    );
    lake.done(job(3, 1), &[("x", Arc::new(Float64Array::from(vec![0.5])) as ArrayRef)]);
    assert_eq!(lake.shell("SELECT rowid, x FROM t ORDER BY rowid"), ["3|3.0", "4|0.5"]);
    assert_eq!(lake.shell("SELECT x FROM log"), ["0.5"]);
    assert_eq!(lake.shell("SELECT y FROM doubled ORDER BY y"), ["1.0", "6.0"]);
    let plan = lake.shell("EXPLAIN QUERY PLAN SELECT * FROM t WHERE x = 1").join(" ");
    assert!(plan.contains("USING INDEX by x"), "{plan}");
    assert_eq!(lake.sink().retire(&"t".parse().unwrap(), &[job(2, 1)]).unwrap(), 1);
    assert_eq!(lake.shell("PRAGMA integrity_check"), ["ok"]);
}

#[test]
fn what_would_change_is_refused_with_the_value() {
    let lake = Lake::new();
    let large = (1 << 53) + 1;
    lake.done(job(1, 1), &[("x", ints(&[large]))]);
    let floats = Arc::new(Float64Array::from(vec![0.5])) as ArrayRef;
    let error = lake.refused(job(2, 1), &[("x", floats)]);
    let expected = format!(
        "{}: column 'x' of table 't' cannot go from int64 to float64: {large} would change",
        lake.path().display()
    );
    assert_eq!(error, expected);
    let text = lake.refused(job(2, 1), &[("x", texts(&["a"]))]);
    let expected =
        "column 'x' of table 't' is int64 and cannot also hold text; publish one type per column";
    assert!(text.ends_with(expected), "{text}");
    assert_eq!(lake.counts("t"), [(1, 1)]);
}

#[test]
fn a_table_that_was_dropped_comes_back_and_a_column_does_not() {
    let lake = Lake::new();
    lake.done(job(1, 1), &[("a", ints(&[1])), ("b", ints(&[2]))]);
    lake.shell("DROP TABLE t");
    assert_eq!(lake.counts("t"), []);
    assert_eq!(lake.load(job(2, 1), &[("a", ints(&[3]))], &[JobId::new(1)]).unwrap(), Loaded::Done);
    assert_eq!(lake.shell("SELECT a, b FROM t"), ["3|"]);
    lake.shell("ALTER TABLE t DROP COLUMN b");
    let error = lake.refused(job(3, 1), &[("a", ints(&[3]))]);
    let expected =
        "column 'b' of table 't' is gone; add it again, or drop the table and run its files again";
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn columns_that_others_add_stay_as_long_as_nothing_is_rewritten() {
    let lake = Lake::new();
    lake.done(job(1, 1), &[("a", ints(&[1]))]);
    lake.shell("ALTER TABLE t ADD COLUMN note TEXT DEFAULT 'mine'");
    lake.done(job(2, 1), &[("a", ints(&[2])), ("b", ints(&[3]))]);
    assert_eq!(lake.shell("SELECT a, b, note FROM t ORDER BY a"), ["1||mine", "2|3|mine"]);
    let error = lake.refused(job(3, 1), &[("NOTE", ints(&[2]))]);
    let expected = "column 'NOTE' of table 't' was not made by this sink, which now needs the name; drop or rename it";
    assert!(error.ends_with(expected), "{error}");
    let floats = Arc::new(Float64Array::from(vec![0.5])) as ArrayRef;
    let error = lake.refused(job(3, 1), &[("a", floats)]);
    let expected = "column 'a' of table 't' goes from int64 to float64, for which the table is rewritten, but somebody added a column 'note' to it; drop that, or keep it in a table of its own";
    assert!(error.ends_with(expected), "{error}");
}
