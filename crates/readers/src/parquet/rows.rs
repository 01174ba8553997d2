//! As many rows as the row groups have: the library believes the count in the footer, which one old writer left at none.

use crate::error::ReadError;
use crate::format::Format;
use arrow_array::RecordBatch;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::{FileMetaData, ParquetMetaData};
use std::sync::Arc;

/// The rows of all groups, and the metadata with that count.
pub(super) fn counted(metadata: ArrowReaderMetadata) -> (ArrowReaderMetadata, u64) {
    let groups = metadata.metadata().row_groups();
    let rows = groups.iter().map(|group| group.num_rows().max(0)).fold(0, i64::saturating_add);
    let file = metadata.metadata().file_metadata();
    let count = rows.cast_unsigned();
    if file.num_rows() == rows {
        return (metadata, count);
    }
    let file = FileMetaData::new(
        file.version(),
        rows,
        file.created_by().map(str::to_owned),
        file.key_value_metadata().cloned(),
        file.schema_descr_ptr(),
        file.column_orders().cloned(),
    );
    let corrected = Arc::new(ParquetMetaData::new(file, groups.to_vec()));
    let corrected = ArrowReaderMetadata::try_new(corrected, ArrowReaderOptions::new());
    (corrected.unwrap_or(metadata), count)
}

/// Batches, and an error if they end before all rows were there.
pub(super) struct Whole<B> {
    batches: B,
    due: u64,
    read: u64,
    ended: bool,
}

impl<B> Whole<B> {
    pub(super) fn new(batches: B, due: u64) -> Self {
        Self { batches, due, read: 0, ended: false }
    }
}

impl<B: Iterator<Item = Result<RecordBatch, ReadError>>> Iterator for Whole<B> {
    type Item = Result<RecordBatch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.batches.next();
        match &next {
            Some(Ok(batch)) => self.read += batch.num_rows() as u64,
            Some(Err(_)) => self.ended = true,
            None if self.read < self.due && !self.ended => {
                self.ended = true;
                let reason = format!("it speaks of {} rows, and {} are there", self.due, self.read);
                return Some(Err(ReadError::Damaged { format: Format::Parquet, reason }));
            }
            None => {}
        }
        next
    }
}
