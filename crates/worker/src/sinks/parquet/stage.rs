//! What one attempt publishes to one sink. One set of columns is written straight to the staged file; when the columns change,
//! another file is begun, and the files are merged into one when the job is sealed.

use super::layout::{segment_file, staged_file};
use super::segment::{Finished, Purpose, Segment};
use super::staging::StagingDirectory;
use crate::sinks::evolve::{add_lineage, to_schema, with_lineage};
use crate::sinks::{Lineage, SinkError};
use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, Schema, SchemaRef};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use protocol::{Commit, ContentHash, TopicName};
use rustix::fs::{Mode, OFlags};
use std::sync::Arc;

/// Values that are written at once.
const CELLS_MAX: usize = 4 << 20;

pub struct SegmentedWriter {
    topic: TopicName,
    staging: Arc<StagingDirectory>,
    commit: Commit,
    lineage: Lineage,
    purpose: Purpose,
    /// Of the last batch, without lineage: it has room for those before it.
    columns: SchemaRef,
    stored: SchemaRef,
    open: Option<Segment>,
    /// Segments that are closed: their columns are older.
    closed: usize,
    rows: u64,
    sealed: bool,
}

/// The staged file, complete but not durable before it is synced.
pub struct Sealed {
    pub file: std::fs::File,
    pub rows: u64,
    pub size_bytes: u64,
    pub hash: ContentHash,
}

impl SegmentedWriter {
    pub fn new(
        topic: TopicName,
        staging: Arc<StagingDirectory>,
        commit: Commit,
        lineage: Lineage,
        purpose: Purpose,
    ) -> Self {
        let nothing = Arc::new(Schema::empty());
        Self {
            topic,
            staging,
            commit,
            lineage,
            purpose,
            columns: nothing.clone(),
            stored: nothing,
            open: None,
            closed: 0,
            rows: 0,
            sealed: false,
        }
    }

    pub fn buffered(&self) -> usize {
        self.open.as_ref().map_or(0, Segment::buffered)
    }

    pub fn has_open_file(&self) -> bool {
        self.open.is_some()
    }

    /// Columns only widen from batch to batch.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        if *batch.schema_ref() != self.columns {
            self.close_segment()?;
            self.stored = with_lineage(batch.schema_ref());
            self.columns = batch.schema();
        }
        // Nulls take nothing on the wire: many of them come in parts.
        let rows_max = (CELLS_MAX / self.stored.fields().len()).max(1);
        for start in (0..batch.num_rows()).step_by(rows_max) {
            let len = rows_max.min(batch.num_rows() - start);
            self.write_part(&batch.slice(start, len))?;
        }
        Ok(())
    }

    fn write_part(&mut self, rows: &RecordBatch) -> Result<(), SinkError> {
        let stored = add_lineage(rows, &self.stored, self.lineage);
        let stored = stored.map_err(|cause| self.broken(cause))?;
        let segment = match &mut self.open {
            Some(segment) => segment,
            None => self.open.insert(Segment::create(
                &self.staging.own,
                &staged_file(self.commit),
                self.stored.clone(),
                self.purpose,
            )?),
        };
        segment.write(&stored)?;
        self.rows += rows.num_rows() as u64;
        Ok(())
    }

    pub fn flush(&mut self) -> Result<(), SinkError> {
        self.open.as_mut().map_or(Ok(()), Segment::flush)
    }

    /// Further rows go to another file.
    pub fn close_segment(&mut self) -> Result<(), SinkError> {
        let Some(segment) = self.open.take() else { return Ok(()) };
        segment.finish()?;
        let own = &self.staging.own;
        let (from, to) = (staged_file(self.commit), segment_file(self.commit, self.closed));
        rustix::fs::renameat(&own.fd, &from, &own.fd, &to)
            .map_err(|cause| SinkError::io("rename", &own.path.join(from), cause))?;
        self.closed += 1;
        Ok(())
    }

    /// None when nothing was published: then there is no file either.
    pub fn seal(&mut self) -> Result<Option<Sealed>, SinkError> {
        if self.rows == 0 {
            return Ok(None);
        }
        let finished = match self.open.take() {
            Some(segment) if self.closed == 0 => segment.finish()?,
            open => {
                self.open = open;
                self.close_segment()?;
                self.merge()?
            }
        };
        self.sealed = true;
        Ok(Some(Sealed {
            file: finished.file,
            rows: self.rows,
            size_bytes: finished.size_bytes,
            hash: finished.hash,
        }))
    }

    /// The staged file goes with this writer after all.
    pub fn unseal(&mut self) {
        self.sealed = false;
    }

    /// All segments into one file, batch by batch, in the order of their rows.
    fn merge(&mut self) -> Result<Finished, SinkError> {
        let own = &self.staging.own;
        let mut merged =
            Segment::create(own, &staged_file(self.commit), self.stored.clone(), self.purpose)?;
        for index in 0..self.closed {
            let name = segment_file(self.commit, index);
            self.append(&name, &mut merged)?;
            own.remove(&name)?;
        }
        self.closed = 0;
        merged.finish()
    }

    fn append(&self, name: &str, merged: &mut Segment) -> Result<(), SinkError> {
        let own = &self.staging.own;
        let path = own.path.join(name);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&own.fd, name, flags, Mode::empty())
            .map_err(|cause| SinkError::io("open", &path, cause))?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::from(fd))
            .and_then(ParquetRecordBatchReaderBuilder::build)
            .map_err(|cause| SinkError::Parquet { path: path.clone(), cause })?;
        for batch in reader {
            let batch = batch
                .map_err(|cause| SinkError::Parquet { path: path.clone(), cause: cause.into() })?;
            let rows = to_schema(&batch, &self.stored).map_err(|cause| self.broken(cause))?;
            merged.write(&rows)?;
        }
        Ok(())
    }
}

impl SegmentedWriter {
    fn broken(&self, cause: ArrowError) -> SinkError {
        SinkError::Columns { topic: self.topic.clone(), cause }
    }
}

impl Drop for SegmentedWriter {
    /// What was not sealed leaves nothing behind.
    fn drop(&mut self) {
        if self.sealed {
            return;
        }
        self.open = None;
        let segments = (0..=self.closed).map(|index| segment_file(self.commit, index));
        for name in segments.chain([staged_file(self.commit)]) {
            let _ = self.staging.own.remove(&name);
        }
    }
}
