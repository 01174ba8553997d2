//! From a workbook's bytes to the sheet that is read. Only here is the library that knows the formats.

use super::sheet::Sheet;
use super::value;
use crate::error::ReadError;
use crate::format::Format;
use crate::pins::PinError;
use crate::source::{Random, RandomCursor};
use calamine::{Data, HeaderRow, Ods, Range, Reader, SheetType, SheetVisible, Xls, Xlsb, Xlsx};
use std::fmt::Display;

pub(super) struct Loaded {
    pub(super) name: String,
    pub(super) sheet: Sheet,
    /// Those that are not read.
    pub(super) others: Vec<String>,
    /// Merged areas: their value stands in the first cell.
    pub(super) merged: usize,
}

/// Which of the kinds of workbooks a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Xlsx,
    Xlsb,
    Xls,
    Ods,
}

enum Workbook {
    Xlsx(Box<Xlsx<RandomCursor>>),
    Xlsb(Box<Xlsb<RandomCursor>>),
    Xls(Box<Xls<RandomCursor>>),
    Ods(Box<Ods<RandomCursor>>),
}

/// `wanted`: a sheet by name or number; else the first that has a table, hidden ones last.
pub(super) fn load(random: &Random, kind: Kind, wanted: Option<&str>) -> Result<Loaded, ReadError> {
    let mut workbook = Workbook::open(random, kind)?;
    let (shown, all) = workbook.sheets();
    if all.is_empty() {
        return Err(damaged("it has no sheets"));
    }
    let others = |name: &str| all.iter().filter(|other| *other != name).cloned().collect();
    if let Some(wanted) = wanted {
        let name = find(&all, wanted)?.clone();
        let sheet = workbook.sheet(&name)?;
        return Ok(Loaded { merged: workbook.merged(&name), others: others(&name), name, sheet });
    }
    let mut best: Option<(String, Sheet)> = None;
    for name in shown {
        let sheet = workbook.sheet(&name)?;
        let is_table = sheet.rows() > 1;
        if is_table || best.as_ref().is_none_or(|(_, best)| best.rows() == 0 && sheet.rows() > 0) {
            best = Some((name, sheet));
        }
        if is_table {
            break;
        }
    }
    let (name, sheet) = best.ok_or_else(|| damaged("it has no sheet of cells"))?;
    Ok(Loaded { merged: workbook.merged(&name), others: others(&name), name, sheet })
}

fn find<'a>(all: &'a [String], wanted: &str) -> Result<&'a String, ReadError> {
    let by_number =
        || wanted.parse::<usize>().ok().and_then(|number| all.get(number.checked_sub(1)?));
    all.iter().find(|name| *name == wanted).or_else(by_number).ok_or_else(|| {
        ReadError::Pin(PinError::Value {
            key: "records".to_owned(),
            value: wanted.to_owned(),
            wanted: format!(
                "there is no such sheet; sheets are {}, or their number from 1",
                all.join(", ")
            ),
        })
    })
}

impl Workbook {
    fn open(random: &Random, kind: Kind) -> Result<Self, ReadError> {
        let cursor = random.cursor();
        Ok(match kind {
            Kind::Xlsx => Self::Xlsx(Box::new(Xlsx::new(cursor).map_err(damaged)?)),
            Kind::Xlsb => Self::Xlsb(Box::new(Xlsb::new(cursor).map_err(damaged)?)),
            Kind::Xls => Self::Xls(Box::new(Xls::new(cursor).map_err(damaged)?)),
            Kind::Ods => Self::Ods(Box::new(Ods::new(cursor).map_err(damaged)?)),
        })
    }

    /// Sheets of cells in the order they are looked at, and all of them in the workbook's.
    fn sheets(&self) -> (Vec<String>, Vec<String>) {
        let sheets = match self {
            Self::Xlsx(book) => book.sheets_metadata(),
            Self::Xlsb(book) => book.sheets_metadata(),
            Self::Xls(book) => book.sheets_metadata(),
            Self::Ods(book) => book.sheets_metadata(),
        };
        let cells: Vec<_> =
            sheets.iter().filter(|sheet| sheet.typ == SheetType::WorkSheet).collect();
        let mut shown = cells.clone();
        shown.sort_by_key(|sheet| sheet.visible != SheetVisible::Visible);
        let names =
            |sheets: Vec<&calamine::Sheet>| sheets.iter().map(|sheet| sheet.name.clone()).collect();
        (names(shown), names(cells))
    }

    fn sheet(&mut self, name: &str) -> Result<Sheet, ReadError> {
        let sheet = match self {
            Self::Xlsx(book) => {
                let is_1904 = book.has_1904_epoch();
                let mut cells = book.worksheet_cells_reader(name).map_err(damaged)?;
                collect(is_1904, || {
                    Ok(cells
                        .next_cell()
                        .map_err(damaged)?
                        .map(|cell| (cell.get_position(), cell.get_value().clone())))
                })
            }
            Self::Xlsb(book) => {
                let is_1904 = book.has_1904_epoch();
                let mut cells = book.worksheet_cells_reader(name).map_err(damaged)?;
                collect(is_1904, || {
                    Ok(cells
                        .next_cell()
                        .map_err(damaged)?
                        .map(|cell| (cell.get_position(), cell.get_value().clone())))
                })
            }
            Self::Xls(book) => {
                let is_1904 = book.has_1904_epoch();
                of_range(
                    &book
                        .with_header_row(HeaderRow::Row(0))
                        .worksheet_range(name)
                        .map_err(damaged)?,
                    is_1904,
                )
            }
            Self::Ods(book) => of_range(
                &book.with_header_row(HeaderRow::Row(0)).worksheet_range(name).map_err(damaged)?,
                false,
            ),
        };
        Ok(sheet?.sorted())
    }

    fn merged(&mut self, name: &str) -> usize {
        match self {
            Self::Xlsx(book) => book.merge_cells_by_sheet_name(name).map_or(0, |areas| areas.len()),
            Self::Xls(book) => book.merge_cells_by_sheet_name(name).map_or(0, |areas| areas.len()),
            Self::Xlsb(_) | Self::Ods(_) => 0,
        }
    }
}

fn collect<D: calamine::DataType>(
    is_1904: bool,
    mut next: impl FnMut() -> Result<Option<((u32, u32), D)>, ReadError>,
) -> Result<Sheet, ReadError> {
    let mut sheet = Sheet::default();
    while let Some(((row, column), data)) = next()? {
        sheet.push(row, column, |into| value::write(&data, is_1904, into)).map_err(damaged)?;
    }
    Ok(sheet)
}

fn of_range(range: &Range<Data>, is_1904: bool) -> Result<Sheet, ReadError> {
    let mut sheet = Sheet::default();
    let (first_row, first_column) = range.start().unwrap_or_default();
    for (row, column, data) in range.used_cells() {
        let (row, column) = (first_row + row as u32, first_column + column as u32);
        sheet.push(row, column, |into| value::write(data, is_1904, into)).map_err(damaged)?;
    }
    Ok(sheet)
}

fn damaged(reason: impl Display) -> ReadError {
    ReadError::Damaged { format: Format::Excel, reason: reason.to_string() }
}
