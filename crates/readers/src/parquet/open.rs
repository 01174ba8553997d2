//! A Parquet file from its footer on.

use crate::decision::Decision;
use crate::error::ReadError;
use crate::format::{Compression, Format};
use crate::input::Input;
use crate::native::{NativeBlocks, NativeColumns};
use crate::parquet::int96::widened;
use crate::parquet::rows::{Whole, counted};
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
    // Statistics are not used, and some writers left ones that cannot be read.
    let options = ArrowReaderOptions::new()
        .with_column_stats_policy(ParquetStatisticsPolicy::SkipAll)
        .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll)
        .with_encoding_stats_policy(ParquetStatisticsPolicy::SkipAll);
    let metadata = ArrowReaderMetadata::load(&chunks, options).map_err(|error| damaged(&error))?;
    let (metadata, rows) = counted(metadata);
    let (metadata, notes) = widened(&chunks, metadata);
    let columns = NativeColumns::new(Format::Parquet, metadata.schema(), pins, settings)?;
    let decision = Decision {
        format: Format::Parquet,
        compression,
        encoding: None,
        layout: None,
        records_at: None,
        columns: columns.decided.clone(),
        proven_by_all: true,
        notes,
    };
    let reader = reader(chunks, metadata, &columns, settings)?;
    let schema = columns.schema.clone();
    let batches =
        reader.map(move |batch| columns.of_wanted(&batch.map_err(|error| damaged(&error.into()))?));
    let blocks = NativeBlocks::new(Whole::new(batches, rows), settings.rows_max);
    Ok(Reading::new(decision, schema, blocks).of_rows(rows))
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
