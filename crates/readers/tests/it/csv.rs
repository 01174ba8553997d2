//! Dialects, tables within files, types, and rows that cannot be read.

use crate::reading::{Table, read};
use readers::Settings;

fn csv(text: &str) -> Table {
    read(text.as_bytes(), "", &Settings::default())
}

#[test]
fn a_plain_file_is_a_table_of_types() {
    let table =
        csv("id,name,born,score,ok\n1,Ann,2001-05-31,1.5,true\n2,\"Bob, jr.\",1999-12-01,,false\n");
    assert_eq!(
        table.columns(),
        "id int64, name text, born date(%Y-%m-%d), score float64, ok bool(true/false)"
    );
    assert_eq!(table.shown(), ["1|Ann|2001-05-31|1.5|true", "2|Bob, jr.|1999-12-01|∅|false"]);
    assert_eq!(table.numbers, [1, 2]);
    assert_eq!(table.offsets, [22, 48]);
    assert!(table.rejects.is_empty());
    assert!(table.decision.proven_by_all);
}

#[test]
fn what_stands_around_a_table_is_skipped_and_told() {
    let table = csv("Report of May\n\nname;value\na;1,5\nb;2,5\n\nTotal 4,0\n");
    assert_eq!(table.columns(), "name text, value float64(1234,5)");
    assert_eq!(table.shown(), ["a|1.5", "b|2.5"]);
    assert_eq!(
        table.decision.notes,
        ["2 lines before the table are skipped", "the last line is none of the table and skipped"]
    );
    let layout = table.decision.layout.unwrap();
    assert_eq!((layout.skip, layout.header, layout.footer), (2, 1, 1));
}

#[test]
fn rows_that_do_not_fit_are_refused_with_their_place() {
    let table = csv("a,b,c\n\"1\",\"2\",3\n4,5\n6,7,8,9\n1,2,3,,\n\"x,1,2\n7,8,9\n");
    assert_eq!(table.shown(), ["1|2|3", "1|2|3", "7|8|9"]);
    assert_eq!(
        table.refused(),
        ["2: 2 cells where 3 are due", "3: 4 cells where 3 are due", "5: a quote is not closed"]
    );
    let reject = &table.rejects[1];
    assert_eq!(
        (reject.line, reject.offset, reject.record.as_deref()),
        (Some(4), Some(20), Some("6,7,8,9"))
    );
    assert_eq!(table.numbers, [1, 4, 6]);
}

#[test]
fn headers_are_told_from_rows() {
    assert_eq!(csv("1,2\n3,4\n").columns(), "column_1 int64, column_2 int64");
    assert_eq!(csv("a,,a\nx,y,z\n").columns(), "a text, column_2 text, a_2 text");
    assert_eq!(csv("x,y\nb,x\nx,c\n").columns(), "column_1 text, column_2 text");
    assert_eq!(csv("a,b\n").columns(), "a text, b text");
    assert_eq!(csv("a,b\nr1,1,2\nr2,3,4\n").columns(), "column_1 text, a int64, b int64");
    assert_eq!(csv("a,b\n1,2,\n3,4,\n").shown(), ["1|2", "3|4"]);
}

#[test]
fn pins_overrule_what_would_be_found() {
    let text = b"x\ty;z\n007\t1;5\n";
    let table = read(text, "delimiter=; header=none types=text", &Settings::default());
    assert_eq!(table.shown(), ["x\ty|z", "007\t1|5"]);
    let table = read(b"a,b\n007,1\n", "types=n:int64,m:text columns=n,m", &Settings::default());
    assert_eq!(table.columns(), "n int64, m text");
}

#[test]
fn pieces_and_threads_change_nothing() {
    let mut text = String::from("id;text;when\n");
    for row in 0..500 {
        let cell = ["plain", "\"a;b\"", "\"two\nlines\"", "\"say \"\"hi\"\"\"", "größe"][row % 5];
        let tail = ["31/12/2024", "01/02/2024", "", "bad;bad", "02/01/2024"][row % 5];
        text.push_str(&format!("{row};{cell};{tail}\n"));
    }
    text.push_str("Total: 500 rows\n");
    let whole = csv(&text);
    assert_eq!((whole.rows.len(), whole.rejects.len()), (400, 100));
    for (block_bytes, threads, rows_max) in
        [(1, 0, 7), (100, 0, 1000), (333, 2, 3), (5000, 1, 1000)]
    {
        let settings =
            Settings { block_bytes, threads, rows_max, proven_bytes_max: 0, ..Settings::default() };
        for bytes in
            [text.clone().into_bytes(), text.encode_utf16().flat_map(u16::to_le_bytes).collect()]
        {
            let wide = bytes.len() > text.len();
            let table = read(
                &bytes,
                if wide { "encoding=utf-16le footer=1" } else { "footer=1" },
                &settings,
            );
            assert_eq!(table.rows, whole.rows);
            assert_eq!(table.numbers, whole.numbers);
            if !wide {
                assert_eq!(table.offsets, whole.offsets);
                assert_eq!(table.rejects, whole.rejects);
            }
            for (row, offset) in table.rows.iter().zip(&table.offsets) {
                let at = &bytes[*offset as usize..];
                let id: Vec<u8> = if wide {
                    row[0].bytes().flat_map(|byte| [byte, 0]).collect()
                } else {
                    row[0].clone().into_bytes()
                };
                assert!(at.starts_with(&id), "{row:?} at {offset}");
            }
        }
    }
}

#[test]
fn what_is_proven_by_all_cells_refuses_none() {
    let table = csv(
        "d,t,n\n2005-10-3,2024-01-31 9:05:00,1.50\n2005-11-07,2024-1-31 10:05:00.5, 2\n,NA,-\n",
    );
    assert_eq!(table.columns(), "d date(%Y-%m-%d), t timestamp(%Y-%m-%d %H:%M:%S%.f), n float64");
    assert_eq!(
        table.shown(),
        ["2005-10-03|2024-01-31T09:05:00|1.5", "2005-11-07|2024-01-31T10:05:00.500|2.0", "∅|∅|∅"]
    );
    assert!(table.rejects.is_empty());
}

#[test]
fn rows_that_are_filled_up_prove_their_columns() {
    let table = read(b"a,b,c\n1,2\n3\n4,5,6,7\n5,6\n", "ragged=pad", &Settings::default());
    assert_eq!(table.columns(), "a int64, b int64, c int64, column_4 int64");
    assert_eq!(table.shown(), ["1|2|∅|∅", "3|∅|∅|∅", "4|5|6|7", "5|6|∅|∅"]);
    let table = csv("a,b,c\n1,x\n2,y\n3,z\n");
    assert_eq!(table.columns(), "a int64, b text, c text");
    assert_eq!(
        table.decision.notes,
        ["rows have fewer cells than the header; what is missing is null"]
    );
}
