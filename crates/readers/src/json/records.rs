//! The records of a text, piece by piece: whole values, not looked into yet.

use super::layout::Framing;
use super::text::{Text, extent};
use crate::encoding::TextStream;
use crate::error::ReadError;
use crate::settings::Settings;
use memchr::{memchr, memchr_iter, memrchr};

#[derive(Debug)]
pub(super) struct Piece {
    pub text: Vec<u8>,
    /// From and to, in the text.
    pub records: Vec<(usize, usize)>,
    /// Of the first record, from 1.
    pub number: u64,
    /// Of the text.
    pub offset: u64,
    /// Of the text's beginning.
    pub line: u64,
    /// What follows the last record cannot be read.
    pub tail: Option<Tail>,
}

#[derive(Debug)]
pub(super) struct Tail {
    pub at: usize,
    pub reason: String,
}

pub(super) struct Records {
    stream: TextStream,
    framing: Framing,
    state: State,
    carry: Vec<u8>,
    block_bytes: usize,
    record_bytes_max: usize,
    number: u64,
    offset: u64,
    line: u64,
    ended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the bracket, or the first value.
    Begin,
    /// An item may come, or the end.
    First,
    Item,
    AfterItem,
    /// Nothing more is a record.
    Closed,
    /// Within a line that is too long.
    Skipping,
}

/// What was found in a text, and how much of it is done with.
struct Framed {
    records: Vec<(usize, usize)>,
    used: usize,
    tail: Option<Tail>,
}

impl Records {
    /// `carry`: what was read already; records begin at its beginning, which stands at this offset and line.
    pub fn new(
        stream: TextStream,
        carry: Vec<u8>,
        framing: Framing,
        (offset, line): (u64, u64),
        settings: &Settings,
    ) -> Self {
        Self {
            stream,
            framing,
            state: State::Begin,
            carry,
            block_bytes: settings.block_bytes.max(1),
            record_bytes_max: settings.record_bytes_max,
            number: 1,
            offset,
            line,
            ended: false,
        }
    }

    pub fn next_piece(&mut self) -> Result<Option<Piece>, ReadError> {
        let mut text = std::mem::take(&mut self.carry);
        loop {
            while !self.ended && text.len() < self.block_bytes {
                self.ended = !self.stream.read(&mut text, self.block_bytes)?;
            }
            let mut framed = self.frame(&text);
            if framed.records.is_empty() && framed.tail.is_none() && !self.ended {
                if text.len() - framed.used > self.record_bytes_max {
                    framed = self.too_long(&text);
                } else {
                    self.drop_used(&mut text, framed.used);
                    self.ended = !self.stream.read(&mut text, self.block_bytes)?;
                    continue;
                }
            }
            if framed.records.is_empty() && framed.tail.is_none() {
                return Ok(None);
            }
            return Ok(Some(self.piece(text, framed)));
        }
    }

    fn piece(&mut self, mut text: Vec<u8>, framed: Framed) -> Piece {
        self.carry = text.split_off(framed.used);
        let piece = Piece {
            number: self.number,
            offset: self.offset,
            line: self.line,
            records: framed.records,
            text,
            tail: framed.tail,
        };
        self.number += piece.records.len() as u64 + u64::from(piece.tail.is_some());
        self.offset += piece.text.len() as u64;
        self.line += memchr_iter(b'\n', &piece.text).count() as u64;
        piece
    }

    fn drop_used(&mut self, text: &mut Vec<u8>, used: usize) {
        self.offset += used as u64;
        self.line += memchr_iter(b'\n', &text[..used]).count() as u64;
        text.drain(..used);
    }

    /// A line is left out alone; without lines nobody knows where the next value begins.
    fn too_long(&mut self, text: &[u8]) -> Framed {
        let reason = format!("a record is longer than {} bytes", self.record_bytes_max);
        let is_line = self.framing == Framing::Lines;
        self.state = if is_line { State::Skipping } else { State::Closed };
        let reason =
            if is_line { reason } else { format!("{reason}; the rest of the file is not read") };
        self.ended |= !is_line;
        Framed { records: Vec::new(), used: text.len(), tail: Some(Tail { at: 0, reason }) }
    }

    fn frame(&mut self, text: &[u8]) -> Framed {
        match self.framing {
            Framing::Lines => self.lines(text),
            Framing::Values => self.values(text),
            Framing::Array { is_top } => self.items(text, is_top),
        }
    }

    fn lines(&mut self, text: &[u8]) -> Framed {
        let mut start = 0;
        if self.state == State::Skipping {
            match memchr(b'\n', text) {
                Some(end) => start = end + 1,
                None => return Framed { records: Vec::new(), used: text.len(), tail: None },
            }
            self.state = State::Begin;
        }
        let used = if self.ended {
            text.len()
        } else {
            memrchr(b'\n', text).map_or(start, |end| end + 1).max(start)
        };
        let mut records = Vec::new();
        let mut at = start;
        for end in memchr_iter(b'\n', &text[start..used])
            .map(|end| start + end)
            .chain((used > at).then_some(used))
        {
            push_trimmed(text, at, end.min(used), &mut records);
            at = end + 1;
            if at >= used {
                break;
            }
        }
        Framed { records, used, tail: None }
    }

    fn values(&mut self, text: &[u8]) -> Framed {
        let mut records = Vec::new();
        let mut at = Text::new(text);
        loop {
            super::layout::skip_blanks(&mut at);
            if at.peek().is_none() {
                return Framed { records, used: at.at, tail: None };
            }
            match extent(text, at.at) {
                // A comma between values is none itself.
                Some(end) => records.push((at.at, end.max(at.at + 1))),
                None if self.ended => {
                    records.push((at.at, text.len()));
                    return Framed { records, used: text.len(), tail: None };
                }
                None => return Framed { records, used: at.at, tail: None },
            }
            at.at = records[records.len() - 1].1;
        }
    }

    fn items(&mut self, text: &[u8], is_top: bool) -> Framed {
        let mut records = Vec::new();
        let mut at = Text::new(text);
        loop {
            at.blanks();
            let Some(byte) = at.peek() else {
                let tail = (self.ended && self.state != State::Closed).then(|| {
                    self.state = State::Closed;
                    Tail {
                        at: at.at,
                        reason: "the file ends before the array does; what followed is missing"
                            .to_owned(),
                    }
                });
                return Framed { records, used: at.at, tail };
            };
            match (self.state, byte) {
                (State::Begin, _) => {
                    at.at += 1;
                    self.state = State::First;
                }
                (State::Closed, _) if is_top => {
                    let reason =
                        "something follows the end of the array; it is not read".to_owned();
                    return self.stop(records, at.at, text.len(), reason);
                }
                (State::Closed, _) => return Framed { records, used: text.len(), tail: None },
                (State::First | State::AfterItem, b']') => {
                    at.at += 1;
                    self.state = State::Closed;
                }
                (State::AfterItem, b',') => {
                    at.at += 1;
                    self.state = State::Item;
                }
                (State::AfterItem, _)
                | (State::Item, b']' | b',' | b'}')
                | (State::First, b',' | b'}') => {
                    let reason =
                        "the array is broken here; the rest of the file is not read".to_owned();
                    return self.stop(records, at.at, text.len(), reason);
                }
                (State::First | State::Item | State::Skipping, _) => match extent(text, at.at) {
                    Some(end) => {
                        records.push((at.at, end));
                        at.at = end;
                        self.state = State::AfterItem;
                    }
                    None if self.ended => {
                        let reason =
                            "the file ends in the middle of a value; what followed is missing"
                                .to_owned();
                        return self.stop(records, at.at, text.len(), reason);
                    }
                    None => return Framed { records, used: at.at, tail: None },
                },
            }
        }
    }

    fn stop(
        &mut self,
        records: Vec<(usize, usize)>,
        at: usize,
        used: usize,
        reason: String,
    ) -> Framed {
        self.ended = true;
        self.state = State::Closed;
        self.framing = Framing::Array { is_top: false };
        Framed { records, used, tail: Some(Tail { at, reason }) }
    }
}

fn push_trimmed(text: &[u8], start: usize, end: usize, records: &mut Vec<(usize, usize)>) {
    let line = &text[start..end];
    let is_blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x1e;
    let Some(from) = line.iter().position(|byte| !is_blank(byte)) else { return };
    let to = line.iter().rposition(|byte| !is_blank(byte)).unwrap_or(from);
    records.push((start + from, start + to + 1));
}
