//! Several files written anew as one: the rows that are asked for, in the order of the files, with columns that have room for all.

use super::columns::{arrow_type, column_type};
use super::evolve::{to_schema, with_lineage, without_lineage};
use super::pack::PackFile;
use super::parquet::{Purpose, StagingDirectory, has_hash, is_file_name};
use super::sink::parquet_path;
use super::stager::Unsynced;
use super::{SinkError, Sinks};
use crate::host::JobControl;
use arrow_schema::{Field, FieldRef, Fields, Schema, SchemaRef};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection, RowSelector};
use parquet::errors::ParquetError;
use protocol::{Compaction, CompactionSource};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// Values that are in memory at once.
const CELLS_MAX: usize = 1 << 20;
const ROWS_MAX: usize = 8_192;

impl Sinks {
    /// None: it was stopped.
    pub fn compact(
        &self,
        order: &Compaction,
        control: &JobControl,
    ) -> Result<Option<Unsynced>, SinkError> {
        parquet_path(&order.uri)?;
        let staging = self.staging(&order.uri)?;
        let sources = Sources { staging: &staging, order };
        let mut columns = Vec::new();
        for source in &order.sources {
            if control.abort_reason().is_some() {
                return Ok(None);
            }
            let stored = sources.check(source)?;
            columns = widest(&columns, stored.fields()).ok_or_else(|| {
                let text = "its columns fit no file with those of the others".to_owned();
                sources.unreadable(source, ParquetError::General(text))
            })?;
        }
        let stored = with_lineage(&Schema::new(columns));
        let (topic, uri) = (order.topic.clone(), order.uri.clone());
        let commit = order.job().into();
        let mut file =
            PackFile::create(staging.clone(), commit, topic, uri, stored.clone(), Purpose::Output)?;
        for source in &order.sources {
            for batch in sources.read(source, &stored)? {
                if control.abort_reason().is_some() {
                    return Ok(None);
                }
                let batch = batch?;
                control.add_rows(batch.num_rows() as u64, 0);
                file.write_batch(&batch)?;
            }
        }
        file.finish()
    }
}

struct Sources<'a> {
    staging: &'a StagingDirectory,
    order: &'a Compaction,
}

impl Sources<'_> {
    fn path(&self, source: &CompactionSource) -> PathBuf {
        self.staging.sink.path.join(&source.file)
    }

    fn unreadable(&self, source: &CompactionSource, cause: ParquetError) -> SinkError {
        SinkError::Unreadable { path: self.path(source), cause }
    }

    fn open(&self, source: &CompactionSource) -> Result<File, SinkError> {
        if !is_file_name(&source.file) {
            let (uri, name) = (self.order.uri.clone(), source.file.clone());
            return Err(SinkError::FileName { uri, name });
        }
        let file = self.staging.sink.file(source.file.as_bytes())?;
        file.ok_or_else(|| SinkError::io("open", &self.path(source), rustix::io::Errno::NOENT))
    }

    /// What was published, and nothing else, becomes part of another file. Gives its columns without lineage.
    fn check(&self, source: &CompactionSource) -> Result<Schema, SinkError> {
        let file = self.open(source)?;
        if !has_hash(&file, &self.path(source), source.size_bytes, source.hash)? {
            return Err(SinkError::Differs { path: self.path(source) });
        }
        let builder = ParquetRecordBatchReaderBuilder::try_new(file);
        let builder = builder.map_err(|cause| self.unreadable(source, cause))?;
        Ok(without_lineage(builder.schema()))
    }

    fn read(
        &self,
        source: &CompactionSource,
        stored: &SchemaRef,
    ) -> Result<impl Iterator<Item = Result<arrow_array::RecordBatch, SinkError>>, SinkError> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(self.open(source)?);
        let builder = builder.map_err(|cause| self.unreadable(source, cause))?;
        let rows = (CELLS_MAX / stored.fields().len()).clamp(1, ROWS_MAX);
        let reader = builder.with_row_selection(selection(&source.rows)).with_batch_size(rows);
        let reader = reader.build().map_err(|cause| self.unreadable(source, cause))?;
        let (path, topic, stored) = (self.path(source), self.order.topic.clone(), stored.clone());
        Ok(reader.map(move |batch| {
            let batch = batch.map_err(|cause| SinkError::Unreadable {
                path: path.clone(),
                cause: cause.into(),
            })?;
            to_schema(&batch, &stored)
                .map_err(|cause| SinkError::Columns { topic: topic.clone(), cause })
        }))
    }
}

fn selection(rows: &[(u64, u64)]) -> RowSelection {
    let (mut selectors, mut next) = (Vec::with_capacity(2 * rows.len()), 0);
    for (first, len) in rows {
        selectors.push(RowSelector::skip(first.saturating_sub(next) as usize));
        selectors.push(RowSelector::select(*len as usize));
        next = first + len;
    }
    RowSelection::from(selectors)
}

/// Columns in the order in which they came first. None: one has values that are not of one type.
fn widest(columns: &[FieldRef], others: &Fields) -> Option<Vec<FieldRef>> {
    let mut widest = columns.to_vec();
    for other in others {
        match widest.iter_mut().find(|field| field.name() == other.name()) {
            None => widest.push(other.clone()),
            Some(field) if field.data_type() == other.data_type() => {}
            Some(field) => {
                let (one, two) = (column_type(field.data_type())?, column_type(other.data_type())?);
                let both = arrow_type(&one.wider(&two, true)?);
                *field = Arc::new(Field::new(field.name(), both, true));
            }
        }
    }
    Some(widest)
}
