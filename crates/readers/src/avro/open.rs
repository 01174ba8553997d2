//! An Avro container file, from its beginning.

use crate::avro::blocks::{Blocks, Finding};
use crate::avro::header::Counted;
use crate::avro::records::Records;
use crate::contain::contained;
use crate::decision::Decision;
use crate::error::ReadError;
use crate::format::{Compression, Format};
use crate::input::Input;
use crate::native::{NativeBlocks, NativeColumns};
use crate::pins::Pins;
use crate::reading::Reading;
use crate::settings::Settings;
use crate::source::open_unpacked;
use arrow_array::RecordBatch;
use arrow_avro::reader::{Reader, ReaderBuilder};
use std::io::{BufReader, Read};
use std::sync::PoisonError;

type Container = BufReader<Box<dyn Read + Send>>;
type Library = Reader<BufReader<Blocks<Container>>>;

pub(crate) fn open(
    input: &Input,
    compression: Option<Compression>,
    pins: &Pins,
    settings: &Settings,
) -> Result<Reading, ReadError> {
    let (_, reader) = open_unpacked(input, settings)?;
    let mut container = Counted::new(BufReader::with_capacity(256 << 10, reader));
    let mut header = container.header()?;
    header.wrap()?;
    let records = Records::new(&header.schema).map_err(damaged)?;
    let mut blocks = Blocks::new(container, header, records);
    let finding = blocks.finding();
    let fitting = settings.block_bytes as u64 / blocks.record_bytes().max(1);
    let rows =
        usize::try_from(fitting).unwrap_or(settings.rows_max).clamp(1, settings.rows_max.max(1));
    let reader: Library = contained(Format::Avro, || {
        let buffered = BufReader::with_capacity(256 << 10, blocks);
        ReaderBuilder::new()
            .with_batch_size(rows)
            .build(buffered)
            .map_err(|error| damaged(error.to_string()))
    })?;
    let columns = NativeColumns::new(Format::Avro, &reader.schema(), pins, settings)?;
    let decision = Decision {
        format: Format::Avro,
        compression,
        encoding: None,
        layout: None,
        records_at: None,
        columns: columns.decided.clone(),
        proven_by_all: true,
        notes: Vec::new(),
    };
    let schema = columns.schema.clone();
    let batches = Checked { reader: Some(reader), columns, finding, records: 0 };
    Ok(Reading::new(decision, schema, NativeBlocks::new(Format::Avro, batches, settings.rows_max)))
}

/// What was wrong with the container comes behind the records before it; and as many records come as there are.
struct Checked {
    reader: Option<Library>,
    columns: NativeColumns,
    finding: Finding,
    records: u64,
}

impl Iterator for Checked {
    type Item = Result<RecordBatch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.reader.as_mut()?.next() {
            Some(Ok(batch)) => {
                self.records += batch.num_rows() as u64;
                Some(self.columns.of_all(&batch))
            }
            Some(Err(error)) => {
                self.reader = None;
                Some(Err(damaged(format!("{error}, in a record after number {}", self.records))))
            }
            None => {
                self.reader = None;
                self.conclude().map(Err)
            }
        }
    }
}

impl Checked {
    fn conclude(&self) -> Option<ReadError> {
        let mut finding = self.finding.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = || {
            damaged(format!(
                "it has {} records, and {} could be read",
                finding.records, self.records
            ))
        };
        let short = (finding.records != self.records).then(missing);
        finding.error.take().or(short)
    }
}

fn damaged(reason: impl Into<String>) -> ReadError {
    ReadError::Damaged { format: Format::Avro, reason: reason.into() }
}
