//! Batches as a library gives them, as blocks of at most the rows that are allowed.

use crate::contain::contained;
use crate::error::ReadError;
use crate::format::Format;
use crate::reading::Block;
use arrow_array::RecordBatch;

/// After an error there is nothing more.
pub(crate) struct NativeBlocks<B> {
    format: Format,
    /// None when they are at their end.
    batches: Option<B>,
    /// What is left of the last batch.
    rest: Option<RecordBatch>,
    /// Rows that were given.
    rows: u64,
    rows_max: usize,
}

impl<B: Iterator<Item = Result<RecordBatch, ReadError>>> NativeBlocks<B> {
    pub(crate) fn new(format: Format, batches: B, rows_max: usize) -> Self {
        Self { format, batches: Some(batches), rest: None, rows: 0, rows_max: rows_max.max(1) }
    }

    fn batch(&mut self) -> Option<Result<RecordBatch, ReadError>> {
        if let Some(rest) = self.rest.take() {
            return Some(Ok(rest));
        }
        let format = self.format;
        let batches = self.batches.as_mut()?;
        let next = contained(format, || batches.next().transpose()).transpose();
        if !matches!(next, Some(Ok(_))) {
            self.batches = None;
        }
        next
    }
}

impl<B: Iterator<Item = Result<RecordBatch, ReadError>>> Iterator for NativeBlocks<B> {
    type Item = Result<Block, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = loop {
            match self.batch()? {
                Ok(batch) if batch.num_rows() == 0 => {}
                Ok(batch) => break batch,
                Err(error) => return Some(Err(error)),
            }
        };
        let len = batch.num_rows().min(self.rows_max);
        if len < batch.num_rows() {
            self.rest = Some(batch.slice(len, batch.num_rows() - len));
        }
        let numbers = (self.rows + 1..=self.rows + len as u64).collect();
        self.rows += len as u64;
        Some(Ok(Block { rows: batch.slice(0, len), numbers, offsets: None, rejects: Vec::new() }))
    }
}
