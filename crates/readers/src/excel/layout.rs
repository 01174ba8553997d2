//! Where the table stands in a sheet: below titles, with or without a header, above remarks.

use super::sheet::Sheet;
use super::value::Kind;
use crate::decision::TextLayout;
use crate::names::names;
use crate::pins::Pins;

/// Rows of the sheet that hold the table, by their index among those with cells.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) names: Vec<String>,
    /// The sheet's column of the first name.
    pub(super) column: u32,
    /// Behind the header.
    pub(super) first: usize,
    /// Behind the last row.
    pub(super) end: usize,
    pub(super) layout: TextLayout,
    pub(super) notes: Vec<String>,
}

/// A table begins among these rows.
const LOOKED_AT: usize = 200;
const FOOTER_MAX: usize = 10;

pub(super) fn table(sheet: &Sheet, pins: &Pins) -> Table {
    let begin = begin(sheet, pins);
    let end = end(sheet, begin, pins);
    let has_header = match pins.header {
        Some(line) => line > 0,
        None => end - begin.min(end) > 1 && is_header(sheet, begin, end),
    };
    let first = if has_header { (begin + 1).min(end) } else { begin };
    let used =
        (begin..end).flat_map(|row| [sheet.cells(row).first(), sheet.cells(row).last()]).flatten();
    let columns = used.fold(None, |columns: Option<(u32, u32)>, cell| {
        let (low, high) = columns.unwrap_or((cell.column, cell.column));
        Some((low.min(cell.column), high.max(cell.column)))
    });
    let (column, width) = columns.map_or((0, 0), |(low, high)| (low, (high - low + 1) as usize));
    let skip = if begin < sheet.rows() { u64::from(sheet.at(begin)) } else { 0 };
    let footer = (sheet.rows() - end) as u64;
    let layout = match pins.header {
        Some(line) => TextLayout {
            header: line,
            skip: pins.skip.unwrap_or(0),
            footer,
            ..TextLayout::default()
        },
        None => TextLayout { header: u64::from(has_header), skip, footer, ..TextLayout::default() },
    };
    let notes = notes(sheet, begin, first, end);
    let names = pins.columns.clone().unwrap_or_default();
    let names = if names.is_empty() {
        found_names(sheet, has_header.then_some(begin), column, width)
    } else {
        names
    };
    Table { names, column, first, end, layout, notes }
}

fn found_names(sheet: &Sheet, header: Option<usize>, column: u32, width: usize) -> Vec<String> {
    let mut found = vec![String::new(); width];
    for cell in header.map(|row| sheet.cells(row)).unwrap_or_default() {
        if let Some(name) = found.get_mut((cell.column - column) as usize) {
            *name = sheet.text(cell).split_whitespace().collect::<Vec<_>>().join(" ");
        }
    }
    names(found.iter().map(String::as_str))
}

/// The first row of the table, header or not.
fn begin(sheet: &Sheet, pins: &Pins) -> usize {
    let from = |line: u64| {
        (0..sheet.rows()).find(|row| u64::from(sheet.at(*row)) >= line).unwrap_or(sheet.rows())
    };
    match (pins.skip, pins.header) {
        (skip, Some(header)) => from(skip.unwrap_or(0) + header.saturating_sub(1)),
        (Some(skip), None) => from(skip),
        (None, None) => {
            let width = usual_width(sheet);
            // Titles fill a cell or two, a header nearly all; the second column may have no name.
            (0..sheet.rows().min(LOOKED_AT))
                .find(|row| sheet.cells(*row).len() * 2 > width)
                .unwrap_or(0)
        }
    }
}

/// Cells that a row usually has: the count that most cells are in a row of.
fn usual_width(sheet: &Sheet) -> usize {
    let mut cells_in: Vec<usize> = Vec::new();
    for row in 0..sheet.rows().min(LOOKED_AT) {
        let width = sheet.cells(row).len();
        cells_in.resize(cells_in.len().max(width + 1), 0);
        cells_in[width] += width;
    }
    cells_in.iter().enumerate().max_by_key(|(_, cells)| **cells).map_or(0, |(width, _)| width)
}

/// Remarks stand below a table, behind an empty row, and fill a cell or two.
fn end(sheet: &Sheet, begin: usize, pins: &Pins) -> usize {
    let rows = sheet.rows();
    if let Some(footer) = pins.footer {
        return rows.saturating_sub(usize::try_from(footer).unwrap_or(rows)).max(begin);
    }
    let width = usual_width(sheet);
    let mut end = rows;
    for row in (begin + 2..rows).rev().take(FOOTER_MAX) {
        let cells = sheet.cells(row);
        if width < 3 || cells.len() * 3 > width || !cells.iter().all(|cell| cell.kind == Kind::Text)
        {
            break;
        }
        if sheet.at(row) > sheet.at(row - 1) + 1 {
            end = row;
        }
    }
    end
}

/// Whether the first row names the columns: all of it is text, or a run of years, and below stands something else.
fn is_header(sheet: &Sheet, begin: usize, end: usize) -> bool {
    let head = sheet.cells(begin);
    let is_name = |kind: Kind| matches!(kind, Kind::Text);
    let texts = head.iter().filter(|cell| is_name(cell.kind)).count();
    if texts < head.len() {
        return texts > 0
            && head
                .iter()
                .filter(|cell| !is_name(cell.kind))
                .all(|cell| is_label(cell.kind, sheet.text(cell)));
    }
    let below = || (begin + 1..end).take(LOOKED_AT);
    let typed = below().any(|row| sheet.cells(row).iter().any(|cell| !is_name(cell.kind)));
    let recurs = below().any(|row| {
        let again = |cell: &&super::sheet::SheetCell| {
            head.iter()
                .any(|name| name.column == cell.column && sheet.text(name) == sheet.text(cell))
        };
        sheet.cells(row).iter().find(again).is_some()
    });
    typed || !recurs
}

/// Years, months and small numbers head columns, too, beside words.
fn is_label(kind: Kind, text: &str) -> bool {
    match kind {
        Kind::Date => true,
        Kind::Int => text.parse::<i64>().is_ok_and(|number| (1900..2100).contains(&number)),
        _ => false,
    }
}

fn notes(sheet: &Sheet, begin: usize, first: usize, end: usize) -> Vec<String> {
    let mut notes = Vec::new();
    if begin > 0 {
        notes.push(format!(
            "{begin} rows before the table are skipped, the first says {:?}",
            said(sheet, 0)
        ));
    }
    if end < sheet.rows() {
        notes.push(format!(
            "{} rows after the table are skipped, the first says {:?}",
            sheet.rows() - end,
            said(sheet, end)
        ));
    }
    let blank: u32 = (first + 1..end).map(|row| sheet.at(row) - sheet.at(row - 1) - 1).sum();
    if blank > 0 {
        notes.push(format!("{blank} empty rows within the table are passed over"));
    }
    notes
}

fn said(sheet: &Sheet, row: usize) -> String {
    sheet
        .cells(row)
        .first()
        .map_or(String::new(), |cell| sheet.text(cell).chars().take(60).collect())
}
