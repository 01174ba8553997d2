//! A block of records, as the text of their cells.

use crate::reading::Reject;

/// Records in a row, all of the same width. Cells point into `text`; those that do not stand in the file as they are meant (doubled quotes,
/// escapes) lie at its end.
#[derive(Debug, Default)]
pub struct Cells {
    /// Valid UTF-8.
    pub text: Vec<u8>,
    /// Row by row, `width` of each.
    pub cells: Vec<Cell>,
    pub width: usize,
    pub rows: Vec<Row>,
}

/// Where a cell lies in the text of its block, and whether it stood in quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    start: u32,
    /// The uppermost bit says that it was quoted.
    len: u32,
}

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Row {
    /// From 1.
    pub number: u64,
    /// Of its first byte, in the unpacked file.
    pub offset: u64,
    /// From 1.
    pub line: u64,
    /// Of the record as it stands, in the text of the block.
    pub start: u32,
    pub end: u32,
}

/// Longer records are cut in rejects.
const RECORD_SHOWN_MAX: usize = 2000;

impl Cell {
    const QUOTED: u32 = 1 << 31;
    pub const EMPTY: Self = Self { start: 0, len: 0 };

    pub fn new(start: usize, len: usize, quoted: bool) -> Self {
        debug_assert!(start + len < Self::QUOTED as usize);
        Self { start: start as u32, len: len as u32 | if quoted { Self::QUOTED } else { 0 } }
    }

    pub fn start(self) -> usize {
        self.start as usize
    }

    pub fn len(self) -> usize {
        (self.len & !Self::QUOTED) as usize
    }

    pub fn end(self) -> usize {
        self.start() + self.len()
    }

    pub fn is_quoted(self) -> bool {
        self.len & Self::QUOTED != 0
    }

    /// Nothing at all, not even quotes.
    pub fn is_absent(self) -> bool {
        self.len == 0
    }
}

impl Cells {
    pub fn new(width: usize) -> Self {
        Self { width, ..Self::default() }
    }

    pub fn cell(&self, row: usize, column: usize) -> Cell {
        self.cells[row * self.width + column]
    }

    pub fn bytes(&self, cell: Cell) -> &[u8] {
        &self.text[cell.start()..cell.end()]
    }

    pub fn text_of(&self, cell: Cell) -> &str {
        str::from_utf8(self.bytes(cell)).unwrap_or_default()
    }

    /// What becomes of a row that cannot be read.
    pub fn reject(&self, row: usize, column: Option<&str>, reason: String) -> Reject {
        let Row { number, offset, line, start, end } = self.rows[row];
        Reject {
            row: number,
            line: Some(line),
            offset: Some(offset),
            column: column.map(str::to_owned),
            reason,
            record: Some(shown(&self.text[start as usize..end as usize])),
        }
    }
}

/// A record as a reject shows it: what is no text is escaped, what is long is cut.
pub fn shown(record: &[u8]) -> String {
    let cut = &record[..record.len().min(RECORD_SHOWN_MAX)];
    let mut shown = String::with_capacity(cut.len());
    for chunk in cut.utf8_chunks() {
        shown.push_str(chunk.valid());
        for byte in chunk.invalid() {
            shown.push_str(&format!("\\x{byte:02x}"));
        }
    }
    let end = shown.trim_end_matches(['\r', '\n']).len();
    shown.truncate(end);
    if cut.len() < record.len() {
        shown.push_str("...");
    }
    shown
}
