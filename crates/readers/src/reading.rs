//! A file that is being read: what was decided about it, and its rows, block by block.

use crate::decision::Decision;
use crate::detect::{HEAD_BYTES, detect};
use crate::error::ReadError;
use crate::format::{Compression, Format};
use crate::input::Input;
use crate::pins::Pins;
use crate::settings::Settings;
use crate::source::{head, open_unpacked};
use crate::{arrow, avro, csv, json, parquet};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

/// Rows that follow each other in the file, and what could not be read between them.
#[derive(Debug)]
pub struct Block {
    pub rows: RecordBatch,
    /// Of each row its number in the file, from 1, headers and what is skipped not counted; refused rows count.
    pub numbers: Vec<u64>,
    /// Of each row the byte at which it begins in the unpacked file; None where the format has no such place.
    pub offsets: Option<Vec<u64>>,
    pub rejects: Vec<Reject>,
}

/// A row that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    pub row: u64,
    /// From 1, in the unpacked file.
    pub line: Option<u64>,
    /// In the unpacked file.
    pub offset: Option<u64>,
    pub column: Option<String>,
    pub reason: String,
    /// As it stands in the file, decoded; what is no text is escaped, what is long is cut.
    pub record: Option<String>,
}

pub struct Reading {
    pub decision: Decision,
    /// Of every block's rows: the wanted columns, in the file's order.
    pub schema: SchemaRef,
    blocks: Box<dyn Iterator<Item = Result<Block, ReadError>> + Send>,
}

impl Reading {
    pub(crate) fn new(
        decision: Decision,
        schema: SchemaRef,
        blocks: impl Iterator<Item = Result<Block, ReadError>> + Send + 'static,
    ) -> Self {
        Self { decision, schema, blocks: Box::new(blocks) }
    }
}

impl Iterator for Reading {
    type Item = Result<Block, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.blocks.next()
    }
}

type NativeOpen =
    fn(&Input, Option<Compression>, &Pins, &Settings) -> Result<Reading, ReadError>;

/// Decides what the file is, as far as `pins` leaves it open, and begins to read it.
pub fn open(input: &Input, pins: &Pins, settings: &Settings) -> Result<Reading, ReadError> {
    let head = head(input, settings, HEAD_BYTES)?;
    if head.is_empty() {
        return Err(ReadError::Empty);
    }
    let format = match pins.format {
        Some(format) => format,
        None => detect(&head)?,
    };
    let native = |open: NativeOpen| {
        let (compression, _) = open_unpacked(input, settings)?;
        open(input, compression, pins, settings)
    };
    match format {
        Format::Csv => csv::open(input, pins, settings),
        Format::Json | Format::Ndjson => json::open(input, pins, settings),
        Format::Parquet => native(parquet::open),
        Format::Avro => native(avro::open),
        Format::Arrow => native(arrow::open),
    }
}
