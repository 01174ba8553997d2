//! One column of a block: its cells as values. This is where most of the time of a large file goes.

use super::cells::{Cell, Cells};
use super::kinds;
use super::moment::{Moment, MomentFormat, MomentFormatError};
use super::number::{self, NumberFormat};
use super::proof::trim;
use crate::decision::{ColumnDecision, ColumnKind};
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float64Type, Int64Type, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampNanosecondType, UInt64Type,
};
use arrow_array::{ArrayRef, BooleanArray, PrimitiveArray, StringArray};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, TimeUnit};
use std::sync::Arc;

/// How the cells of a column are read.
#[derive(Debug)]
pub struct Column {
    pub name: String,
    pub type_name: String,
    pub data_type: DataType,
    /// Among the cells of a row.
    place: usize,
    reader: Reader,
    nulls: Vec<String>,
    /// The type was pinned: `007` is then the number 7.
    zeros_allowed: bool,
}

#[derive(Debug)]
enum Reader {
    Text,
    Bool { yes: String, no: String },
    Int64,
    UInt64,
    GroupedInt64(NumberFormat),
    Decimal { format: NumberFormat, precision: u8, scale: i8 },
    Float64(NumberFormat),
    IsoDate(MomentFormat),
    Date(MomentFormat),
    Time(MomentFormat),
    IsoTimestamp { format: MomentFormat, separator: u8, zoned: bool },
    Timestamp(MomentFormat),
}

/// A cell that is no value of its column.
#[derive(Debug)]
pub struct Misfit {
    pub row: usize,
    pub cell: Cell,
}

impl Column {
    pub fn new(
        decision: &ColumnDecision,
        place: usize,
        pinned: bool,
    ) -> Result<Self, MomentFormatError> {
        let reader = match &decision.kind {
            ColumnKind::Text | ColumnKind::Native => Reader::Text,
            ColumnKind::Bool { yes, no } => Reader::Bool { yes: yes.clone(), no: no.clone() },
            ColumnKind::Int64 => Reader::Int64,
            ColumnKind::UInt64 => Reader::UInt64,
            ColumnKind::Decimal { precision, scale, point, thousands } => {
                let format = NumberFormat { point: *point, thousands: *thousands };
                match decision.data_type {
                    DataType::Int64 => Reader::GroupedInt64(format),
                    _ => Reader::Decimal { format, precision: *precision, scale: *scale },
                }
            }
            ColumnKind::Float64 { point, thousands } => {
                Reader::Float64(NumberFormat { point: *point, thousands: *thousands })
            }
            ColumnKind::Date(format) if format == "%Y-%m-%d" => {
                Reader::IsoDate(MomentFormat::compile(format)?)
            }
            ColumnKind::Date(format) => Reader::Date(MomentFormat::compile(format)?),
            ColumnKind::Time(format) => Reader::Time(MomentFormat::compile(format)?),
            ColumnKind::Timestamp { format, zoned } => {
                Self::timestamp(format, *zoned, &decision.data_type)?
            }
        };
        Ok(Self {
            name: decision.name.clone(),
            type_name: decision.type_name(),
            data_type: decision.data_type.clone(),
            place,
            reader,
            nulls: decision.nulls.clone(),
            zeros_allowed: pinned,
        })
    }

    fn timestamp(
        format: &str,
        zoned: bool,
        data_type: &DataType,
    ) -> Result<Reader, MomentFormatError> {
        let micros = *data_type == kinds::timestamp(TimeUnit::Microsecond, zoned);
        let iso = format.strip_prefix("%Y-%m-%d").and_then(|rest| {
            let separator = *rest.as_bytes().first()?;
            let zone = rest[1..].strip_prefix("%H:%M:%S%.f")?;
            (micros && zone == if zoned { "%z" } else { "" }).then_some(separator)
        });
        let format = MomentFormat::compile(format)?;
        Ok(match iso {
            Some(separator) => Reader::IsoTimestamp { format, separator, zoned },
            None => Reader::Timestamp(format),
        })
    }

    /// Its array over all rows; null where a cell is a misfit.
    pub fn build(&self, cells: &Cells, misfits: &mut Vec<Misfit>) -> Result<ArrayRef, ArrowError> {
        let zeros = self.zeros_allowed;
        Ok(match &self.reader {
            Reader::Text => Arc::new(self.text(cells)?),
            Reader::Bool { yes, no } => {
                Arc::new(self.bools(cells, misfits, yes.as_bytes(), no.as_bytes()))
            }
            Reader::Int64 => self.values::<Int64Type>(cells, misfits, |text, at, end| {
                number::int64(text, at, end, zeros)
            }),
            Reader::UInt64 => self.values::<UInt64Type>(cells, misfits, |text, at, end| {
                number::uint64(text, at, end, zeros)
            }),
            Reader::GroupedInt64(format) => {
                self.values::<Int64Type>(cells, misfits, |text, at, end| {
                    number::decimal(text, at, end, *format, 19, 0)
                        .and_then(|value| i64::try_from(value).ok())
                })
            }
            Reader::Decimal { format, precision, scale } => {
                let scale = u32::from(scale.unsigned_abs());
                self.values::<Decimal128Type>(cells, misfits, |text, at, end| {
                    number::decimal(text, at, end, *format, *precision, scale)
                })
            }
            Reader::Float64(format) => {
                self.values::<Float64Type>(cells, misfits, |text, at, end| {
                    number::float64(text, at, end, *format)
                })
            }
            // Months and days of one digit are rare, and read the long way.
            Reader::IsoDate(format) => {
                self.values::<Date32Type>(cells, misfits, |text, at, end| {
                    let text = &text[at..end];
                    Some(Moment::iso_date(text).or_else(|| format.read(text))?.days())
                })
            }
            Reader::IsoTimestamp { format, separator, zoned } => self
                .values::<TimestampMicrosecondType>(cells, misfits, |text, at, end| {
                    let text = &text[at..end];
                    let iso = Moment::iso(text, *separator, *zoned);
                    iso.or_else(|| format.read(text))?.unix_micros()
                }),
            Reader::Date(format) => {
                self.moments::<Date32Type>(cells, misfits, format, |moment| Some(moment.days()))
            }
            Reader::Time(format) => match self.data_type {
                DataType::Time64(TimeUnit::Nanosecond) => {
                    self.moments::<Time64NanosecondType>(cells, misfits, format, |moment| {
                        Some(moment.nanos_of_day())
                    })
                }
                _ => self.moments::<Time64MicrosecondType>(
                    cells,
                    misfits,
                    format,
                    Moment::micros_of_day,
                ),
            },
            Reader::Timestamp(format) => match self.data_type {
                DataType::Timestamp(TimeUnit::Nanosecond, _) => self
                    .moments::<TimestampNanosecondType>(cells, misfits, format, Moment::unix_nanos),
                _ => self.moments::<TimestampMicrosecondType>(
                    cells,
                    misfits,
                    format,
                    Moment::unix_micros,
                ),
            },
        })
    }

    fn moments<T: ArrowPrimitiveType>(
        &self,
        cells: &Cells,
        misfits: &mut Vec<Misfit>,
        format: &MomentFormat,
        value: impl Fn(&Moment) -> Option<T::Native>,
    ) -> ArrayRef {
        self.values::<T>(cells, misfits, |text, at, end| value(&format.read(&text[at..end])?))
    }

    /// `read` gets the text of the block and where in it the cell begins and ends.
    fn values<T: ArrowPrimitiveType>(
        &self,
        cells: &Cells,
        misfits: &mut Vec<Misfit>,
        read: impl Fn(&[u8], usize, usize) -> Option<T::Native>,
    ) -> ArrayRef {
        let rows = cells.rows.len();
        let mut values: Vec<T::Native> = Vec::with_capacity(rows);
        let mut nulls = NullBufferBuilder::new(rows);
        let column = cells.cells.iter().skip(self.place).step_by(cells.width.max(1));
        for (row, cell) in column.enumerate() {
            if let Some(value) = read(&cells.text, cell.start(), cell.end()) {
                values.push(value);
                nulls.append_non_null();
                continue;
            }
            let value = self.unlike(cells, row, *cell, misfits, &read);
            nulls.append(value.is_some());
            values.push(value.unwrap_or_default());
        }
        let array = PrimitiveArray::<T>::new(ScalarBuffer::from(values), nulls.finish());
        Arc::new(array.with_data_type(self.data_type.clone()))
    }

    /// A cell that is no value at first sight: none, a value between blanks, or a misfit.
    #[cold]
    fn unlike<V>(
        &self,
        cells: &Cells,
        row: usize,
        cell: Cell,
        misfits: &mut Vec<Misfit>,
        read: impl Fn(&[u8], usize, usize) -> Option<V>,
    ) -> Option<V> {
        let text = cells.bytes(cell);
        let trimmed = trim(text);
        if self.is_null(trimmed) {
            return None;
        }
        let before = text.len() - text.trim_ascii_start().len();
        let value = (trimmed.len() < text.len())
            .then(|| {
                let start = cell.start() + before;
                read(&cells.text, start, start + trimmed.len())
            })
            .flatten();
        if value.is_none() {
            misfits.push(Misfit { row, cell });
        }
        value
    }

    fn is_null(&self, text: &[u8]) -> bool {
        text.is_empty() || self.nulls.iter().any(|word| word.as_bytes() == text)
    }

    fn bools(
        &self,
        cells: &Cells,
        misfits: &mut Vec<Misfit>,
        yes: &[u8],
        no: &[u8],
    ) -> BooleanArray {
        let rows = cells.rows.len();
        let mut values = BooleanBufferBuilder::new(rows);
        let mut nulls = NullBufferBuilder::new(rows);
        let read = |text: &[u8], at: usize, end: usize| match &text[at..end] {
            word if word == yes => Some(true),
            word if word == no => Some(false),
            _ => None,
        };
        for row in 0..rows {
            let cell = cells.cell(row, self.place);
            let value = read(&cells.text, cell.start(), cell.end())
                .or_else(|| self.unlike(cells, row, cell, misfits, read));
            nulls.append(value.is_some());
            values.append(value.unwrap_or_default());
        }
        BooleanArray::new(values.finish(), nulls.finish())
    }

    /// Only what is not there at all is null, besides what READER says.
    fn text(&self, cells: &Cells) -> Result<StringArray, ArrowError> {
        let rows = cells.rows.len();
        let column = || cells.cells.iter().skip(self.place).step_by(cells.width.max(1));
        let mut values = Vec::with_capacity(column().map(|cell| cell.len()).sum());
        let mut offsets = Vec::with_capacity(rows + 1);
        let mut nulls = NullBufferBuilder::new(rows);
        offsets.push(0);
        for cell in column() {
            let text = cells.bytes(*cell);
            let is_null = if text.is_empty() {
                !cell.is_quoted()
            } else {
                !self.nulls.is_empty() && self.is_null(text)
            };
            if is_null {
                nulls.append_null();
            } else {
                values.extend_from_slice(text);
                nulls.append_non_null();
            }
            offsets.push(values.len() as i32);
        }
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        StringArray::try_new(offsets, Buffer::from_vec(values), nulls.finish())
    }
}
