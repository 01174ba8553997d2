//! Workbooks.

use crate::rows::{error, rows};
use crate::samples::{sheet, workbook};

fn one(rows: &[&[&str]]) -> Vec<u8> {
    workbook(&[("Sheet1", &sheet(rows))], false)
}

#[test]
fn columns_are_what_their_cells_are() {
    let book = one(&[
        &["s:id", "s:price", "s:on", "s:at", "s:ok", "s:name", "s:long"],
        &["n:1", "n:0.1", "d:45443", "t:45443.5", "b:1", "s:007", "h:1.5"],
        &["n:2", "n:3", "d:1", "d:45444", "b:0", "-", "h:0.25"],
    ]);
    let read = rows(&book, "");
    assert_eq!(
        read.columns(),
        "id int64, price float64, on date(%Y-%m-%d), at timestamp(%Y-%m-%d %H:%M:%S%.f), ok bool(TRUE/FALSE), name text, long text"
    );
    assert_eq!(
        read.rows,
        [
            "1|0.1|2024-05-31|2024-05-31T12:00:00|true|007|36:00:00",
            "2|3.0|1900-01-01|2024-06-01T00:00:00|false|∅|06:00:00"
        ]
    );
    let pinned = rows(&book, &read.decision.pins().line());
    assert_eq!((pinned.columns(), pinned.rows), (read.columns(), read.rows));
}

#[test]
fn days_since_1904_are_told_from_those_since_1900() {
    let book = workbook(&[("S", &sheet(&[&["s:on"], &["d:43981"]]))], true);
    assert_eq!(rows(&book, "").rows, ["2024-05-31"]);
}

#[test]
fn a_day_that_never_was_is_refused() {
    let read = rows(&one(&[&["s:on", "s:x"], &["d:60", "n:1"], &["d:61", "n:2"]]), "");
    assert_eq!(read.rows, ["1900-03-01|2"]);
    assert_eq!(read.refused, ["1: '1900-02-29' is no date(%Y-%m-%d)"]);
}

#[test]
fn the_table_is_found_between_titles_and_remarks() {
    let read = rows(
        &one(&[
            &["s:Sales of May"],
            &[],
            &["-", "s:id", "s:region", "s:sum"],
            &["-", "n:1", "s:north", "n:2.5"],
            &[],
            &["-", "n:2", "s:south", "n:3"],
            &[],
            &["-", "s:Source: the till"],
        ]),
        "",
    );
    assert_eq!(read.columns(), "id int64, region text, sum float64");
    assert_eq!(read.rows, ["1|north|2.5", "2|south|3.0"]);
    let layout = read.decision.layout.clone().unwrap();
    assert_eq!((layout.skip, layout.header, layout.footer), (2, 1, 1));
    assert_eq!(
        read.decision.notes,
        [
            "1 rows before the table are skipped, the first says \"Sales of May\"",
            "1 rows after the table are skipped, the first says \"Source: the till\"",
            "1 empty rows within the table are passed over",
        ]
    );
    assert_eq!(
        rows(&one(&[&["n:1", "s:a"], &["n:2", "s:b"]]), "").columns(),
        "column_1 int64, column_2 text"
    );
}

#[test]
fn errors_are_null_and_told_and_words_for_nothing_are_null_among_values() {
    let read = rows(
        &one(&[&["s:a", "s:b"], &["n:1", "s:NA"], &["e:#DIV/0!", "n:4"], &["s:-", "e:#N/A"]]),
        "",
    );
    assert_eq!(read.columns(), "a int64, b int64");
    assert_eq!(read.rows, ["1|∅", "∅|4", "∅|∅"]);
    assert_eq!(
        read.decision.notes,
        [
            "a: 1 cells with #DIV/0!, the first in row 3, are read as null",
            "b: 1 cells with #N/A, the first in row 4, are read as null"
        ]
    );
}

#[test]
fn what_differs_is_text_unless_its_texts_prove_more() {
    let read = rows(
        &one(&[&["s:a", "s:b"], &["n:1", "n:12"], &["s:x", "s:13"], &["d:45443", "n:14"]]),
        "",
    );
    assert_eq!(read.columns(), "a text, b int64");
    assert_eq!(read.rows, ["1|12", "x|13", "2024-05-31|14"]);
    assert_eq!(
        read.decision.columns[0].evidence,
        "cells are 1 dates, 1 text, 1 whole numbers, text first in row 3: \"x\""
    );
}

#[test]
fn the_first_sheet_with_a_table_is_read_or_the_one_that_is_named() {
    let (a, b) = (sheet(&[&["s:x"], &["n:1"]]), sheet(&[&["s:y"], &["n:2"]]));
    let book = workbook(&[("Empty", ""), ("A", &a), ("B", &b)], false);
    let first = rows(&book, "");
    assert_eq!(
        (first.decision.records_at.as_deref(), first.rows),
        (Some("A"), vec!["1".to_owned()])
    );
    assert_eq!(first.decision.notes, ["only sheet 'A' is read; other sheets: Empty, B (records=)"]);
    assert_eq!(rows(&book, "records=B").rows, ["2"]);
    assert_eq!(rows(&book, "records=3").rows, ["2"]);
    assert_eq!(
        error(&book, "records=C"),
        "READER: records=C: there is no such sheet; sheets are Empty, A, B, or their number from 1"
    );
    assert_eq!(
        error(&workbook(&[("E", "")], false), ""),
        "this is an empty workbook: sheet 'E' has no cells"
    );
}

#[test]
fn a_far_cell_takes_no_memory() {
    let far = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>"#;
    let read = rows(&workbook(&[("S", far)], false), "");
    assert_eq!(read.decision.columns.len(), 16_384);
    assert!(read.rows.len() <= 2);
}

#[test]
fn a_damaged_workbook_is_an_error() {
    let book = one(&[&["s:a"], &["n:1"]]);
    assert_eq!(
        error(&book[..book.len() - 30], ""),
        "this is a zip file without its end: it is cut off, fetch it again"
    );
    for at in 0..book.len() {
        let mut spoiled = book.clone();
        spoiled[at] ^= 0xff;
        let reading = readers::open(
            &crate::reading::input(&spoiled),
            &readers::Pins::default(),
            &readers::Settings::default(),
        );
        let _ = reading.map(Iterator::count);
    }
}
