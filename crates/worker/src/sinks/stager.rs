//! Rows of one attempt on their way to one sink.

use super::SinkError;
use super::database::misfits;
use super::databases::Databases;
use super::parquet::{Purpose, SegmentedWriter, StagingDirectories, final_name, staged_name};
use crate::contract::Misfit;
use arrow_array::RecordBatch;
use protocol::{JobAttempt, JobId, SinkTarget, StagedOutput, TopicSchema, VersionId};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Where a row comes from.
#[derive(Debug, Clone, Copy)]
pub struct Lineage {
    pub job: JobId,
    pub version: VersionId,
}

/// Dropped unsealed, it leaves nothing behind. A sink that gets no rows is not touched at all.
pub struct Stager {
    staging: Arc<StagingDirectories>,
    databases: Arc<Databases>,
    uri_path: String,
    target: SinkTarget,
    job: JobAttempt,
    lineage: Lineage,
    purpose: Purpose,
    writer: Option<SegmentedWriter>,
}

impl Stager {
    pub(super) fn new(
        staging: Arc<StagingDirectories>,
        databases: Arc<Databases>,
        uri_path: String,
        target: SinkTarget,
        job: JobAttempt,
        lineage: Lineage,
        purpose: Purpose,
    ) -> Self {
        Self { staging, databases, uri_path, target, job, lineage, purpose, writer: None }
    }

    /// Rows that this sink has no room for.
    pub fn misfits(&self, rows: &RecordBatch) -> Vec<Misfit> {
        misfits(&self.target.uri, rows)
    }

    pub fn target(&self) -> &SinkTarget {
        &self.target
    }

    /// Bytes that wait in memory for their row group.
    pub fn buffered(&self) -> usize {
        self.writer.as_ref().map_or(0, SegmentedWriter::buffered)
    }

    pub fn has_open_file(&self) -> bool {
        self.writer.as_ref().is_some_and(SegmentedWriter::has_open_file)
    }

    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => {
                let staging = self.staging.get(&self.uri_path)?;
                let topic = self.target.topic.clone();
                let writer = SegmentedWriter::new(
                    topic,
                    staging,
                    self.job.into(),
                    self.lineage,
                    self.purpose,
                );
                self.writer.insert(writer)
            }
        };
        writer.write(batch)
    }

    /// Writes out what waits in memory.
    pub fn flush(&mut self) -> Result<(), SinkError> {
        self.writer.as_mut().map_or(Ok(()), SegmentedWriter::flush)
    }

    /// Closes the file; more rows go to a further one, and all become one when the job is sealed.
    pub fn rest(&mut self) -> Result<(), SinkError> {
        self.writer.as_mut().map_or(Ok(()), SegmentedWriter::close_segment)
    }

    /// None when there is nothing.
    pub fn seal(&mut self, schema: &TopicSchema) -> Result<Option<Unsynced>, SinkError> {
        let Some(writer) = &mut self.writer else { return Ok(None) };
        self.databases.check(&self.target.uri, &self.target.topic, schema)?;
        let Some(sealed) = writer.seal()? else { return Ok(None) };
        let output = StagedOutput {
            topic: self.target.topic.clone(),
            uri: self.target.uri.clone(),
            staged: staged_name(&self.staging.worker, self.job.into()),
            final_name: final_name(self.job.into()),
            row_start: 0,
            rows: sealed.rows,
            size_bytes: sealed.size_bytes,
            hash: sealed.hash,
            schema: schema.clone(),
            schema_version: self.target.schema_version,
            reasons: Vec::new(),
        };
        Ok(Some(Unsynced { output, file: sealed.file }))
    }

    /// Takes back a seal: another topic of the job failed.
    pub fn unseal(&mut self) {
        if let Some(writer) = &mut self.writer {
            writer.unseal();
        }
    }
}

/// A sealed output that a crash of the machine could still undo.
#[derive(Debug)]
pub struct Unsynced {
    pub output: StagedOutput,
    pub(super) file: File,
}

impl Unsynced {
    /// With a new file's bytes Linux file systems make its name durable, too. Where one does not, a crash of the machine right after
    /// the grant costs a further run of the job, no row.
    pub fn sync(&self) -> Result<(), SinkError> {
        let synced = self.file.sync_all();
        synced.map_err(|cause| SinkError::io("sync", Path::new(&self.output.staged), cause))
    }
}
