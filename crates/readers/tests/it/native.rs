//! Formats that bring their types.

use crate::rows::{error, rows, rows_with};
use crate::samples::{self, arrow_file, arrow_stream, avro, batch, batch_of};
use parquet::data_type::{Int96, Int96Type};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use readers::{Pins, Settings};
use std::sync::Arc;

#[test]
fn columns_keep_their_types_and_the_wanted_ones_are_read() {
    let wanted = Settings { columns: Some(vec!["t".to_owned()]), ..Settings::default() };
    let none = Settings { columns: Some(Vec::new()), ..Settings::default() };
    for bytes in [
        samples::parquet(&batch()),
        arrow_file(&batch()),
        arrow_stream(&batch()),
        avro(&[&[(1, Some("one")), (2, None)]]),
    ] {
        let all = rows(&bytes, "");
        assert_eq!(all.columns(), "n Int64, t Utf8");
        let format = all.decision.format.name();
        assert_eq!(all.decision.pins().line(), format!("format={format}"));
        assert_eq!(rows_with(&bytes, "", &wanted).rows, ["one", "∅"], "{format}");
        assert_eq!(rows_with(&bytes, "", &none).rows.len(), 2, "{format}");
        assert_eq!(rows(&bytes, "columns=a,b").columns(), "a Int64, b Utf8");
    }
}

#[test]
fn blocks_hold_no_more_rows_than_allowed() {
    let settings = Settings { rows_max: 1, ..Settings::default() };
    for bytes in
        [samples::parquet(&batch()), arrow_file(&batch()), avro(&[&[(1, Some("one")), (2, None)]])]
    {
        let reading =
            readers::open(&crate::reading::input(&bytes), &Pins::default(), &settings).unwrap();
        let blocks: Vec<_> = reading.map(|block| block.unwrap().numbers).collect();
        assert_eq!(blocks, [[1], [2]]);
    }
}

#[test]
fn columns_of_one_name_are_told_apart() {
    for bytes in [arrow_file(&batch_of(&["a", "a"])), arrow_stream(&batch_of(&["a", "a"]))] {
        assert_eq!(rows(&bytes, "").columns(), "a Int64, a_2 Utf8");
    }
}

#[test]
fn pins_of_text_are_refused() {
    assert_eq!(
        error(&samples::parquet(&batch()), "delimiter=;"),
        "READER: delimiter=;: parquet has names and types of its own; only format= and columns= can be pinned"
    );
    assert_eq!(
        error(&samples::parquet(&batch()), "columns=a"),
        "READER: columns=a: 2 names for the 2 columns of the file"
    );
    assert_eq!(error(b"a,b\n1,2\n", "format=parquet"), "READER: format=parquet: the file is csv");
}

#[test]
fn what_is_damaged_says_so_and_nothing_panics() {
    for (bytes, format) in
        [(samples::parquet(&batch()), "parquet"), (arrow_file(&batch()), "arrow")]
    {
        let cut = error(&bytes[..bytes.len() - 20], "");
        assert!(cut.starts_with(&format!("the {format} file is damaged: ")), "{cut}");
    }
    for bytes in [
        samples::parquet(&batch()),
        arrow_file(&batch()),
        arrow_stream(&batch()),
        avro(&[&[(1, Some("one")), (2, None)]]),
    ] {
        for at in 0..bytes.len() {
            let mut spoiled = bytes.clone();
            spoiled[at] ^= 0xff;
            let reading = readers::open(
                &crate::reading::input(&spoiled),
                &Pins::default(),
                &Settings::default(),
            );
            let _ = reading.map(Iterator::count);
        }
    }
}

#[test]
fn an_avro_file_gives_the_records_before_the_damage() {
    let whole = avro(&[&[(1, Some("one"))], &[(2, None), (3, Some("three"))]]);
    let cut = rows(&whole[..whole.len() - 18], "");
    assert_eq!(cut.rows, ["1|one"]);
    let text = cut.error.unwrap().to_string();
    assert!(
        text.ends_with("the avro container ends before its end; it is cut off, fetch it again"),
        "{text}"
    );
    let mut spoiled = whole.clone();
    let three = spoiled.windows(5).position(|word| word == b"three").unwrap();
    spoiled[three] = 0xff;
    let spoiled = rows(&spoiled, "");
    assert_eq!(spoiled.rows, ["1|one", "2|∅"]);
    let text = spoiled.error.unwrap().to_string();
    assert!(
        text.contains(
            "the avro block that ends here is damaged: record 2 of 2: a text that is not UTF-8"
        ),
        "{text}"
    );
}

#[test]
fn an_avro_block_that_is_longer_than_its_records_ends_in_an_error() {
    let mut bytes = avro(&[&[(1, None), (2, None)]]);
    let count = bytes.len() - 16 - 4 - 2;
    bytes[count] = 2;
    let short = rows(&bytes, "");
    assert_eq!(short.rows, ["1|∅"]);
    assert!(short.error.unwrap().to_string().ends_with("2 bytes follow its 1 records"));
}

/// Nanoseconds of the day, and the day of the Julian calendar.
fn int96(nanos: u64, day: u32) -> Int96 {
    Int96::from(vec![nanos as u32, (nanos >> 32) as u32, day])
}

fn parquet_of_int96(values: &[Int96]) -> Vec<u8> {
    let schema = parse_message_type("message m { required int96 t; }").unwrap();
    let mut writer =
        SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int96Type>().write_batch(values, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn times_of_the_old_kind_do_not_run_over() {
    const DAY_1970: u32 = 2_440_588;
    const DAY_9999: u32 = 5_373_484;
    let near = rows(&parquet_of_int96(&[int96(1_000_000_001, DAY_1970)]), "");
    assert_eq!(
        (near.columns().as_str(), &near.rows[..]),
        ("t Timestamp(ns)", &["1970-01-01T00:00:01.000000001".to_owned()][..])
    );
    let far = rows(&parquet_of_int96(&[int96(0, DAY_1970), int96(0, DAY_9999)]), "");
    assert_eq!(far.columns(), "t Timestamp(µs)");
    assert_eq!(far.rows, ["1970-01-01T00:00:00", "9999-12-31T00:00:00"]);
    assert!(
        far.decision.notes[0].starts_with("t: times before 1677 or after 2262 are there"),
        "{:?}",
        far.decision.notes
    );
}
