//! An Arrow IPC file from its footer on, or a stream from its beginning.

use crate::arrow::check::{CheckedStream, check_file};
use crate::arrow::looks_like::is_file;
use crate::decision::Decision;
use crate::error::ReadError;
use crate::format::{Compression, Format};
use crate::input::Input;
use crate::native::{NativeBlocks, NativeColumns};
use crate::pins::Pins;
use crate::reading::Reading;
use crate::settings::Settings;
use crate::source::{Random, RandomCursor, head, open_unpacked};
use arrow_ipc::reader::{FileReader, FileReaderBuilder, StreamReader};
use arrow_schema::{ArrowError, Schema};
use std::io::{BufReader, Read};

type Stream = StreamReader<BufReader<CheckedStream<Box<dyn Read + Send>>>>;

pub(crate) fn open(
    input: &Input,
    compression: Option<Compression>,
    pins: &Pins,
    settings: &Settings,
) -> Result<Reading, ReadError> {
    if is_file(&head(input, settings, 8)?) {
        file(input, compression, pins, settings)
    } else {
        stream(input, compression, pins, settings)
    }
}

fn file(
    input: &Input,
    compression: Option<Compression>,
    pins: &Pins,
    settings: &Settings,
) -> Result<Reading, ReadError> {
    let random = Random::open(input, compression, settings)?;
    check_file(&random).map_err(|reason| ReadError::Damaged { format: Format::Arrow, reason })?;
    let build = |builder: FileReaderBuilder| builder.build(random.cursor()).map_err(damaged);
    let whole: FileReader<RandomCursor> = build(FileReaderBuilder::new())?;
    let columns = NativeColumns::new(Format::Arrow, &whole.schema(), pins, settings)?;
    let decision = decision(compression, &columns, "IPC file");
    let schema = columns.schema.clone();
    if columns.wanted.len() == whole.schema().fields().len() {
        let batches = whole.map(move |batch| columns.of_all(&batch.map_err(damaged)?));
        return Ok(Reading::new(decision, schema, NativeBlocks::new(batches, settings.rows_max)));
    }
    let picked = build(FileReaderBuilder::new().with_projection(columns.wanted.clone()))?;
    let batches = picked.map(move |batch| columns.of_wanted(&batch.map_err(damaged)?));
    Ok(Reading::new(decision, schema, NativeBlocks::new(batches, settings.rows_max)))
}

fn stream(
    input: &Input,
    compression: Option<Compression>,
    pins: &Pins,
    settings: &Settings,
) -> Result<Reading, ReadError> {
    let (_, reader) = open_unpacked(input, settings)?;
    let reader: Stream =
        StreamReader::try_new(BufReader::new(CheckedStream::new(reader)), None).map_err(damaged)?;
    let file_schema: &Schema = &reader.schema();
    let columns = NativeColumns::new(Format::Arrow, file_schema, pins, settings)?;
    let decision = decision(compression, &columns, "IPC stream");
    let schema = columns.schema.clone();
    let batches = reader.map(move |batch| columns.of_all(&batch.map_err(damaged)?));
    Ok(Reading::new(decision, schema, NativeBlocks::new(batches, settings.rows_max)))
}

fn decision(compression: Option<Compression>, columns: &NativeColumns, kind: &str) -> Decision {
    Decision {
        format: Format::Arrow,
        compression,
        encoding: None,
        layout: None,
        records_at: None,
        columns: columns.decided.clone(),
        proven_by_all: true,
        notes: vec![kind.to_owned()],
    }
}

fn damaged(error: ArrowError) -> ReadError {
    match error {
        ArrowError::IoError(_, error) => match ReadError::from(error) {
            ReadError::Io(error) if error.raw_os_error().is_none() => {
                ReadError::Damaged { format: Format::Arrow, reason: error.to_string() }
            }
            error => error,
        },
        ArrowError::ParseError(reason)
        | ArrowError::IpcError(reason)
        | ArrowError::InvalidArgumentError(reason) => {
            ReadError::Damaged { format: Format::Arrow, reason }
        }
        error => ReadError::Damaged { format: Format::Arrow, reason: error.to_string() },
    }
}
