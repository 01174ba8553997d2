//! The records of a file, piece by piece, as cells of the table's width. What is no record of it is refused here.

use super::dialect::Dialect;
use super::split::{Extent, Record, Records, split};
use crate::encoding::{TextStream, file_len};
use crate::error::ReadError;
use crate::reading::Reject;
use crate::settings::Settings;
use crate::table::{Cell, Cells, Row, shown};
use encoding_rs::{Encoding, UTF_8};
use memchr::memmem;

/// How records become rows.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub dialect: Dialect,
    pub width: usize,
    /// Cells that most records have; rows that end with a delimiter have one more than the table.
    pub usual: usize,
    /// Short rows are filled up: READER says so, or the header is wider than all of them.
    pub pad: bool,
    /// Records at the end that are none of the table.
    pub footer: usize,
    pub encoding: &'static Encoding,
}

/// The place where rows begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    /// In the unpacked file.
    pub offset: u64,
    /// Lines before it.
    pub lines: u64,
}

#[derive(Debug)]
pub(super) struct Piece {
    pub cells: Cells,
    pub rejects: Vec<Reject>,
}

pub(super) struct Pieces {
    stream: TextStream,
    rules: Rules,
    block_bytes: usize,
    record_bytes_max: usize,
    /// Text that is read, but not split.
    carry: Vec<u8>,
    records: Records,
    ended: bool,
    /// What kept the rest from being read; told behind the records before it.
    failed: Option<ReadError>,
    /// Within a line that is too long.
    skipping: bool,
    rows: u64,
    place: Start,
}

impl Pieces {
    /// `carry`: what was read of the stream already, from the start of rows on.
    pub(super) fn new(
        stream: TextStream,
        carry: Vec<u8>,
        start: Start,
        rules: Rules,
        settings: &Settings,
    ) -> Self {
        Self {
            stream,
            rules,
            block_bytes: settings.block_bytes.max(1),
            record_bytes_max: settings.record_bytes_max,
            carry,
            records: Records::default(),
            ended: false,
            failed: None,
            skipping: false,
            rows: 0,
            place: start,
        }
    }

    pub(super) fn next_piece(&mut self) -> Result<Option<Piece>, ReadError> {
        loop {
            let mut text = std::mem::take(&mut self.carry);
            if !self.ended && self.failed.is_none() {
                let wanted = self.block_bytes.max(text.len());
                match self.stream.read(&mut text, wanted) {
                    Ok(more) => self.ended = !more,
                    Err(error) => self.failed = Some(error.into()),
                }
            }
            if self.skipping && !self.skip_line(&mut text) {
                self.failed.take().map_or(Ok(()), Err)?;
                continue;
            }
            if text.is_empty() && self.ended {
                return Ok(None);
            }
            self.records.clear();
            let extent = Extent { last: self.ended, width: Some(self.rules.usual), records_max: 0 };
            split(&text, &self.rules.dialect, extent, &mut self.records);
            self.hold_footer();
            if self.records.consumed == 0 && !self.ended {
                self.failed.take().map_or(Ok(()), Err)?;
                if text.len() > self.record_bytes_max {
                    return Ok(Some(self.refuse_line(text)));
                }
                self.carry = text;
                continue;
            }
            let text_len = self.records.consumed;
            self.carry = self.records.settle(&mut text);
            return Ok(Some(self.piece(text, text_len)));
        }
    }

    /// Records that may be the footer wait until it is known whether others follow.
    fn hold_footer(&mut self) {
        let records = self.records.records.len();
        let kept = records.saturating_sub(self.rules.footer);
        if self.rules.footer > 0 && self.ended {
            self.records.forget(kept);
        } else if self.rules.footer > 0 {
            self.records.give_back(kept);
        }
    }

    /// The line goes on beyond what a record may have.
    fn refuse_line(&mut self, text: Vec<u8>) -> Piece {
        self.rows += 1;
        let reason = format!("the record has more than {} bytes", self.record_bytes_max);
        let reject = Reject {
            row: self.rows,
            line: Some(self.place.lines + 1),
            offset: Some(self.place.offset),
            column: None,
            reason,
            record: Some(shown(&text)),
        };
        self.carry = text;
        self.skipping = true;
        Piece { cells: Cells::new(self.rules.width), rejects: vec![reject] }
    }

    /// Whether the line's end was found.
    fn skip_line(&mut self, text: &mut Vec<u8>) -> bool {
        let end = memchr::memchr(b'\n', text).map(|at| at + 1);
        let rest = text.split_off(end.unwrap_or(text.len()));
        self.place.offset += file_len(text, self.rules.encoding);
        self.place.lines += u64::from(end.is_some());
        self.skipping = end.is_none() && !self.ended;
        *text = rest;
        end.is_some() || self.ended
    }

    fn piece(&mut self, text: Vec<u8>, text_len: usize) -> Piece {
        let width = self.rules.width;
        let valid = if self.rules.encoding == UTF_8 {
            str::from_utf8(&text).is_ok()
        } else {
            !self.stream.malformed
        };
        let regular = |record: &Record| record.cells == width && !record.flawed;
        let even = valid && self.records.records.iter().all(regular);
        let mut piece = Piece {
            cells: Cells { text, cells: Vec::new(), width, rows: Vec::new() },
            rejects: Vec::new(),
        };
        piece.cells.rows.reserve(self.records.records.len());
        let records = std::mem::take(&mut self.records);
        let mut place = (0, self.place.offset);
        for record in &records.records {
            self.rows += 1;
            let between = &piece.cells.text[place.0..record.start];
            place = (record.start, place.1 + file_len(between, self.rules.encoding));
            let row = Row {
                number: self.rows,
                offset: place.1,
                line: self.place.lines + record.line + 1,
                start: record.start as u32,
                end: record.end as u32,
            };
            if even {
                piece.cells.rows.push(row);
            } else {
                self.fit(&mut piece, records.cells_of(record), record, row, valid);
            }
        }
        let rest = &piece.cells.text[place.0..text_len];
        self.place.offset = place.1 + file_len(rest, self.rules.encoding);
        self.place.lines += records.lines;
        if even {
            piece.cells.cells = records.cells;
            self.records.records = records.records;
        } else {
            self.records = records;
        }
        piece
    }

    /// A row of the table's width, or a reject.
    fn fit(&self, piece: &mut Piece, cells: &[Cell], record: &Record, row: Row, valid: bool) {
        let width = self.rules.width;
        let text = &piece.cells.text;
        let bytes = &text[record.start..record.end];
        let further = cells.get(width..).unwrap_or_default();
        let reason = if record.flawed {
            Some("a quote is not closed".to_owned())
        } else if !valid && let Some(reason) = self.undecodable(bytes) {
            Some(reason)
        } else if cells.len() < width && !self.rules.pad
            || !further.iter().all(|cell| cell.is_absent())
        {
            let are = if cells.len() == 1 { "cell" } else { "cells" };
            Some(format!("{} {are} where {width} are due", cells.len()))
        } else {
            None
        };
        piece.cells.rows.push(row);
        if let Some(reason) = reason {
            piece.rejects.push(piece.cells.reject(piece.cells.rows.len() - 1, None, reason));
            piece.cells.rows.pop();
            return;
        }
        let kept = cells.iter().copied().chain(std::iter::repeat(Cell::EMPTY)).take(width);
        piece.cells.cells.extend(kept);
    }

    fn undecodable(&self, bytes: &[u8]) -> Option<String> {
        let name = self.rules.encoding.name();
        if self.rules.encoding != UTF_8 {
            let found = memmem::find(bytes, "\u{fffd}".as_bytes());
            return found.map(|_| format!("bytes that are no {name}"));
        }
        let error = str::from_utf8(bytes).err()?;
        let byte = bytes[error.valid_up_to()];
        Some(format!("byte {byte:#04x} is no {name}"))
    }
}
