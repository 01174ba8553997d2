//! What is known of a file before its rows are read: dialect, place and shape of the table, and what its columns can be.

use super::layout::{Head, Layout, Shape, names};
use super::pieces::{Rules, Start};
use super::sniff::{sniff, usual_width};
use super::split::{Extent, Record, Records, split};
use crate::decision::{Decision, TextLayout};
use crate::encoding::{Detected, file_len};
use crate::error::ReadError;
use crate::format::{Compression, Format};
use crate::pins::{PinError, Pins};
use crate::table::{Proof, decide};

pub(super) struct Survey {
    pub rules: Rules,
    /// The first row, in the file.
    pub start: Start,
    /// And in the text of the head.
    pub start_in_head: usize,
    pub proofs: Vec<Proof>,
    names: Vec<String>,
    /// Lines before the table.
    skip: u64,
    has_header: bool,
    whole: bool,
    notes: Vec<String>,
}

impl Survey {
    /// `text` is the head of the file, or all of it.
    pub(super) fn new(
        text: &[u8],
        whole: bool,
        detected: &Detected,
        pins: &Pins,
    ) -> Result<Self, ReadError> {
        let skipped = lines_len(text, pins.skip.unwrap_or(0));
        let mut body = text[skipped..].to_vec();
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(ReadError::Empty);
        }
        let mut dialect = sniff(&body, whole, pins);
        dialect.comment = dialect.comment.filter(|_| pins.comment != Some(None));
        let mut records = Records::default();
        let extent = Extent { last: whole, ..Extent::default() };
        split(&body, &dialect, extent, &mut records);
        if let Some(width) = doubtful_width(&body, &records.records) {
            records.clear();
            split(&body, &dialect, Extent { width: Some(width), ..extent }, &mut records);
        }
        records.settle(&mut body);
        let head = Head { text: &body, records: &records };
        let mut layout = head.layout(pins);
        if layout.width == 0 {
            let reason = "no record of it can be read: its quotes are not closed, or its first record is longer than a megabyte; say quote=none or format=lines";
            return Err(ReadError::NotReadable(reason.to_owned()));
        }
        let footer = pins
            .footer
            .map_or_else(|| if whole { head.footer(&layout) } else { 0 }, |lines| lines as usize);
        let pad = pins.ragged_pad.unwrap_or(layout.shape == Shape::Wide);
        let mut proofs = vec![Proof::new(pins); layout.width];
        let last = records.records.len().saturating_sub(footer).max(layout.first);
        see(
            &head,
            &records.records[(layout.first + 1).min(last)..last],
            &mut proofs,
            pad,
            Some(pins.skip.unwrap_or(0)),
        );
        let has_header = match pins.header {
            Some(line) => line > 0,
            None => head.is_header(&layout, &proofs),
        };
        if !has_header {
            let first = layout.first..(layout.first + 1).min(records.records.len());
            see(&head, &records.records[first], &mut proofs, pad, Some(pins.skip.unwrap_or(0)));
        }
        let names = column_names(&head, &layout, has_header, pins)?;
        if footer > 0 && pins.footer.is_none() {
            layout.notes.push(footer_note(footer));
        }
        let first = records.records.get(layout.first + usize::from(has_header));
        let start_in_head = skipped + first.map_or(text.len() - skipped, |record| record.start);
        let lines = |record: Option<&Record>| {
            pins.skip.unwrap_or(0) + record.map_or(records.lines, |record| record.line)
        };
        let start = Start {
            offset: detected.mark as u64 + file_len(&text[..start_in_head], detected.encoding),
            lines: lines(first),
        };
        let rules = Rules {
            dialect,
            width: layout.width,
            usual: layout.usual,
            pad,
            footer,
            encoding: detected.encoding,
        };
        let skip = lines(records.records.get(layout.first));
        let notes = layout.notes;
        Ok(Self { rules, start, start_in_head, proofs, names, skip, has_header, whole, notes })
    }

    /// A part of the file that lies apart from the head; its first line may be cut. `last`: the file ends with it.
    pub(super) fn see_sample(&mut self, text: &[u8], last: bool, pinned_footer: bool) {
        let Some(begin) = memchr::memchr2(b'\n', b'\r', text) else {
            return;
        };
        let mut text = text[begin + 1..].to_vec();
        let mut records = Records::default();
        let extent = Extent { last, width: Some(self.rules.usual), records_max: 0 };
        split(&text, &self.rules.dialect, extent, &mut records);
        records.settle(&mut text);
        let Rules { width, usual, pad, .. } = self.rules;
        let head = Head { text: &text, records: &records };
        let fitting =
            records.records.iter().filter(|record| head.is_row(record, width, pad)).count();
        if fitting * 2 < records.records.len() {
            return;
        }
        if last && !pinned_footer {
            let layout = Layout { first: 0, width, usual, shape: Shape::Even, notes: Vec::new() };
            self.rules.footer = head.footer(&layout);
            if self.rules.footer > 0 {
                self.notes.push(footer_note(self.rules.footer));
            }
        }
        // What begins in the middle of a quoted cell may look like a record.
        let end = records.records.len().saturating_sub(if last { self.rules.footer } else { 1 });
        let rows = records.records.get(1..end).unwrap_or_default();
        see(&head, rows, &mut self.proofs, pad, None);
    }

    pub(super) fn decision(
        &self,
        compression: Option<Compression>,
        detected: &Detected,
        pins: &Pins,
    ) -> Result<Decision, ReadError> {
        let dialect = &self.rules.dialect;
        let layout = TextLayout {
            delimiter: Some(String::from_utf8_lossy(&dialect.delimiter).into_owned()),
            quote: dialect.quote.map(char::from),
            escape: dialect.escape.map(char::from),
            comment: dialect.comment.map(char::from),
            header: u64::from(self.has_header),
            skip: self.skip,
            footer: self.rules.footer as u64,
        };
        Ok(Decision {
            format: Format::Csv,
            compression,
            encoding: Some(detected.encoding.name().to_lowercase()),
            layout: Some(layout),
            records_at: None,
            columns: decide(&self.names, &self.proofs, pins)?,
            proven_by_all: self.whole,
            notes: detected.note.iter().chain(&self.notes).cloned().collect(),
        })
    }
}

fn footer_note(footer: usize) -> String {
    match footer {
        1 => "the last line is none of the table and skipped".to_owned(),
        _ => format!("the last {footer} lines are none of the table and skipped"),
    }
}

/// Bytes of so many lines.
fn lines_len(text: &[u8], lines: u64) -> usize {
    let mut at = 0;
    for _ in 0..lines {
        match memchr::memchr2(b'\n', b'\r', &text[at..]).map(|len| at + len) {
            Some(end) if text[end..].starts_with(b"\r\n") => at = end + 2,
            Some(end) => at = end + 1,
            None => return text.len(),
        }
    }
    at
}

/// The width of most records, if some of several lines has another: a quote too many may be the reason.
fn doubtful_width(text: &[u8], records: &[Record]) -> Option<usize> {
    let width = usual_width(records.iter());
    let over_lines =
        |record: &Record| memchr::memchr2(b'\n', b'\r', &text[record.start..record.end]).is_some();
    let mut odd = records.iter().filter(|record| record.cells != width && !record.flawed);
    odd.any(over_lines).then_some(width)
}

/// Records of the table's width prove what its columns hold. `lines` before the text; None: that is not known.
fn see(head: &Head<'_>, records: &[Record], proofs: &mut [Proof], pad: bool, lines: Option<u64>) {
    let width = proofs.len();
    for record in records.iter().filter(|record| head.is_row(record, width, pad)) {
        let line = lines.map_or(0, |lines| lines + record.line + 1);
        for (proof, cell) in proofs.iter_mut().zip(head.records.cells_of(record)) {
            proof.see(head.cell(*cell), line);
        }
    }
}

fn column_names(
    head: &Head<'_>,
    layout: &Layout,
    has_header: bool,
    pins: &Pins,
) -> Result<Vec<String>, PinError> {
    let width = layout.width;
    if let Some(columns) = &pins.columns {
        if columns.len() != width {
            return Err(PinError::Value {
                key: "columns".to_owned(),
                value: columns.join(","),
                wanted: format!("there are {width} columns; name each of them"),
            });
        }
        return Ok(names(columns.iter().cloned()));
    }
    if !has_header {
        return Ok(names(std::iter::repeat_n(String::new(), width)));
    }
    let unnamed = usize::from(layout.shape == Shape::RowNames);
    let header = head.cells(layout.first).map(|name| String::from_utf8_lossy(name).into_owned());
    let all = std::iter::repeat_n(String::new(), unnamed).chain(header);
    Ok(names(all.chain(std::iter::repeat(String::new())).take(width)))
}
