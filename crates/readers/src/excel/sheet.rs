//! A sheet in memory: the text of its cells that say something, one behind the other.

use super::value::Kind;

/// Of all cells of a sheet: a workbook has to be held, and a small one can speak of billions.
const BYTES_MAX: usize = 1 << 30;

#[derive(Debug, Clone, Copy)]
pub(super) struct SheetCell {
    pub column: u32,
    pub kind: Kind,
    start: u32,
    len: u32,
}

#[derive(Debug, Clone, Copy)]
struct SheetRow {
    /// From 0, in the sheet.
    at: u32,
    /// Of its cells.
    first: usize,
}

/// Rows without a cell are not here.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    text: String,
    cells: Vec<SheetCell>,
    rows: Vec<SheetRow>,
}

impl Sheet {
    /// Cells come row by row; where a file does not keep to that, `sorted` mends it. An error is a sheet that is too large.
    pub(super) fn push(
        &mut self,
        row: u32,
        column: u32,
        write: impl FnOnce(&mut String) -> Option<Kind>,
    ) -> Result<(), String> {
        let start = self.text.len();
        let Some(kind) = write(&mut self.text) else {
            self.text.truncate(start);
            return Ok(());
        };
        if self.text.len() + self.cells.len() * size_of::<SheetCell>() > BYTES_MAX {
            return Err(format!(
                "a sheet of it takes more than {BYTES_MAX} bytes; split it, or save it as CSV and give that"
            ));
        }
        if self.rows.last().is_none_or(|last| last.at != row) {
            self.rows.push(SheetRow { at: row, first: self.cells.len() });
        }
        let len = self.text.len() - start;
        self.cells.push(SheetCell { column, kind, start: start as u32, len: len as u32 });
        Ok(())
    }

    /// Rows and cells in the order of their places; of two in one place the later one counts.
    pub(super) fn sorted(mut self) -> Self {
        let rows_sorted = self.rows.is_sorted_by(|a, b| a.at < b.at);
        if rows_sorted
            && (0..self.rows.len())
                .all(|row| self.cells(row).is_sorted_by(|a, b| a.column < b.column))
        {
            return self;
        }
        let mut placed: Vec<(u32, SheetCell)> = (0..self.rows.len())
            .flat_map(|row| self.cells(row).iter().map(move |cell| (row, *cell)))
            .map(|(row, cell)| (self.rows[row].at, cell))
            .collect();
        placed.sort_by_key(|(row, cell)| (*row, cell.column));
        (self.cells, self.rows) = (Vec::new(), Vec::new());
        for (at, cell) in placed {
            match self.rows.last() {
                Some(row) if row.at == at => {
                    if self.cells.last().is_some_and(|last| last.column == cell.column) {
                        self.cells.pop();
                    }
                }
                _ => self.rows.push(SheetRow { at, first: self.cells.len() }),
            }
            self.cells.push(cell);
        }
        self
    }

    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// The row's place in the sheet, from 0.
    pub(super) fn at(&self, row: usize) -> u32 {
        self.rows[row].at
    }

    pub(super) fn cells(&self, row: usize) -> &[SheetCell] {
        let end = self.rows.get(row + 1).map_or(self.cells.len(), |next| next.first);
        &self.cells[self.rows[row].first..end]
    }

    pub(super) fn text(&self, cell: &SheetCell) -> &str {
        &self.text[cell.start as usize..(cell.start + cell.len) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_out_of_order_find_their_place_and_empty_ones_leave_nothing() {
        let mut sheet = Sheet::default();
        for (row, column, text) in [(2, 1, "c"), (0, 1, "b"), (0, 0, "a"), (2, 1, "d"), (1, 0, "")]
        {
            let write = |into: &mut String| {
                into.push_str(text);
                (!text.is_empty()).then_some(Kind::Text)
            };
            sheet.push(row, column, write).unwrap();
        }
        let sheet = sheet.sorted();
        let rows: Vec<(u32, Vec<&str>)> = (0..sheet.rows())
            .map(|row| {
                (sheet.at(row), sheet.cells(row).iter().map(|cell| sheet.text(cell)).collect())
            })
            .collect();
        assert_eq!(rows, [(0, vec!["a", "b"]), (2, vec!["d"])]);
    }
}
