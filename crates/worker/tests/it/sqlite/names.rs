//! Whatever columns are called, and how many there are.

use super::rig::{Lake, ints, job, load_into, staged};
use arrow_array::ArrayRef;
use protocol::ErrorClass;
use serde_json::{Value, json};

/// The stored names of columns in their order, and that each has its own value.
fn stored(names: &[&str]) -> Vec<String> {
    let lake = Lake::new();
    let columns: Vec<(&str, ArrayRef)> =
        names.iter().enumerate().map(|(at, name)| (*name, ints(&[at as i64]))).collect();
    lake.done(job(1, 1), &columns);
    // Once more, with one column after the other.
    let other = Lake::new();
    for len in 1..=columns.len() {
        other.done(job(len as i64, 1), &columns[..len]);
    }
    let sql = "SELECT column_name, original_name FROM _casparian_columns WHERE original_name NOT LIKE '\\_%id' ESCAPE '\\' ORDER BY position";
    let found = lake.python(sql);
    assert_eq!(other.python(sql), found, "names depend on when they come");
    let text = |value: &Value| value["text"].as_str().unwrap().to_owned();
    let originals: Vec<String> = found.iter().map(|row| text(&row[1])).collect();
    assert_eq!(originals, names);
    let stored: Vec<String> = found.iter().map(|row| text(&row[0])).collect();
    let quoted: Vec<String> =
        stored.iter().map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect();
    let rows = lake.python(&format!("SELECT {} FROM t", quoted.join(", ")));
    let expected: Vec<Value> = (0..names.len()).map(|at| json!(at)).collect();
    assert_eq!(rows, [expected]);
    stored
}

#[test]
fn odd_names_are_kept_as_they_are() {
    let long = "n".repeat(200);
    let names = [
        "a b",
        "a\"b",
        "it's",
        "a`b",
        "[a]",
        "select",
        "ORDER",
        "rowid",
        "oid",
        "a.b",
        "1",
        "a;--",
        "é\u{1F600}",
        "\t\n",
        "%",
        "?1",
        "@x",
        ":y",
        "$z",
        &long,
    ];
    assert_eq!(stored(&names), names);
}

#[test]
fn names_that_sqlite_cannot_tell_apart_get_an_ending() {
    let stored = stored(&["a", "A", "_rowid_", "É", "é"]);
    assert_eq!([&stored[0], &stored[3], &stored[4]], ["a", "É", "é"]);
    assert!(stored[1].starts_with("A_") && stored[1].len() == 10, "{}", stored[1]);
    assert!(stored[2].starts_with("_rowid__"), "{}", stored[2]);
}

#[test]
fn rows_are_removed_by_number_though_columns_are_called_like_it() {
    let lake = Lake::new();
    let columns = [("rowid", ints(&[7, 7])), ("oid", ints(&[7, 7])), ("_ROWID_", ints(&[7, 7]))];
    for id in 1..=3 {
        lake.done(job(id, 1), &columns);
    }
    assert_eq!(lake.sink().retire(&"t".parse().unwrap(), &[job(2, 1)]).unwrap(), 2);
    assert_eq!(lake.counts("t"), [(1, 2), (3, 2)]);
}

#[test]
fn a_nul_in_a_name_is_refused() {
    let error = Lake::new().refused(job(1, 1), &[("a\0b", ints(&[1]))]);
    assert_eq!(
        error,
        "topic sales: the column name \"a\\0b\" holds a NUL character, which no SQLite name can; rename it"
    );
}

#[test]
fn there_is_room_for_two_thousand_columns_and_no_more() {
    let lake = Lake::new();
    let names: Vec<String> = (0..1_999).map(|at| format!("c{at}")).collect();
    let columns = |len: usize| {
        names[..len].iter().map(|name| (name.as_str(), ints(&[1]))).collect::<Vec<_>>()
    };
    lake.done(job(1, 1), &columns(10));
    lake.done(job(2, 1), &columns(1_998));
    assert_eq!(lake.shell("SELECT count(*), count(c1997) FROM t"), ["2|1"]);
    let rows = [staged(job(3, 1), &columns(1_999))];
    let error = load_into(&mut lake.sink(), "t", job(3, 1), &rows, &[]).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Plugin);
    assert_eq!(
        error.to_string(),
        "topic sales: 2001 columns with those of the lineage, and a table of SQLite has at most 2000; publish fewer, or send the topic to parquet://"
    );
    assert_eq!(lake.counts("t"), [(1, 1), (2, 1)]);
}

#[test]
fn a_table_may_be_called_by_any_name_of_a_topic() {
    let lake = Lake::new();
    for (at, table) in ["select", "2024-orders", "a.b", "x"].into_iter().enumerate() {
        let job = job(at as i64 + 1, 1);
        let rows = [staged(job, &[("a", ints(&[1]))])];
        load_into(&mut lake.sink(), table, job, &rows, &[]).unwrap();
        assert_eq!(lake.counts(table), [(at as i64 + 1, 1)]);
    }
    let rows = [staged(job(9, 1), &[("a", ints(&[1]))])];
    let error = load_into(&mut lake.sink(), "SQLite_x", job(9, 1), &rows, &[]).unwrap_err();
    assert!(error.to_string().contains("'SQLite_x' is a name that SQLite keeps for itself"));
}
