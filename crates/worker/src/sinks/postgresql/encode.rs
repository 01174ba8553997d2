//! A binary COPY, row after row, in pieces.

use super::cells::Cells;

const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();
/// Then what is encoded goes on its way.
pub const PIECE_BYTES: usize = 512 << 10;

#[derive(Debug)]
pub struct Encoder {
    pub out: Vec<u8>,
}

impl Encoder {
    pub fn new() -> Self {
        let mut out = Vec::with_capacity(PIECE_BYTES + PIECE_BYTES / 4);
        out.extend_from_slice(HEADER);
        Self { out }
    }

    /// Encodes rows from `row` on until a piece is full; gives the next one.
    pub fn rows(&mut self, cells: &[Cells], mut row: usize, rows: usize) -> usize {
        let columns = (cells.len() as i16).to_be_bytes();
        while row < rows && self.out.len() < PIECE_BYTES {
            self.out.extend_from_slice(&columns);
            for cells in cells {
                cells.push(&mut self.out, row);
            }
            row += 1;
        }
        row
    }

    pub fn is_full(&self) -> bool {
        self.out.len() >= PIECE_BYTES
    }

    pub fn end(&mut self) {
        self.out.extend_from_slice(&TRAILER);
    }
}
