//! Where the table stands in the file: what comes before it, its header, its width, and what comes after it.

use super::sniff::usual_width;
use super::split::{Record, Records};
use crate::pins::Pins;
use crate::table::{Cell, Proof};

/// The head of a file in records, with their text.
pub(super) struct Head<'a> {
    pub text: &'a [u8],
    pub records: &'a Records,
}

/// Records by their index in the head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// The first one of the table, header or not.
    pub first: usize,
    pub width: usize,
    /// Cells that most records have.
    pub usual: usize,
    /// Of the header's cells; None: the first record decides.
    pub shape: Shape,
    /// What is special, as people are told.
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// The first record has as many cells as the others.
    Even,
    /// It has one cell less: the first column has no name.
    RowNames,
    /// It has one cell less: the others end with a delimiter.
    Trailing,
    /// It has more cells.
    Wide,
}

/// More lines before a table are none that anybody wrote there.
const PREAMBLE_MAX: usize = 100;

impl Head<'_> {
    pub(super) fn cell(&self, cell: Cell) -> &[u8] {
        &self.text[cell.start()..cell.end()]
    }

    pub(super) fn cells(&self, record: usize) -> impl Iterator<Item = &[u8]> {
        self.records.cells_of(&self.records.records[record]).iter().map(|cell| self.cell(*cell))
    }

    /// Of the width, or with further cells that are empty; shorter ones where they are filled up.
    pub(super) fn is_row(&self, record: &Record, width: usize, pad: bool) -> bool {
        let further = self.records.cells_of(record).get(width..);
        let is_row = further.map_or(pad, |further| further.iter().all(|cell| cell.is_absent()));
        is_row && !record.flawed
    }

    pub(super) fn layout(&self, pins: &Pins) -> Layout {
        let all = &self.records.records;
        let width = usual_width(all.iter());
        let pinned = pins.header.filter(|line| *line > 0).or(pins.skip.map(|_| 1));
        let regular = |record: &Record| record.cells == width && !record.flawed;
        let first = match pinned {
            // The header's last line is one of this record.
            Some(line) => all.iter().rposition(|record| record.line < line),
            None => all.iter().take(PREAMBLE_MAX).position(regular),
        };
        let first = first.unwrap_or(0);
        let mut layout =
            Layout { first, width, usual: width, shape: Shape::Even, notes: Vec::new() };
        if pinned.is_some() {
            if let Some(head) = all.get(first) {
                layout.shape = self.shape_of(head, first, width);
            }
        } else if first > 0 {
            let shape = self.shape_of(&all[first - 1], first - 1, width);
            if shape != Shape::Even {
                layout.first = first - 1;
                layout.shape = shape;
            }
        }
        self.tell(&mut layout);
        if pins.ragged_pad == Some(true) {
            let rows = all[layout.first.min(all.len())..].iter();
            layout.width = rows.map(|record| record.cells).fold(layout.width, usize::max);
        }
        layout
    }

    /// What the record before those of the usual width is to them.
    fn shape_of(&self, record: &Record, at: usize, width: usize) -> Shape {
        let names: Vec<&[u8]> = self.cells(at).collect();
        let named = names.iter().filter(|name| !name.is_empty()).count();
        let words = named * 2 > names.len() && names.iter().all(|name| !is_value(name));
        let rows = &self.records.records[at + 1..];
        if record.flawed || !words || rows.is_empty() {
            return Shape::Even;
        }
        if record.cells > width {
            return Shape::Wide;
        }
        if record.cells + 1 != width || (width == 2 && names[0].contains(&b' ')) {
            return Shape::Even;
        }
        let full = || rows.iter().filter(|row| row.cells == width);
        let trailing = full().all(|row| self.records.cells_of(row)[width - 1].is_absent());
        if trailing { Shape::Trailing } else { Shape::RowNames }
    }

    fn tell(&self, layout: &mut Layout) {
        if layout.first > 0 {
            let lines = self.records.records[layout.first].line;
            layout.notes.push(format!("{lines} lines before the table are skipped"));
        }
        layout.notes.extend(match layout.shape {
            Shape::Even => None,
            Shape::RowNames => Some("the first column has no name in the header".to_owned()),
            Shape::Trailing => Some("rows end with a delimiter".to_owned()),
            Shape::Wide => {
                Some("rows have fewer cells than the header; what is missing is null".to_owned())
            }
        });
        if matches!(layout.shape, Shape::Trailing) {
            layout.width -= 1;
        }
        if layout.shape == Shape::Wide {
            layout.width = self.wide_width(layout);
        }
    }

    /// Names at the end of the header that are empty name nothing.
    fn wide_width(&self, layout: &Layout) -> usize {
        let names: Vec<&[u8]> = self.cells(layout.first).collect();
        let named = names.iter().rposition(|name| !name.is_empty()).map_or(0, |at| at + 1);
        named.max(layout.width)
    }

    /// Whether the first record of the table names columns, by what the records behind it prove.
    pub(super) fn is_header(&self, layout: &Layout, proofs: &[Proof]) -> bool {
        if layout.shape != Shape::Even {
            return true;
        }
        let names: Vec<&[u8]> = self.cells(layout.first).collect();
        let (mut fitting, mut unlike) = (0, 0);
        for (name, proof) in names.iter().zip(proofs) {
            match proof.fits(name) {
                Some(true) => fitting += 1,
                Some(false) => unlike += 1,
                None => {}
            }
        }
        if fitting + unlike > 0 {
            return unlike > 0;
        }
        let values = names.iter().filter(|name| is_value(name)).count();
        let empty = names.iter().filter(|name| name.trim_ascii().is_empty()).count();
        values == 0 && empty * 2 < names.len().max(1) && !self.recurs(layout, &names)
    }

    /// A word of the first record stands in its column again.
    fn recurs(&self, layout: &Layout, names: &[&[u8]]) -> bool {
        let rows = self.records.records.iter().skip(layout.first + 1).take(1000);
        rows.filter(|row| row.cells == names.len()).any(|row| {
            let cells = self.records.cells_of(row).iter();
            let mut same = names
                .iter()
                .zip(cells)
                .filter(|(name, cell)| !name.is_empty() && self.cell(**cell) == **name);
            same.next().is_some() && same.count() + 1 != names.len()
        })
    }
}

/// A number, a date or a truth value: hardly a name.
pub(super) fn is_value(cell: &[u8]) -> bool {
    let mut proof = Proof::new(&Pins::default());
    proof.see(cell, 0);
    proof.is_typed()
}

/// Names of columns, each once: a second `a` is `a_2`, the third column without one `column_3`.
pub(super) fn names(found: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for (at, found) in found.enumerate() {
        let base = match found.trim() {
            "" => format!("column_{}", at + 1),
            word => word.to_owned(),
        };
        let mut name = base.clone();
        let mut count = 1;
        while !known.insert(name.clone()) {
            count += 1;
            name = format!("{base}_{count}");
        }
        names.push(name);
    }
    names
}

const FOOTER_LINES_MAX: usize = 10;
const FOOTER_WORDS: [&str; 14] = [
    "total",
    "grand total",
    "sum",
    "summe",
    "subtotal",
    "source",
    "note",
    "end of",
    "generated",
    "printed",
    "copyright",
    "report",
    "eof",
    "records",
];

impl Head<'_> {
    /// Records at the end that are none of the table: of one cell, or of fewer than due with words that stand below tables.
    pub(super) fn footer(&self, layout: &Layout) -> usize {
        let rows = &self.records.records[(layout.first + 1).min(self.records.records.len())..];
        let is_footer = |record: &&Record| {
            record.cells < layout.usual && !record.flawed && self.reads_as_footer(record)
        };
        let count = rows.iter().rev().take_while(is_footer).count();
        if layout.usual < 2 || count > FOOTER_LINES_MAX { 0 } else { count }
    }

    fn reads_as_footer(&self, record: &Record) -> bool {
        let cells = self.records.cells_of(record);
        let Some(first) = cells.first() else {
            return false;
        };
        let text = String::from_utf8_lossy(self.cell(*first)).trim().to_lowercase();
        let words = FOOTER_WORDS.iter().any(|word| text.starts_with(word));
        let bracketed = text.starts_with('(') && text.ends_with(')');
        let ruled =
            text.len() > 2 && text.bytes().all(|byte| matches!(byte, b'-' | b'=' | b'*' | b'_'));
        let counted = text.split_once(' ').is_some_and(|(number, rest)| {
            number.parse::<u64>().is_ok()
                && ["row", "record", "line"].iter().any(|word| rest.starts_with(word))
        });
        words || bracketed || ruled || counted || text.starts_with('#')
    }
}
