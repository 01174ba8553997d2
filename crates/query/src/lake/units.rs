//! What is read at a time: one row group of one file.

use super::topic::TopicFile;
use datafusion::error::{DataFusionError, Result};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use std::sync::Arc;

const BATCH_ROWS: usize = 1 << 14;

#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub file: Arc<TopicFile>,
    metadata: ArrowReaderMetadata,
    row_group: usize,
}

pub(super) fn units(files: &[Arc<TopicFile>]) -> Result<Vec<Unit>> {
    let mut units = Vec::new();
    for file in files {
        let loaded = ArrowReaderMetadata::load(&file.file, ArrowReaderOptions::new());
        let metadata = loaded.map_err(|error| broken(file, &error))?;
        let groups = metadata.metadata().num_row_groups();
        let unit = |row_group| Unit { file: file.clone(), metadata: metadata.clone(), row_group };
        units.extend((0..groups).map(unit));
    }
    Ok(units)
}

impl Unit {
    pub fn open(&self, is_read: impl Fn(&str) -> bool) -> Result<ParquetRecordBatchReader> {
        let file = self.file.file.try_clone().map_err(|error| broken(&self.file, &error))?;
        let fields = self.metadata.schema().fields().iter().enumerate();
        let roots = fields.filter(|(_, field)| is_read(field.name())).map(|(at, _)| at);
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), roots);
        ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
            .with_row_groups(vec![self.row_group])
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|error| broken(&self.file, &error))
    }
}

fn broken(file: &TopicFile, error: &dyn std::fmt::Display) -> DataFusionError {
    DataFusionError::Execution(format!("{} cannot be read: {error}", file.name))
}
