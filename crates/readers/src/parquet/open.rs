//! A Parquet file from its footer on.

use crate::contain::contained;
use crate::decision::Decision;
use crate::error::ReadError;
use crate::format::{Compression, Format};
use crate::input::Input;
use crate::native::{NativeBlocks, NativeColumns};
use crate::pins::Pins;
use crate::reading::Reading;
use crate::settings::Settings;
use crate::source::Random;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetStatisticsPolicy};

const WRAPPINGS: [&str; 6] = [
    "External: ",
    "Parquet argument error: ",
    "Parquet error: ",
    "EOF: ",
    "Arrow: ",
    "Invalid argument error: ",
];

pub(crate) fn open(
    input: &Input,
    compression: Option<Compression>,
    pins: &Pins,
    settings: &Settings,
) -> Result<Reading, ReadError> {
    let chunks = Random::open(input, compression, settings)?;
    let metadata = contained(Format::Parquet, || {
        // Statistics are not used, and some writers left ones that cannot be read.
        let options = ArrowReaderOptions::new()
            .with_column_stats_policy(ParquetStatisticsPolicy::SkipAll)
            .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll)
            .with_encoding_stats_policy(ParquetStatisticsPolicy::SkipAll);
        ArrowReaderMetadata::load(&chunks, options).map_err(|error| damaged(&error))
    })?;
    let columns = NativeColumns::new(Format::Parquet, metadata.schema(), pins, settings)?;
    let decision = Decision {
        format: Format::Parquet,
        compression,
        encoding: None,
        layout: None,
        records_at: None,
        columns: columns.decided.clone(),
        proven_by_all: true,
        notes: Vec::new(),
    };
    let reader = contained(Format::Parquet, || reader(chunks, metadata, &columns, settings))?;
    let schema = columns.schema.clone();
    let batches =
        reader.map(move |batch| columns.of_wanted(&batch.map_err(|error| damaged(&error.into()))?));
    Ok(Reading::new(
        decision,
        schema,
        NativeBlocks::new(Format::Parquet, batches, settings.rows_max),
    ))
}

fn reader(
    chunks: Random,
    metadata: ArrowReaderMetadata,
    columns: &NativeColumns,
    settings: &Settings,
) -> Result<ParquetRecordBatchReader, ReadError> {
    let wanted = ProjectionMask::roots(metadata.parquet_schema(), columns.wanted.iter().copied());
    let rows = batch_rows(metadata.metadata(), settings);
    ParquetRecordBatchReaderBuilder::new_with_metadata(chunks, metadata)
        .with_projection(wanted)
        .with_batch_size(rows)
        .build()
        .map_err(|error| damaged(&error))
}

/// Rows of the size that the widest row group has on average, so that a block of long texts stays small.
fn batch_rows(metadata: &ParquetMetaData, settings: &Settings) -> usize {
    let row_bytes = |bytes: i64, rows: i64| {
        u64::try_from(bytes).unwrap_or(0) / u64::try_from(rows).unwrap_or(1).max(1)
    };
    let widest = metadata
        .row_groups()
        .iter()
        .map(|group| row_bytes(group.total_byte_size(), group.num_rows()))
        .max()
        .unwrap_or(0);
    let fitting = settings.block_bytes as u64 / widest.max(1);
    usize::try_from(fitting).unwrap_or(settings.rows_max).clamp(1, settings.rows_max.max(1))
}

/// Errors come wrapped in what passed them on.
fn damaged(error: &ParquetError) -> ReadError {
    let said = error.to_string();
    let mut reason = said.as_str();
    while let Some(inner) = WRAPPINGS.iter().find_map(|wrapping| reason.strip_prefix(wrapping)) {
        reason = inner;
    }
    ReadError::Damaged { format: Format::Parquet, reason: reason.to_owned() }
}
