//! Opens a JSON file: its layout and its columns by its head, and by samples of the rest where it is large; then its rows.

use super::layout::{Framing, Layout, layout};
use super::ordered::ordered;
use super::records::Records;
use super::rows::{Rows, Survey};
use super::text::Text;
use crate::decision::Decision;
use crate::encoding::{Detected, TextStream, detect, pinned};
use crate::error::ReadError;
use crate::format::{Compression, Format};
use crate::input::Input;
use crate::pins::Pins;
use crate::reading::Reading;
use crate::settings::Settings;
use crate::source::{Begun, begin, open_unpacked};
use encoding_rs::UTF_8;
use memchr::{memchr, memchr_iter, memrchr};
use std::io::{Cursor, Read};

/// What is looked at of a file that is too large to be proven as a whole.
const HEAD_BYTES: u64 = 2 << 20;
/// Samples of the rest, evenly spaced.
const WINDOWS: u64 = 16;
const WINDOW_BYTES: usize = 128 << 10;

/// Whether a text that begins so may be JSON.
pub(crate) fn looks_like(head: &[u8]) -> bool {
    let mut text = Text::new(head);
    super::layout::skip_blanks(&mut text);
    if !matches!(text.peek(), Some(b'{' | b'[')) {
        return false;
    }
    text.clone().skip(0).map_or_else(|fault| fault.is_cut || begins(text), |()| true)
}

/// What is broken further on is JSON all the same, if its first name or item is.
fn begins(mut text: Text<'_>) -> bool {
    if text.take(b'{') {
        text.blanks();
        let is_named = text.string().is_ok();
        text.blanks();
        return is_named && text.take(b':');
    }
    text.take(b'[');
    text.blanks();
    match text.peek() {
        Some(b'-' | b'0'..=b'9') => {
            let is_number = text.number().is_ok();
            text.blanks();
            is_number && matches!(text.peek(), None | Some(b',' | b']'))
        }
        first => matches!(first, Some(b'{' | b'[' | b'"' | b't' | b'f' | b'n' | b']')),
    }
}

pub(crate) fn open(input: &Input, pins: &Pins, settings: &Settings) -> Result<Reading, ReadError> {
    let (compression, bytes) = open_unpacked(input, settings)?;
    let provable = compression.is_some() || input.len() <= settings.proven_bytes_max;
    let wanted = if provable { settings.proven_bytes_max } else { HEAD_BYTES };
    let Begun { head: mut raw, whole, rest } = begin(bytes, wanted)?;
    let detected = encoding(&raw, whole, pins)?;
    let head_len = raw.len() - detected.mark;
    raw.drain(..detected.mark);
    let mut stream = TextStream::new(Box::new(Cursor::new(raw).chain(rest)), detected.encoding);
    let mut text = Vec::new();
    stream.read(&mut text, head_len)?;
    let layout = layout(&text, whole, pins)?;
    let survey = survey(&text, whole, &layout, settings)?;
    let survey = if whole
        || compression.is_some()
        || layout.framing != Framing::Lines
        || detected.encoding != UTF_8
    {
        survey
    } else {
        windows(input, survey)?
    };
    check(&survey, &layout)?;
    let rows = Rows::new(survey, settings.columns.as_deref());
    let decision = decision(compression, &detected, &layout, &rows, whole);
    let start = (
        detected.mark as u64 + layout.start as u64,
        1 + memchr_iter(b'\n', &text[..layout.start]).count() as u64,
    );
    text.drain(..layout.start);
    let records = Records::new(stream, text, layout.framing, start, settings);
    let has_offsets = detected.encoding == UTF_8;
    let schema = rows.schema.clone();
    let threads = if whole { 0 } else { settings.threads };
    let blocks = ordered(pieces(records), threads, move |piece| {
        let mut block = rows.block(&piece?)?;
        if !has_offsets {
            block.offsets = None;
            block.rejects.iter_mut().for_each(|reject| reject.offset = None);
        }
        Ok(block)
    });
    Ok(Reading::new(decision, schema, blocks))
}

/// JSON is UTF-8 unless it says otherwise: no guess is made by its letters.
fn encoding(raw: &[u8], whole: bool, pins: &Pins) -> Result<Detected, ReadError> {
    if let Some(label) = &pins.encoding {
        return Ok(pinned(label, raw)?);
    }
    let detected = detect(raw, whole);
    if detected.encoding.is_ascii_compatible() {
        let mark = if raw.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        return Ok(Detected { encoding: UTF_8, mark, note: None });
    }
    Ok(detected)
}

/// Ends with the first error.
fn pieces(
    mut records: Records,
) -> impl Iterator<Item = Result<super::records::Piece, ReadError>> + Send {
    let mut failed = false;
    std::iter::from_fn(move || {
        if failed {
            return None;
        }
        let piece = records.next_piece().transpose();
        failed = matches!(piece, Some(Err(_)));
        piece
    })
}

fn survey(
    text: &[u8],
    whole: bool,
    layout: &Layout,
    settings: &Settings,
) -> Result<Survey, ReadError> {
    let mut survey = Survey::default();
    let head = if whole || layout.framing != Framing::Lines {
        &text[layout.start..]
    } else {
        &text
            [layout.start..memrchr(b'\n', text).map_or(text.len(), |end| end + 1).max(layout.start)]
    };
    let nothing = TextStream::new(Box::new(std::io::empty()), UTF_8);
    let mut records = Records::new(nothing, head.to_vec(), layout.framing, (0, 1), settings);
    while let Some(piece) = records.next_piece()? {
        // The last value of a head may be cut.
        let last = if whole || layout.framing == Framing::Lines || piece.tail.is_some() {
            usize::MAX
        } else {
            piece.records.len().saturating_sub(1)
        };
        let offset = layout.start + usize::try_from(piece.offset).unwrap_or(usize::MAX);
        for (start, end) in piece.records.iter().take(last) {
            survey.see(&piece.text[*start..*end], offset + start);
        }
        if let Some(tail) = piece.tail.filter(|_| whole) {
            survey.first_fault.get_or_insert((offset + tail.at, tail.reason));
        }
    }
    Ok(survey)
}

fn windows(input: &Input, mut survey: Survey) -> Result<Survey, ReadError> {
    let mut window = vec![0; WINDOW_BYTES];
    let step = input.len() / (WINDOWS + 1);
    for at in (1..=WINDOWS).map(|n| n * step) {
        let len = input.read_at(at, &mut window)?;
        let seen = &window[..len];
        let (Some(start), Some(end)) = (memchr(b'\n', seen), memrchr(b'\n', seen)) else {
            continue;
        };
        let lines = seen[start..end].split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        lines.filter(|line| !line.is_empty()).for_each(|line| survey.see(line, 0));
    }
    Ok(survey)
}

/// A file of which nothing can be read is no file with rejects.
fn check(survey: &Survey, layout: &Layout) -> Result<(), ReadError> {
    match &survey.first_fault {
        Some((at, reason)) if survey.is_empty() => {
            let offset = *at as u64;
            let reason = if layout.framing == Framing::Lines {
                format!("no line of it is JSON: {reason}")
            } else {
                reason.clone()
            };
            Err(ReadError::Broken { offset, reason })
        }
        _ => Ok(()),
    }
}

fn decision(
    compression: Option<Compression>,
    detected: &Detected,
    layout: &Layout,
    rows: &Rows,
    whole: bool,
) -> Decision {
    let format = if layout.framing == Framing::Lines { Format::Ndjson } else { Format::Json };
    Decision {
        format,
        compression,
        encoding: Some(detected.encoding.name().to_lowercase()),
        layout: None,
        records_at: layout.path.clone(),
        columns: rows.decisions(),
        proven_by_all: whole,
        notes: layout.notes.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_json::writer::LineDelimitedWriter;
    use std::io::Write;

    fn input(bytes: &[u8]) -> Input {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Input::new(file).unwrap()
    }

    /// Rows as JSON, and rejects as "row:line:offset column: reason".
    fn read_with(bytes: &[u8], settings: &Settings) -> (Vec<String>, Vec<String>) {
        let reading = open(&input(bytes), &Pins::default(), settings).unwrap();
        let (mut rows, mut rejects) = (Vec::new(), Vec::new());
        for block in reading {
            let block = block.unwrap();
            assert_eq!(block.numbers.len(), block.rows.num_rows());
            let mut out = Vec::new();
            let mut writer = LineDelimitedWriter::new(&mut out);
            writer.write(&block.rows).unwrap();
            writer.finish().unwrap();
            rows.extend(String::from_utf8(out).unwrap().lines().map(str::to_owned));
            rejects.extend(block.rejects.into_iter().map(|reject| {
                let column = reject.column.map(|column| format!(" {column}")).unwrap_or_default();
                format!(
                    "{}:{}:{}{column}: {}",
                    reject.row,
                    reject.line.unwrap(),
                    reject.offset.unwrap(),
                    reject.reason
                )
            }));
        }
        (rows, rejects)
    }

    fn read(text: &str) -> (Vec<String>, Vec<String>) {
        read_with(text.as_bytes(), &Settings::default())
    }

    #[track_caller]
    fn check(text: &str, rows: &[&str], rejects: &[&str]) {
        let (read_rows, read_rejects) = read(text);
        assert_eq!(read_rows, rows, "{text}");
        assert_eq!(read_rejects, rejects, "{text}");
    }

    #[test]
    fn json_is_known_by_its_beginning_even_if_it_is_broken_later() {
        for text in
            ["{\"a\":1}", "[1, 2", "[tru]", "{\"a\": tru}", "[{\"a\" 1}]", "[]", "[\"a\" \"b\"]"]
        {
            assert!(looks_like(text.as_bytes()), "{text}");
        }
        for text in ["[248.128.0.120]\n", "[section]\n", "{a: 1}", "{braces},b\n", "a,b\n", "[1 2]"]
        {
            assert!(!looks_like(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn every_layout_gives_the_same_rows() {
        let rows = ["{\"a\":1,\"b\":\"x\"}", "{\"a\":2}"];
        check("{\"a\":1,\"b\":\"x\"}\n{\"a\":2}\n", &rows, &[]);
        check("{\"a\":1,\"b\":\"x\"}\r\n\r\n{\"a\":2}", &rows, &[]);
        check("[{\"a\":1,\"b\":\"x\"}, {\"a\":2}]", &rows, &[]);
        check("{\n\"a\":1,\n\"b\":\"x\"}\n{\"a\":\n2}", &rows, &[]);
        check(
            "\u{feff}{\"n\":2,\"data\":[{\"a\":1,\"b\":\"x\"},{\"b\":null,\"a\":2}]}",
            &rows,
            &[],
        );
        check("[[1,\"x\"],[2]]", &["{\"column_1\":1,\"column_2\":\"x\"}", "{\"column_1\":2}"], &[]);
        check("[1,2.5,null]", &["{\"value\":1.0}", "{\"value\":2.5}", "{}"], &[]);
        check("[]", &[], &[]);
    }

    #[test]
    fn what_is_broken_is_refused_alone() {
        check(
            "{\"a\":1}\n{\"a\":\n{\"a\":3,\"a\":4}\n{\"a\":5} x\n{\"a\":6}\n",
            &["{\"a\":1}", "{\"a\":6}"],
            &[
                "2:2:8: it ends where a value is due",
                "3:3:14: the name 'a' stands twice in one object",
                "4:4:28: the end of the record is due, not 'x'",
            ],
        );
        check(
            "[{\"a\":1},{\"a\":tru},{\"a\":3}]",
            &["{\"a\":1}", "{\"a\":3}"],
            &["2:1:9 a: a value is due, not 't'"],
        );
        check(
            "[{\"a\":1},{\"a\":2},{\"a\"",
            &["{\"a\":1}", "{\"a\":2}"],
            &["3:1:17: the file ends in the middle of a value; what followed is missing"],
        );
        check(
            "[{\"a\":1}",
            &["{\"a\":1}"],
            &["2:1:8: the file ends before the array does; what followed is missing"],
        );
        check(
            "[{\"a\":1}] x",
            &["{\"a\":1}"],
            &["2:1:10: something follows the end of the array; it is not read"],
        );
        check(
            "[{\"a\":1},]",
            &["{\"a\":1}"],
            &["2:1:9: the array is broken here; the rest of the file is not read"],
        );
    }

    #[test]
    fn values_of_several_kinds_are_kept_as_they_are_written() {
        check(
            "{\"a\":1}\n{\"a\":\"x\"}\n{\"a\":[1, 2]}\n",
            &["{\"a\":\"1\"}", "{\"a\":\"x\"}", "{\"a\":\"[1, 2]\"}"],
            &[],
        );
        check("{\"a\":1e400}\n{\"a\":2}\n", &["{\"a\":\"1e400\"}", "{\"a\":\"2\"}"], &[]);
        check(
            "{\"a\":{\"b\":[{\"c\":\"\\u00e9\\n\"}]}}\n{\"a\":{\"b\":[]}}\n",
            &["{\"a\":{\"b\":[{\"c\":\"é\\n\"}]}}", "{\"a\":{\"b\":[]}}"],
            &[],
        );
    }

    #[test]
    fn nothing_is_lost_wherever_blocks_end_and_whoever_builds_them() {
        let lines: String =
            (0..500).map(|n| format!("{{\"n\":{n},\"t\":\"{}\"}}\n", "x".repeat(n % 50))).collect();
        let array = format!("[{}]", lines.trim_end().replace('\n', ", "));
        for text in [&lines, &array] {
            let whole = read(text);
            assert_eq!(whole.0.len(), 500);
            for (block_bytes, threads) in [(1, 0), (7, 2), (100, 1), (4096, 2)] {
                let settings =
                    Settings { block_bytes, threads, proven_bytes_max: 64, ..Settings::default() };
                assert_eq!(read_with(text.as_bytes(), &settings), whole, "{block_bytes}");
            }
        }
    }

    #[test]
    fn a_column_that_nobody_wants_refuses_no_row() {
        let settings = Settings { columns: Some(vec!["b".to_owned()]), ..Settings::default() };
        let (rows, rejects) =
            read_with(b"{\"a\":1,\"b\":1}\n{\"a\":{\"x\":[]},\"b\":2}\n", &settings);
        assert_eq!(
            (rows, rejects),
            (vec!["{\"b\":1}".to_owned(), "{\"b\":2}".to_owned()], Vec::new())
        );
    }

    #[test]
    fn what_is_no_json_at_all_is_told_with_its_place() {
        for (text, expected) in [
            (
                "[",
                "the file is broken at byte 1: the file ends before the array does; what followed is missing",
            ),
            ("[tru]", "the file is broken at byte 4: it ends where a value is due"),
            ("{\"a\" 1}", "the file is broken at byte 5: ':' is due, not '1'"),
            ("  \n", "the file is empty"),
        ] {
            let error = open(&input(text.as_bytes()), &Pins::default(), &Settings::default()).err();
            assert_eq!(error.unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn a_file_that_is_cut_or_damaged_anywhere_is_read_or_refused_and_nothing_else() {
        let texts = [
            "[{\"a\":1,\"b\":[true,null]},{\"a\":-2.5e3,\"b\":[]}]",
            "{\"a\":\"\\u00e9\"}\n{\"a\":\"z\"}\n",
        ];
        for text in texts {
            for at in 0..text.len() {
                let cut = input(&text.as_bytes()[..at]);
                drop(open(&cut, &Pins::default(), &Settings::default()).map(Iterator::count));
                for byte in [0, b'"', b'{', b']', 0xff] {
                    let mut damaged = text.as_bytes().to_vec();
                    damaged[at] = byte;
                    drop(
                        open(&input(&damaged), &Pins::default(), &Settings::default())
                            .map(Iterator::count),
                    );
                }
            }
        }
    }
}
