//! Rows of a sheet as blocks: laid out as cells of text, and built into columns like those of any text.

use super::decide::place;
use super::layout::Table;
use super::sheet::Sheet;
use super::value::Kind;
use crate::decision::{ColumnDecision, ColumnKind};
use crate::error::ReadError;
use crate::reading::Block;
use crate::settings::Settings;
use crate::table::{Builder, Cell, Cells, Row};

/// Cells of a block, empty ones included: a wide sheet gives fewer rows at once.
const CELLS_MAX: usize = 1 << 21;

pub(super) struct SheetBlocks {
    sheet: Sheet,
    table: Table,
    builder: Builder,
    /// Columns of dates with time, where a date is one of midnight.
    timed: Vec<bool>,
    next: usize,
    rows_max: usize,
    text_max: usize,
}

impl SheetBlocks {
    pub(super) fn new(
        sheet: Sheet,
        table: Table,
        columns: &[ColumnDecision],
        builder: Builder,
        settings: &Settings,
    ) -> Self {
        let is_timed =
            |column: &ColumnDecision| matches!(column.kind, ColumnKind::Timestamp { .. });
        let timed = columns.iter().map(is_timed).collect();
        let rows_max = settings.rows_max.min(CELLS_MAX / table.names.len().max(1)).max(1);
        Self {
            timed,
            next: table.first,
            sheet,
            table,
            builder,
            rows_max,
            text_max: settings.block_bytes,
        }
    }

    fn cells(&mut self) -> Cells {
        let mut cells = Cells::new(self.table.names.len());
        while self.next < self.table.end
            && cells.rows.len() < self.rows_max
            && cells.text.len() < self.text_max
        {
            let row = self.next;
            self.next += 1;
            let start = cells.text.len();
            let base = cells.cells.len();
            cells.cells.resize(base + cells.width, Cell::EMPTY);
            for found in self.sheet.cells(row) {
                let Some(at) = place(found, &self.table).filter(|at| *at < cells.width) else {
                    continue;
                };
                if cells.text.len() > start {
                    cells.text.push(b'\t');
                }
                let begin = cells.text.len();
                cells.text.extend_from_slice(self.sheet.text(found).as_bytes());
                if found.kind == Kind::Date && self.timed[at] {
                    cells.text.extend_from_slice(b" 00:00:00");
                }
                cells.cells[base + at] = Cell::new(begin, cells.text.len() - begin, false);
            }
            cells.rows.push(Row {
                number: (row - self.table.first + 1) as u64,
                offset: 0,
                line: u64::from(self.sheet.at(row)) + 1,
                start: start as u32,
                end: cells.text.len() as u32,
            });
        }
        cells
    }
}

impl Iterator for SheetBlocks {
    type Item = Result<Block, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.table.end {
            return None;
        }
        let cells = self.cells();
        Some(self.builder.build(&cells).map(|mut block| {
            block.offsets = None;
            for reject in &mut block.rejects {
                reject.offset = None;
            }
            block
        }))
    }
}
