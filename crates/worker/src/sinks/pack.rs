//! A file that several jobs share: the rows of one after those of the other.

use super::evolve::{add_lineage, to_schema, with_lineage, without_lineage};
use super::parquet::{
    Finished, Purpose, Segment, StagingDirectory, final_name, staged_file, staged_name,
};
use super::sink::file_part;
use super::stager::{Lineage, Unsynced};
use super::{SinkError, Sinks};
use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection, RowSelector};
use protocol::{
    Commit, QuarantineReason, SinkTarget, SinkUri, StagedOutput, TopicName, TopicSchema,
};
use std::ops::Range;
use std::sync::Arc;

/// Values that a job may have in memory, those included that are null because a batch lacks their column.
const CELLS_MAX: usize = 1 << 20;

/// What one job publishes to one place, in memory.
#[derive(Debug)]
pub struct SmallOutput {
    pub topic: TopicName,
    pub uri: SinkUri,
    /// The topic's, as the job left it.
    pub schema: Arc<TopicSchema>,
    /// Of the columns that the rows were held against.
    pub schema_version: u64,
    /// Of rows in quarantine.
    pub reasons: Vec<QuarantineReason>,
    /// With lineage.
    batches: Vec<RecordBatch>,
    stored: SchemaRef,
}

impl SmallOutput {
    /// Of batches whose columns only widen. None: as rows of one table they would take too much memory.
    pub fn new(
        target: &SinkTarget,
        lineage: Lineage,
        batches: &[RecordBatch],
        schema: Arc<TopicSchema>,
        reasons: &[QuarantineReason],
    ) -> Result<Option<Self>, SinkError> {
        let topic = target.topic.clone();
        let columns = batches.last().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
        let rows = batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        if rows.saturating_mul(columns.fields().len()) > CELLS_MAX {
            return Ok(None);
        }
        let stored = with_lineage(&columns);
        let store = |batch: &RecordBatch| {
            to_schema(batch, &columns).and_then(|rows| add_lineage(&rows, &stored, lineage))
        };
        let batches = batches.iter().map(store).collect::<Result<Vec<_>, _>>();
        let batches = batches.map_err(|cause| broken(&topic, cause))?;
        let (uri, reasons) = (target.uri.clone(), reasons.to_vec());
        let schema_version = target.schema_version;
        Ok(Some(Self { topic, uri, schema, schema_version, reasons, batches, stored }))
    }

    /// With lineage.
    pub fn stored(&self) -> SchemaRef {
        self.stored.clone()
    }
}

fn broken(topic: &TopicName, cause: ArrowError) -> SinkError {
    SinkError::Columns { topic: topic.clone(), cause }
}

/// One file of a pack, or of a compaction, that is being written. Dropped unfinished, it leaves nothing behind.
pub struct PackFile {
    staging: Arc<StagingDirectory>,
    commit: Commit,
    topic: TopicName,
    uri: SinkUri,
    stored: SchemaRef,
    segment: Option<Segment>,
    rows: u64,
}

impl PackFile {
    pub(super) fn create(
        staging: Arc<StagingDirectory>,
        commit: Commit,
        topic: TopicName,
        uri: SinkUri,
        stored: SchemaRef,
        purpose: Purpose,
    ) -> Result<Self, SinkError> {
        let segment = Segment::create(&staging.own, &staged_file(commit), stored.clone(), purpose)?;
        Ok(Self { staging, commit, topic, uri, stored, segment: Some(segment), rows: 0 })
    }

    /// Whether these rows fit its columns as they are, but for some that they lack.
    pub fn takes(&self, output: &SmallOutput) -> bool {
        let has = |field: &Field| match self.stored.field_with_name(field.name()) {
            Ok(own) => [own.data_type(), &DataType::Null].contains(&field.data_type()),
            Err(_) => false,
        };
        output.topic == self.topic
            && (output.stored == self.stored || output.stored.fields().iter().all(|it| has(it)))
    }

    /// Where in the file the rows are.
    pub fn write(&mut self, output: &SmallOutput) -> Result<Range<u64>, SinkError> {
        let first = self.rows;
        for batch in &output.batches {
            self.write_batch(batch)?;
        }
        Ok(first..self.rows)
    }

    pub(super) fn write_batch(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        let Some(segment) = &mut self.segment else { return Ok(()) };
        if batch.schema_ref() == &self.stored {
            segment.write(batch)?;
        } else {
            let rows = to_schema(batch, &self.stored);
            segment.write(&rows.map_err(|cause| broken(&self.topic, cause))?)?;
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Bytes in memory.
    pub fn buffered(&self) -> usize {
        self.segment.as_ref().map_or(0, Segment::buffered)
    }

    /// Bytes that the file has and will have.
    pub fn size(&self) -> usize {
        self.segment.as_ref().map_or(0, Segment::size)
    }

    pub fn flush(&mut self) -> Result<(), SinkError> {
        self.segment.as_mut().map_or(Ok(()), Segment::flush)
    }

    /// Complete, with all of its rows, but not durable yet.
    pub fn finish(mut self) -> Result<Option<Unsynced>, SinkError> {
        let Some(segment) = self.segment.take() else { return Ok(None) };
        let finished = segment.finish();
        if finished.is_err() {
            self.remove();
        }
        let Finished { file, size_bytes, hash } = finished?;
        let output = StagedOutput {
            topic: self.topic.clone(),
            uri: self.uri.clone(),
            staged: staged_name(self.staging.worker(), self.commit),
            final_name: final_name(self.commit),
            row_start: 0,
            rows: self.rows,
            size_bytes,
            hash,
            schema: TopicSchema::default(),
            schema_version: 0,
            reasons: Vec::new(),
        };
        Ok(Some(Unsynced { output, file }))
    }

    fn remove(&self) {
        // A later sweep takes what stays.
        let _ = self.staging.own.remove(&staged_file(self.commit));
    }
}

impl Drop for PackFile {
    fn drop(&mut self) {
        if self.segment.take().is_some() {
            self.remove();
        }
    }
}

impl Sinks {
    /// The rows of one job out of a staged file, to be packed anew.
    pub fn read_small(
        &self,
        output: &StagedOutput,
        schema: Arc<TopicSchema>,
    ) -> Result<SmallOutput, SinkError> {
        let own = &self.staging(&output.uri)?.own;
        let name = file_part(&output.staged);
        let path = own.path.join(name);
        let broken = |cause| SinkError::Unreadable { path: path.clone(), cause };
        let Some(file) = own.file(name.as_bytes())? else {
            return Err(SinkError::io("read", &path, rustix::io::Errno::NOENT));
        };
        let rows = [
            RowSelector::skip(output.row_start as usize),
            RowSelector::select(output.rows as usize),
        ];
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(broken)?;
        let stored = with_lineage(&without_lineage(builder.schema()));
        let reader = builder.with_row_selection(RowSelection::from(rows.to_vec()));
        let reader = reader.build().map_err(broken)?;
        let batches = reader.collect::<Result<Vec<_>, _>>();
        let batches = batches.map_err(|cause| broken(cause.into()))?;
        let (topic, uri) = (output.topic.clone(), output.uri.clone());
        let (schema_version, reasons) = (output.schema_version, output.reasons.clone());
        Ok(SmallOutput { topic, uri, schema, schema_version, reasons, batches, stored })
    }
}
