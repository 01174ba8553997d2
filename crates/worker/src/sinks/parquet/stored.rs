//! One published file, as it lies there: its hash, its footer, and whose rows it holds.

use super::promote::hash_of;
use crate::sinks::SinkError;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::statistics::Statistics;
use protocol::{ContentHash, JobId, LINEAGE, VersionId};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Seek;
use std::path::PathBuf;

/// Rows by where they come from.
pub type Origins = BTreeMap<(JobId, VersionId), u64>;

#[derive(Debug)]
pub struct StoredFile {
    pub file: File,
    pub path: PathBuf,
}

/// What the end of a file says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footer {
    pub rows: u64,
    /// Where all of its rows come from, when its statistics prove that it is one origin.
    pub origin: Option<(JobId, VersionId)>,
    pub has_lineage: bool,
}

impl StoredFile {
    pub fn size(&self) -> Result<u64, SinkError> {
        let metadata = self.file.metadata();
        Ok(metadata.map_err(|cause| SinkError::io("stat", &self.path, cause))?.len())
    }

    pub fn hash(&self) -> Result<ContentHash, SinkError> {
        let rewound = (&self.file).rewind().and_then(|()| hash_of(&self.file));
        rewound.map_err(|cause| SinkError::io("read", &self.path, cause))
    }

    pub fn footer(&self) -> Result<Footer, SinkError> {
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&self.file);
        let metadata = metadata.map_err(|cause| self.broken(cause))?;
        let rows = metadata.file_metadata().num_rows().max(0).cast_unsigned();
        let [job, version] = LINEAGE.map(|name| leaf(&metadata, name));
        let origin = job.zip(version).and_then(|(job, version)| {
            let only = |column| only_value(metadata.row_groups(), column);
            Some((JobId::new(only(job)?), VersionId::new(only(version)?)))
        });
        Ok(Footer { rows, origin, has_lineage: job.is_some() && version.is_some() })
    }

    /// So many origins are told apart; the rows of more count as those of the last. None: it has no lineage.
    pub fn origins(&self, origins_max: usize) -> Result<Option<Origins>, SinkError> {
        let builder = self.reader()?;
        let columns = LINEAGE.map(|name| leaf(builder.metadata(), name));
        let [Some(job), Some(version)] = columns else { return Ok(None) };
        let mask = ProjectionMask::leaves(builder.parquet_schema(), [job, version]);
        let reader = builder.with_projection(mask).build().map_err(|cause| self.broken(cause))?;
        let mut origins = Origins::new();
        for batch in reader {
            let batch = batch.map_err(|cause| self.broken(cause.into()))?;
            count_origins(&batch, origins_max, &mut origins);
        }
        Ok(Some(origins))
    }

    /// Decodes every value.
    pub fn read_through(&self) -> Result<(), SinkError> {
        let reader = self.reader()?.build().map_err(|cause| self.broken(cause))?;
        for batch in reader {
            batch.map_err(|cause| self.broken(cause.into()))?;
        }
        Ok(())
    }

    pub(in crate::sinks) fn reader(
        &self,
    ) -> Result<ParquetRecordBatchReaderBuilder<File>, SinkError> {
        let file = self.file.try_clone();
        let file = file.map_err(|cause| SinkError::io("open", &self.path, cause))?;
        ParquetRecordBatchReaderBuilder::try_new(file).map_err(|cause| self.broken(cause))
    }

    pub(in crate::sinks) fn broken(&self, cause: ParquetError) -> SinkError {
        SinkError::Unreadable { path: self.path.clone(), cause }
    }
}

fn leaf(metadata: &ParquetMetaData, name: &str) -> Option<usize> {
    let columns = metadata.file_metadata().schema_descr().columns();
    columns.iter().position(|column| column.path().parts() == [name])
}

/// The one value of a column of integers, when every row group's statistics say so.
fn only_value(groups: &[RowGroupMetaData], column: usize) -> Option<i64> {
    let mut only = None;
    for group in groups {
        let Statistics::Int64(values) = group.column(column).statistics()? else { return None };
        let (min, max) = (*values.min_opt()?, *values.max_opt()?);
        let is_one = min == max && values.null_count_opt().unwrap_or(0) == 0;
        if !is_one || only.is_some_and(|only| only != min) {
            return None;
        }
        only = Some(min);
    }
    only
}

fn count_origins(batch: &RecordBatch, origins_max: usize, origins: &mut Origins) {
    let columns = LINEAGE.map(|name| batch.column_by_name(name));
    let [Some(jobs), Some(versions)] = columns else { return };
    let integers = |column: &dyn Array| column.as_primitive_opt::<Int64Type>().cloned();
    let (Some(jobs), Some(versions)) = (integers(jobs), integers(versions)) else { return };
    for (job, version) in jobs.iter().zip(versions.iter()) {
        let origin = (JobId::new(job.unwrap_or(0)), VersionId::new(version.unwrap_or(0)));
        let is_full = origins.len() >= origins_max && !origins.contains_key(&origin);
        match origins.last_entry().filter(|_| is_full) {
            Some(mut last) => *last.get_mut() += 1,
            None => *origins.entry(origin).or_default() += 1,
        }
    }
}
