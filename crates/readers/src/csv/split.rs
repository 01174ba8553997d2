//! Text to records of cells. One pass over the signs of the dialect; what stands between them is not looked at.
//!
//! A quote counts only at the beginning of a cell. A quoted cell ends with a quote that stands before a delimiter or a line's end; if no such
//! quote follows in its line, or if the quote that should end it some lines later stands before something else, the opening quote was
//! a stray one: in the first case the cell is text as it stands, in the second its line is flawed and reading goes on with the next.

use super::dialect::Dialect;
use super::scan::{LANE, Scan};
use crate::table::Cell;
use memchr::{memchr2, memchr3};

/// Records of a piece of text, of whatever width.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub cells: Vec<Cell>,
    pub records: Vec<Record>,
    /// Up to here the text is split.
    pub consumed: usize,
    /// Lines of what is consumed.
    pub lines: u64,
    /// Cells without their escapes; they go behind what is consumed.
    unescaped: Vec<u8>,
    /// Cells that lie there.
    moved: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    /// In the text, without the line's end.
    pub start: usize,
    pub end: usize,
    /// Among all cells.
    pub first: usize,
    pub cells: usize,
    /// Lines before it.
    pub line: u64,
    /// Its quotes are not closed; it has no cells.
    pub flawed: bool,
}

impl Records {
    pub(super) fn clear(&mut self) {
        self.cells.clear();
        self.records.clear();
        (self.consumed, self.lines) = (0, 0);
        self.unescaped.clear();
        self.moved.clear();
    }

    pub(super) fn cells_of(&self, record: &Record) -> &[Cell] {
        &self.cells[record.first..record.first + record.cells]
    }

    /// Leaves in `text` what was consumed with the unescaped cells behind it, and gives what was not.
    pub(super) fn settle(&mut self, text: &mut Vec<u8>) -> Vec<u8> {
        let rest = text.split_off(self.consumed);
        for at in self.moved.drain(..) {
            let cell = self.cells[at];
            self.cells[at] = Cell::new(cell.start() + self.consumed, cell.len(), cell.is_quoted());
        }
        text.append(&mut self.unescaped);
        rest
    }

    /// Records from `kept` on are none of the table.
    pub(super) fn forget(&mut self, kept: usize) {
        if let Some(record) = self.records.get(kept).copied() {
            self.records.truncate(kept);
            self.cut_cells(record.first);
        }
    }

    fn cut_cells(&mut self, kept: usize) {
        self.cells.truncate(kept);
        while self.moved.pop_if(|at| *at >= kept).is_some() {}
    }

    /// Records from `kept` on are as if they had not been read.
    pub(super) fn give_back(&mut self, kept: usize) {
        if let Some(record) = self.records.get(kept).copied() {
            self.forget(kept);
            (self.consumed, self.lines) = (record.start, record.line);
        }
    }
}

/// What is asked of a split.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extent {
    /// No text follows.
    pub last: bool,
    /// Cells that records have, if that is known: what goes over several lines and has others may have a quote too many.
    pub width: Option<usize>,
    /// Stop after so many; 0: no such bound.
    pub records_max: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Plain,
    Quoted,
    /// The quoted cell is closed; a delimiter or a line's end follows, perhaps after blanks.
    Closed,
}

enum Step {
    On,
    Back(usize),
    Stop,
}

struct Splitter<'a> {
    dialect: &'a Dialect,
    text: &'a [u8],
    extent: Extent,
    out: &'a mut Records,
    delimiter: u8,
    /// 256 and more are no byte.
    quote: u16,
    escape: u16,
    mode: Mode,
    /// Signs before it are spent.
    floor: usize,
    record: usize,
    first: usize,
    /// Lines before the record, and those it has begun.
    line: u64,
    inner_lines: u64,
    cell: usize,
    open: usize,
    close: usize,
    escaped: bool,
}

const NO_BYTE: u16 = 256;

/// Appends to `out`, which is clear. Without `last`, what stands behind the last line's end is not consumed.
pub(super) fn split(text: &[u8], dialect: &Dialect, extent: Extent, out: &mut Records) {
    let byte = |sign: Option<u8>| sign.map_or(NO_BYTE, u16::from);
    let delimiter = dialect.delimiter.first().copied().unwrap_or(b'\n');
    let mut signs = vec![b'\r', delimiter];
    signs.extend(dialect.quote);
    signs.extend(dialect.escape);
    let mut splitter = Splitter {
        dialect,
        text,
        extent,
        out,
        delimiter,
        quote: byte(dialect.quote),
        escape: byte(dialect.escape.filter(|escape| Some(*escape) != dialect.quote)),
        mode: Mode::Plain,
        floor: 0,
        record: 0,
        first: 0,
        line: 0,
        inner_lines: 0,
        cell: 0,
        open: 0,
        close: 0,
        escaped: false,
    };
    splitter.begin(0);
    splitter.run(&Scan::new(&signs));
    let Splitter { record, line, first, .. } = splitter;
    (out.consumed, out.lines) = (record, line);
    out.cut_cells(first);
}

impl Splitter<'_> {
    fn run(&mut self, scan: &Scan) {
        let mut base = self.floor;
        loop {
            let step = self.lanes(scan, base);
            match step {
                Step::Back(to) => base = to,
                Step::Stop => return,
                Step::On => match self.finish() {
                    Step::Back(to) => base = to,
                    _ => return,
                },
            }
        }
    }

    #[inline]
    fn lanes(&mut self, scan: &Scan, from: usize) -> Step {
        let mut base = from;
        while base < self.text.len() {
            let mut mask = scan.mask(self.text, base);
            while mask != 0 {
                let at = base + mask.trailing_zeros() as usize;
                mask &= mask - 1;
                if at < self.floor {
                    continue;
                }
                match self.sign(at) {
                    Step::On => {}
                    other => return other,
                }
            }
            base += LANE;
        }
        Step::On
    }

    #[inline(always)]
    fn sign(&mut self, at: usize) -> Step {
        let byte = self.text[at];
        if self.mode == Mode::Quoted {
            return self.quoted_sign(at, byte);
        }
        match byte {
            b'\n' => return self.end_record(at, at + 1),
            b'\r' => return self.carriage_return(at),
            _ if byte == self.delimiter => {
                if self.dialect.delimiter.len() > 1 && !self.is_delimiter(at) {
                    return Step::On;
                }
                self.delimited(at);
            }
            _ if u16::from(byte) == self.quote => self.opening(at),
            _ => {
                self.floor = at + 2;
                self.escaped = true;
            }
        }
        Step::On
    }

    fn is_delimiter(&self, at: usize) -> bool {
        self.text[at..].starts_with(&self.dialect.delimiter)
    }

    #[inline(always)]
    fn delimited(&mut self, at: usize) {
        if at == self.cell && self.mode == Mode::Plain && self.dialect.is_run() {
            self.cell = at + 1;
            return;
        }
        self.end_cell(at);
        self.cell = at + self.dialect.delimiter.len();
        self.floor = self.cell;
    }

    fn opening(&mut self, at: usize) {
        let blank = || self.text[self.cell..at].iter().all(|byte| *byte == b' ');
        if self.mode == Mode::Plain
            && (at == self.cell || self.dialect.blanks_before_quotes && blank())
        {
            self.mode = Mode::Quoted;
            self.open = at;
            self.escaped = false;
        }
    }

    fn carriage_return(&mut self, at: usize) -> Step {
        match self.text.get(at + 1) {
            Some(b'\n') => self.end_record(at, at + 2),
            Some(_) => self.end_record(at, at + 1),
            None if self.extent.last => self.end_record(at, at + 1),
            None => Step::Stop,
        }
    }

    fn quoted_sign(&mut self, at: usize, byte: u8) -> Step {
        if u16::from(byte) == self.escape {
            self.floor = at + 2;
            self.escaped = true;
        } else if u16::from(byte) == self.quote {
            return self.inner_quote(at, byte);
        } else if byte == b'\n' || byte == b'\r' && self.text.get(at + 1) != Some(&b'\n') {
            self.inner_lines += 1;
        }
        Step::On
    }

    fn inner_quote(&mut self, at: usize, quote: u8) -> Step {
        match self.text.get(at + 1) {
            None if !self.extent.last => return Step::Stop,
            Some(next) if *next == quote => {
                self.floor = at + 2;
                self.escaped = true;
            }
            _ if self.closes(at) => {
                self.mode = Mode::Closed;
                self.close = at;
                // Blanks behind a quote are no delimiters before the line's end only.
                self.floor = at + 1;
            }
            _ if self.inner_lines > 0 => return self.unclosed(),
            _ if self.closes_later(at, quote) => {}
            _ => self.mode = Mode::Plain,
        }
        Step::On
    }

    /// A quote before a delimiter or the line's end; blanks between do not count.
    fn closes(&self, at: usize) -> bool {
        let rest = &self.text[at + 1..];
        if rest.first().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            return true;
        }
        if !self.dialect.delimiter.is_empty() && rest.starts_with(&self.dialect.delimiter) {
            return true;
        }
        let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
        let rest = &rest[blanks..];
        let delimited =
            !self.dialect.delimiter.is_empty() && rest.starts_with(&self.dialect.delimiter);
        delimited || matches!(rest.first(), None | Some(b'\n' | b'\r'))
    }

    fn closes_later(&self, at: usize, quote: u8) -> bool {
        let mut from = at + 1;
        while let Some(found) = memchr3(quote, b'\n', b'\r', &self.text[from..]) {
            let at = from + found;
            if self.text[at] != quote {
                return false;
            }
            if self.text.get(at + 1) == Some(&quote) {
                from = at + 2;
                continue;
            }
            if self.closes(at) {
                return true;
            }
            from = at + 1;
        }
        false
    }

    #[inline(always)]
    fn end_cell(&mut self, at: usize) {
        let (start, end, quoted) = match self.mode {
            Mode::Closed => (self.open + 1, self.close, true),
            _ => (self.unquoted_start(at), at, false),
        };
        self.mode = Mode::Plain;
        if self.escaped {
            self.unescape(start, end, quoted);
        } else {
            self.out.cells.push(Cell::new(start, end - start, quoted));
        }
    }

    #[inline(always)]
    fn unquoted_start(&self, end: usize) -> usize {
        if !self.dialect.blanks_before_quotes {
            return self.cell;
        }
        let blanks = self.text[self.cell..end].iter().take_while(|byte| **byte == b' ').count();
        self.cell + blanks
    }

    #[cold]
    fn unescape(&mut self, start: usize, end: usize, quoted: bool) {
        self.escaped = false;
        let from = self.out.unescaped.len();
        let mut bytes = self.text[start..end].iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            let escapes = u16::from(byte) == self.escape;
            let doubled = quoted && u16::from(byte) == self.quote && bytes.peek() == Some(&byte);
            if escapes || doubled {
                self.out.unescaped.push(bytes.next().unwrap_or(byte));
            } else {
                self.out.unescaped.push(byte);
            }
        }
        self.out.moved.push(self.out.cells.len());
        self.out.cells.push(Cell::new(from, self.out.unescaped.len() - from, quoted));
    }

    /// `next`: where the next one begins.
    #[inline(always)]
    fn end_record(&mut self, at: usize, next: usize) -> Step {
        let cells = self.out.cells.len() - self.first;
        // Behind blanks that delimit there is no further cell.
        let nothing = at == self.cell && self.mode == Mode::Plain && self.dialect.is_run();
        if !(nothing && cells > 0) {
            self.end_cell(at);
        }
        let cells = self.out.cells.len() - self.first;
        if self.inner_lines > 0 && self.is_suspicious(cells) {
            return self.unclosed();
        }
        // Blank lines are no records, in a file of one column either.
        if cells == 1 && at == self.record {
            self.out.cut_cells(self.first);
        } else {
            let Self { record, first, line, .. } = *self;
            let found = Record { start: record, end: at, first, cells, line, flawed: false };
            self.out.records.push(found);
        }
        self.line += 1 + self.inner_lines;
        self.begin(next);
        let enough = self.extent.records_max;
        if enough > 0 && self.out.records.len() >= enough { Step::Stop } else { Step::On }
    }

    /// A new record, behind lines that are comments.
    #[inline(always)]
    fn begin(&mut self, at: usize) {
        let mut start = at;
        if let Some(comment) = self.dialect.comment {
            while self.text.get(start) == Some(&comment) {
                let Some(next) = self.next_line(start) else {
                    break;
                };
                self.line += 1;
                start = next;
            }
        }
        self.record = start;
        self.cell = start;
        self.floor = start;
        self.first = self.out.cells.len();
        self.inner_lines = 0;
        self.escaped = false;
        self.mode = Mode::Plain;
    }

    /// None: the line is not over yet.
    fn next_line(&self, from: usize) -> Option<usize> {
        match memchr2(b'\n', b'\r', &self.text[from..]).map(|len| from + len) {
            Some(at) if self.text[at] == b'\r' => match self.text.get(at + 1) {
                Some(b'\n') => Some(at + 2),
                None if !self.extent.last => None,
                _ => Some(at + 1),
            },
            Some(at) => Some(at + 1),
            None => self.extent.last.then_some(self.text.len()),
        }
    }

    /// Over several lines, of another width than the others, while its second line begins a record as it should be.
    fn is_suspicious(&self, cells: usize) -> bool {
        let Some(width) =
            self.extent.width.filter(|width| *width != cells && self.extent.records_max != 1)
        else {
            return false;
        };
        let Some(next) = self.next_line(self.record) else {
            return false;
        };
        let mut ahead = Records::default();
        let extent = Extent { last: self.extent.last, width: None, records_max: 1 };
        split(&self.text[next..], self.dialect, extent, &mut ahead);
        ahead.records.first().is_some_and(|record| record.cells == width)
    }

    /// The record's first line is flawed; what follows is read anew.
    #[cold]
    fn unclosed(&mut self) -> Step {
        let Some(next) = self.next_line(self.record) else {
            return Step::Stop;
        };
        let ends = self.text[self.record..next].iter().rev();
        let end = next - ends.take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        self.out.cut_cells(self.first);
        let Self { record, first, line, .. } = *self;
        self.out.records.push(Record { start: record, end, first, cells: 0, line, flawed: true });
        self.line += 1;
        self.begin(next);
        let enough = self.extent.records_max;
        if enough > 0 && self.out.records.len() >= enough {
            Step::Stop
        } else {
            Step::Back(self.floor)
        }
    }

    /// The text is at its end.
    fn finish(&mut self) -> Step {
        if !self.extent.last || self.record >= self.text.len() {
            return Step::Stop;
        }
        if self.mode == Mode::Quoted {
            return self.unclosed();
        }
        match self.end_record(self.text.len(), self.text.len()) {
            Step::Back(to) => Step::Back(to),
            _ => Step::Stop,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cells joined by `|`, records by a line's end; a flawed one is `!` and the text of its line.
    fn shown(text: &str, dialect: &Dialect, extent: Extent) -> String {
        let mut records = Records::default();
        let mut text = text.as_bytes().to_vec();
        split(&text, dialect, extent, &mut records);
        records.settle(&mut text);
        let lines = records.records.iter().map(|record| {
            if record.flawed {
                return format!("!{}", str::from_utf8(&text[record.start..record.end]).unwrap());
            }
            let cells = records.cells_of(record).iter();
            let cells = cells.map(|cell| str::from_utf8(&text[cell.start()..cell.end()]).unwrap());
            cells.collect::<Vec<_>>().join("|")
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn check(text: &str, expected: &str) {
        let extent = Extent { last: true, ..Extent::default() };
        assert_eq!(shown(text, &Dialect::new(b",", Some(b'"')), extent), expected, "{text:?}");
    }

    #[test]
    fn records_end_with_any_line_end_and_blank_lines_are_none() {
        check("a,b\nc,d", "a|b\nc|d");
        check("a,b\r\nc,d\r\n", "a|b\nc|d");
        check("a,b\rc,d\r", "a|b\nc|d");
        check("\n\na,b\n\r\n\nc,\n,\n", "a|b\nc|\n|");
        check("", "");
        check("a", "a");
    }

    #[test]
    fn quotes_hold_delimiters_line_ends_and_doubled_quotes() {
        check("\"a,b\",c\n", "a,b|c");
        check("\"a\nb\",c\n\"\",d", "a\nb|c\n|d");
        check("\"say \"\"hi\"\"\",\"\"\"\"\n", "say \"hi\"|\"");
        check("\"a\" ,b\n\"c\"  \n", "a|b\nc");
    }

    #[test]
    fn stray_quotes_are_text_as_it_stands() {
        check("5\" disk,b\n", "5\" disk|b");
        check("\"hello\" she said,b\n", "\"hello\" she said|b");
        check("\"say \"hi\" now\",b\n", "say \"hi\" now|b");
        check("a, \"b\"\n", "a| \"b\"");
    }

    #[test]
    fn a_quote_that_is_not_closed_costs_one_line() {
        check("a,\"b\nc,d\n", "!a,\"b\nc|d");
        check("a,\"b\nc,\"d\"\ne,f\n", "!a,\"b\nc|d\ne|f");
        let extent = Extent { last: true, width: Some(2), records_max: 0 };
        let dialect = Dialect::new(b",", Some(b'"'));
        assert_eq!(shown("a,\"b\nc,d\ne\",f\n", &dialect, extent), "!a,\"b\nc|d\ne\"|f");
    }

    #[test]
    fn other_dialects_are_split_by_their_signs() {
        let extent = Extent { last: true, ..Extent::default() };
        let two = Dialect::new(b"||", Some(b'"'));
        assert_eq!(shown("a||b|c||\"d||e\"\n", &two, extent), "a|b|c|d||e");
        let run = Dialect::new(b" ", Some(b'"'));
        assert_eq!(shown("  a   b \nc d\n", &run, extent), "a|b\nc|d");
        let escaped = Dialect { escape: Some(b'\\'), ..Dialect::new(b",", Some(b'"')) };
        assert_eq!(shown("\"a\\\"b\",c\\,d\n", &escaped, extent), "a\"b|c,d");
        let noted = Dialect { comment: Some(b'#'), ..Dialect::new(b",", Some(b'"')) };
        assert_eq!(shown("#x\na,b\n#y,z\n#\nc,d", &noted, extent), "a|b\nc|d");
        let none = Dialect::new(b"", Some(b'"'));
        assert_eq!(shown("a,b\n\nc", &none, extent), "a,b\nc");
    }

    #[test]
    fn text_that_goes_on_is_split_up_to_its_last_whole_record() {
        let dialect = Dialect::new(b",", Some(b'"'));
        let text = "a,b\r\nc,\"d\ne\",f\r\ng,\"\"\"h\"\r\n";
        let mut whole = Records::default();
        split(text.as_bytes(), &dialect, Extent { last: true, ..Extent::default() }, &mut whole);
        for len in 0..text.len() {
            let mut part = Records::default();
            split(&text.as_bytes()[..len], &dialect, Extent::default(), &mut part);
            assert!(whole.records.starts_with(&part.records), "{len}");
            assert!(part.consumed <= len);
        }
    }
}
