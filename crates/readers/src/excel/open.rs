//! A workbook's sheet as a table.

use super::blocks::SheetBlocks;
use super::decide::decide;
use super::layout::table;
use super::load::{Kind, load};
use crate::decision::Decision;
use crate::error::ReadError;
use crate::format::{Compression, Format};
use crate::input::Input;
use crate::pins::{PinError, Pins};
use crate::reading::Reading;
use crate::settings::Settings;
use crate::source::Random;
use crate::table::Builder;

/// Other sheets are named up to here.
const OTHERS_MAX: usize = 20;

pub(crate) fn open(
    input: &Input,
    compression: Option<Compression>,
    kind: Kind,
    pins: &Pins,
    settings: &Settings,
) -> Result<Reading, ReadError> {
    let random = Random::open(input, compression, settings)?;
    let loaded = load(&random, kind, pins.records.as_deref())?;
    let table = table(&loaded.sheet, pins);
    if table.names.is_empty() {
        return Err(ReadError::NotReadable(format!(
            "this is an empty workbook: sheet '{}' has no cells{}",
            loaded.name,
            others(&loaded.others)
        )));
    }
    if let Some(names) =
        pins.columns.as_ref().filter(|names| widest(&loaded.sheet, &table) > names.len())
    {
        return Err(ReadError::Pin(PinError::Value {
            key: "columns".to_owned(),
            value: names.join(","),
            wanted: format!("{} names for the columns of the sheet", widest(&loaded.sheet, &table)),
        }));
    }
    let (columns, told) = decide(&loaded.sheet, &table, pins)?;
    let builder = Builder::new(&columns, settings.columns.as_deref(), pins)?;
    let mut notes = table.notes.clone();
    if !loaded.others.is_empty() {
        notes.push(format!("only sheet '{}' is read{}", loaded.name, others(&loaded.others)));
    }
    if loaded.merged > 0 {
        notes.push(format!(
            "{} merged areas: their value stands in the first cell, the others are null",
            loaded.merged
        ));
    }
    notes.extend(told);
    let decision = Decision {
        format: Format::Excel,
        compression,
        encoding: None,
        layout: Some(table.layout.clone()),
        records_at: Some(loaded.name),
        columns,
        proven_by_all: true,
        notes,
    };
    let schema = builder.schema().clone();
    let blocks = SheetBlocks::new(loaded.sheet, table, &decision.columns, builder, settings);
    Ok(Reading::new(decision, schema, blocks))
}

fn widest(sheet: &super::sheet::Sheet, table: &super::layout::Table) -> usize {
    let last = (table.first..table.end)
        .filter_map(|row| sheet.cells(row).last())
        .map(|cell| cell.column)
        .max();
    last.map_or(0, |last| (last + 1).saturating_sub(table.column) as usize)
}

fn others(names: &[String]) -> String {
    match names.len() {
        0 => String::new(),
        len if len > OTHERS_MAX => format!(
            "; other sheets: {} and {} more (records=)",
            names[..OTHERS_MAX].join(", "),
            len - OTHERS_MAX
        ),
        _ => format!("; other sheets: {} (records=)", names.join(", ")),
    }
}
