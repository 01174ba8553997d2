//! Types of a sheet's columns: what their cells are. Where they differ, what the texts of all of them prove.

use super::layout::Table;
use super::sheet::{Sheet, SheetCell};
use super::value::Kind;
use crate::decision::{ColumnDecision, ColumnKind};
use crate::error::ReadError;
use crate::pins::Pins;
use crate::table::{self, Proof};
use arrow_schema::{DataType, TimeUnit};
use std::collections::BTreeMap;

/// What a column's cells are.
struct Seen {
    counts: BTreeMap<&'static str, u64>,
    kinds: Vec<Kind>,
    /// Words such as `NA` among values, and errors: no value, told with the row of the first.
    nulls: BTreeMap<String, (u64, u32)>,
    text: Option<(String, u32)>,
    proof: Proof,
}

impl Seen {
    fn new(pins: &Pins) -> Self {
        Self {
            counts: BTreeMap::new(),
            kinds: Vec::new(),
            nulls: BTreeMap::new(),
            text: None,
            proof: Proof::new(pins),
        }
    }

    fn see(&mut self, kind: Kind, text: &str, row: u32, pins: &Pins) {
        let is_null = match &pins.nulls {
            Some(nulls) => nulls.iter().any(|null| null == text),
            None => kind == Kind::Text && table::null_word(text.trim().as_bytes()).is_some(),
        };
        if kind == Kind::Error || is_null {
            self.nulls.entry(text.to_owned()).or_insert((0, row)).0 += 1;
            return;
        }
        *self.counts.entry(kind_name(kind)).or_default() += 1;
        if !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
        if kind == Kind::Text && self.text.is_none() {
            self.text = Some((text.chars().take(40).collect(), row));
        }
        self.proof.see(text.as_bytes(), u64::from(row));
    }

    /// None: the cells differ.
    fn same(&self) -> Option<(ColumnKind, DataType)> {
        let only = |kinds: &[Kind]| {
            !self.kinds.is_empty() && self.kinds.iter().all(|kind| kinds.contains(kind))
        };
        let timestamp = DataType::Timestamp(TimeUnit::Microsecond, None);
        let text = || "%Y-%m-%d %H:%M:%S%.f".to_owned();
        Some(
            if self.kinds.is_empty()
                || only(&[Kind::Text])
                || only(&[Kind::Duration, Kind::Time]) && self.kinds.contains(&Kind::Duration)
            {
                (ColumnKind::Text, DataType::Utf8)
            } else if only(&[Kind::Int]) {
                (ColumnKind::Int64, DataType::Int64)
            } else if only(&[Kind::Int, Kind::Float]) {
                (ColumnKind::Float64 { point: '.', thousands: None }, DataType::Float64)
            } else if only(&[Kind::Bool]) {
                (
                    ColumnKind::Bool { yes: "TRUE".to_owned(), no: "FALSE".to_owned() },
                    DataType::Boolean,
                )
            } else if only(&[Kind::Date]) {
                (ColumnKind::Date("%Y-%m-%d".to_owned()), DataType::Date32)
            } else if only(&[Kind::Date, Kind::DateTime]) {
                (ColumnKind::Timestamp { format: text(), zoned: false }, timestamp)
            } else if only(&[Kind::Time]) {
                (
                    ColumnKind::Time("%H:%M:%S%.f".to_owned()),
                    DataType::Time64(TimeUnit::Microsecond),
                )
            } else {
                return None;
            },
        )
    }

    fn evidence(&self) -> String {
        let counts: Vec<String> =
            self.counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        let text = match &self.text {
            Some((text, row)) if self.kinds.len() > 1 => {
                format!(", text first in row {}: {text:?}", row + 1)
            }
            _ => String::new(),
        };
        if counts.is_empty() {
            "no cells".to_owned()
        } else {
            format!("cells are {}{text}", counts.join(", "))
        }
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Int => "whole numbers",
        Kind::Float => "numbers",
        Kind::Bool => "truth values",
        Kind::Date => "dates",
        Kind::Time => "times",
        Kind::DateTime => "dates with time",
        Kind::Duration => "spans of time",
        Kind::Text => "text",
        Kind::Error => "errors",
    }
}

/// Columns, and what people should know of them.
pub(super) fn decide(
    sheet: &Sheet,
    table: &Table,
    pins: &Pins,
) -> Result<(Vec<ColumnDecision>, Vec<String>), ReadError> {
    let mut seen: Vec<Seen> = table.names.iter().map(|_| Seen::new(pins)).collect();
    for row in table.first..table.end {
        for cell in sheet.cells(row) {
            if let Some(seen) = place(cell, table).and_then(|at| seen.get_mut(at)) {
                seen.see(cell.kind, sheet.text(cell), sheet.at(row), pins);
            }
        }
    }
    let proofs: Vec<Proof> = seen.iter().map(|seen| seen.proof.clone()).collect();
    let mut columns = table::decide(&table.names, &proofs, pins)?;
    let mut notes = Vec::new();
    for (column, seen) in columns.iter_mut().zip(&seen) {
        if !pins.all_text && !pins.types.contains_key(&column.name) {
            if let Some((kind, data_type)) = seen.same() {
                (column.kind, column.data_type) = (kind, data_type);
            } else if !is_lossless(column, &seen.kinds) {
                (column.kind, column.data_type) = (ColumnKind::Text, DataType::Utf8);
            }
            column.evidence = seen.evidence();
        }
        column.nulls = nulls(column, seen, pins);
        notes.extend(told(column, seen));
    }
    Ok((columns, notes))
}

pub(super) fn place(cell: &SheetCell, table: &Table) -> Option<usize> {
    cell.column.checked_sub(table.column).map(|at| at as usize)
}

/// Numbers that stand beside truth values, or a decimal that is to be read from floats, are not to be mixed.
fn is_lossless(column: &ColumnDecision, kinds: &[Kind]) -> bool {
    match column.kind {
        ColumnKind::Int64
        | ColumnKind::UInt64
        | ColumnKind::Float64 { .. }
        | ColumnKind::Decimal { .. } => {
            kinds.iter().all(|kind| matches!(kind, Kind::Int | Kind::Float | Kind::Text))
        }
        ColumnKind::Date(_) | ColumnKind::Timestamp { .. } => {
            kinds.iter().all(|kind| matches!(kind, Kind::Date | Kind::DateTime | Kind::Text))
        }
        _ => false,
    }
}

/// In a column of text a word is a word; an error is none anywhere.
fn nulls(column: &ColumnDecision, seen: &Seen, pins: &Pins) -> Vec<String> {
    let is_text = column.kind == ColumnKind::Text && pins.nulls.is_none();
    seen.nulls.keys().filter(|word| !is_text || is_error(word)).cloned().collect()
}

fn told(column: &ColumnDecision, seen: &Seen) -> Vec<String> {
    let errors =
        seen.nulls.iter().filter(|(word, _)| column.nulls.contains(word) && is_error(word));
    errors
        .map(|(word, (count, row))| {
            format!(
                "{}: {count} cells with {word}, the first in row {}, are read as null",
                column.name,
                row + 1
            )
        })
        .collect()
}

fn is_error(word: &str) -> bool {
    word.starts_with('#')
}
