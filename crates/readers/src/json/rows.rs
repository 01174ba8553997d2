//! Records to rows: what each is, its columns, and the block that a piece becomes.

use super::column::{Column, Members};
use super::records::Piece;
use super::shape::{Shape, misfit};
use super::text::{Fault, Result, Text};
use crate::decision::{ColumnDecision, ColumnKind};
use crate::error::ReadError;
use crate::reading::{Block, Reject};
use crate::table::shown;
use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use memchr::memchr_iter;
use std::sync::Arc;

/// More names than these are no columns.
const COLUMNS_MAX: usize = 20_000;

/// What every record of the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowKind {
    Object,
    /// `column_1`, `column_2`, ...
    Array,
    /// One column, `value`.
    Value,
}

/// What was seen of the records.
#[derive(Debug, Default)]
pub(super) struct Survey {
    objects: Shape,
    items: Vec<Shape>,
    values: Shape,
    counts: [u64; 3],
    pub first_fault: Option<(usize, String)>,
}

impl Survey {
    pub fn see(&mut self, record: &[u8], at: usize) {
        if str::from_utf8(record).is_err() {
            self.first_fault.get_or_insert((at, "it is no UTF-8".to_owned()));
            return;
        }
        // A record that cannot be read says nothing of the columns.
        if let Err(fault) = whole(record, |text| text.skip(0)) {
            self.first_fault.get_or_insert((at + fault.at, fault.reason));
            return;
        }
        let seen = match record.first() {
            Some(b'{') => {
                self.counts[0] += 1;
                self.objects.see(&mut Text::new(record), 0)
            }
            Some(b'[') => {
                self.counts[1] += 1;
                self.see_items(record)
            }
            Some(b'n') => Ok(()),
            _ => {
                self.counts[2] += 1;
                Ok(())
            }
        };
        let seen = seen.and_then(|()| self.values.see(&mut Text::new(record), 0));
        if let Err(fault) = seen {
            self.first_fault.get_or_insert((at + fault.at, fault.reason));
        }
    }

    fn see_items(&mut self, record: &[u8]) -> Result<()> {
        let (mut next, items) = (0, &mut self.items);
        Text::new(record).array(0, |text| {
            if items.len() == next {
                items.push(Shape::default());
            }
            next += 1;
            items[next - 1].see(text, 1)
        })
    }

    pub fn is_empty(&self) -> bool {
        self.values.filled + self.values.nulls == 0
    }

    fn kind(&self) -> RowKind {
        let names = self.objects.members.as_ref().map_or(0, |members| members.shapes.len());
        match self.counts {
            [_, 0, 0] if self.counts[0] > 0 && (1..=COLUMNS_MAX).contains(&names) => {
                RowKind::Object
            }
            [0, _, 0] if self.counts[1] > 0 && (1..=COLUMNS_MAX).contains(&self.items.len()) => {
                RowKind::Array
            }
            _ => RowKind::Value,
        }
    }
}

/// How rows are made.
#[derive(Debug)]
pub(super) struct Rows {
    kind: RowKind,
    shapes: Vec<(String, Shape)>,
    fields: Fields,
    wanted: Vec<bool>,
    pub schema: SchemaRef,
    passes_unknown: bool,
}

impl Rows {
    pub fn new(survey: Survey, wanted: Option<&[String]>) -> Self {
        let kind = survey.kind();
        let shapes = match kind {
            RowKind::Object => {
                survey.objects.members.map(|members| members.shapes).unwrap_or_default()
            }
            RowKind::Array => (1..).map(|n| format!("column_{n}")).zip(survey.items).collect(),
            RowKind::Value => vec![("value".to_owned(), survey.values)],
        };
        let field = |(name, shape): &(String, Shape)| {
            Field::new(name, shape.data_type().unwrap_or(DataType::Utf8), true)
        };
        let fields: Fields = shapes.iter().map(field).collect();
        let is_wanted = |name: &String| wanted.is_none_or(|wanted| wanted.contains(name));
        let passes_unknown = wanted.is_some();
        let wanted: Vec<bool> = shapes.iter().map(|(name, _)| is_wanted(name)).collect();
        let kept = fields
            .iter()
            .zip(&wanted)
            .filter(|(_, wanted)| **wanted)
            .map(|(field, _)| field.clone());
        let schema = Arc::new(Schema::new(kept.collect::<Fields>()));
        Self { kind, shapes, fields, wanted, schema, passes_unknown }
    }

    pub fn decisions(&self) -> Vec<ColumnDecision> {
        let decision = |((name, shape), field): (&(String, Shape), &Arc<Field>)| ColumnDecision {
            name: name.clone(),
            kind: ColumnKind::Native,
            data_type: field.data_type().clone(),
            evidence: shape.evidence(),
            nulls: Vec::new(),
        };
        self.shapes.iter().zip(&self.fields).map(decision).collect()
    }

    fn members(&self) -> Members {
        let columns = self.shapes.iter().zip(&self.wanted);
        let columns = columns
            .map(|((_, shape), wanted)| if *wanted { column(shape) } else { Column::unwanted() });
        Members::new(self.fields.clone(), columns.collect(), self.passes_unknown)
    }

    pub fn block(&self, piece: &Piece) -> std::result::Result<Block, ReadError> {
        let mut members = self.members();
        let is_text = str::from_utf8(&piece.text).is_ok();
        let (mut numbers, mut offsets, mut rejects) = (Vec::new(), Vec::new(), Vec::new());
        for (number, (start, end)) in (piece.number..).zip(&piece.records) {
            let record = &piece.text[*start..*end];
            let before = members.len();
            let pushed = if is_text || str::from_utf8(record).is_ok() {
                whole(record, |text| self.push(&mut members, text))
            } else {
                Err(Fault {
                    at: 0,
                    column: None,
                    reason: "it is no UTF-8".to_owned(),
                    is_cut: false,
                })
            };
            match pushed {
                Ok(()) => {
                    numbers.push(number);
                    offsets.push(piece.offset + *start as u64);
                }
                Err(fault) => {
                    members.truncate(before);
                    rejects.push(reject(piece, (*start, *end), number, fault));
                }
            }
        }
        if let Some(tail) = &piece.tail {
            let number = piece.number + piece.records.len() as u64;
            let fault = Fault { at: 0, column: None, reason: tail.reason.clone(), is_cut: false };
            rejects.push(reject(piece, (tail.at, piece.text.len()), number, fault));
        }
        let (_, columns, len) = members.finish()?;
        let options = RecordBatchOptions::new().with_row_count(Some(len));
        let rows = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        Ok(Block { rows, numbers, offsets: Some(offsets), rejects })
    }

    fn push(&self, members: &mut Members, text: &mut Text<'_>) -> Result<()> {
        match (self.kind, text.peek()) {
            (RowKind::Value, _) => members.push_value(text),
            (_, Some(b'n')) => {
                text.literal("null")?;
                members.push_null();
                Ok(())
            }
            (RowKind::Object, Some(b'{')) => members.push(text, 0),
            (RowKind::Array, Some(b'[')) => members.push_items(text),
            (kind, _) => {
                text.skip(0)?;
                let wanted = if kind == RowKind::Object {
                    "object, as the others are"
                } else {
                    "array, as the others are"
                };
                misfit(text, 0, wanted)
            }
        }
    }
}

/// All of the record must be one value.
fn whole(record: &[u8], read: impl FnOnce(&mut Text<'_>) -> Result<()>) -> Result<()> {
    let mut text = Text::new(record);
    read(&mut text)?;
    text.blanks();
    if text.at < record.len() { text.unexpected("the end of the record") } else { Ok(()) }
}

fn reject(piece: &Piece, (start, end): (usize, usize), row: u64, fault: Fault) -> Reject {
    let line = piece.line + memchr_iter(b'\n', &piece.text[..start]).count() as u64;
    Reject {
        row,
        line: Some(line),
        offset: Some(piece.offset + start as u64),
        column: fault.column,
        reason: fault.reason,
        record: Some(shown(&piece.text[start..end])),
    }
}

fn column(shape: &Shape) -> Column {
    let Some(data_type) = shape.data_type() else { return Column::new(&DataType::Utf8, true) };
    match (&data_type, shape.item(), &shape.members) {
        (DataType::List(field), Some(item), _) => Column::list(column(item), field.clone()),
        (DataType::Struct(fields), _, Some(members)) => {
            let columns = members.shapes.iter().map(|(_, shape)| column(shape)).collect();
            Column::members(Members::new(fields.clone(), columns, false))
        }
        _ => Column::new(&data_type, false),
    }
}
