//! One Parquet file being written: bounded row groups, and its hash and size as the bytes go by.

use super::directory::Directory;
use super::row_group::RowGroup;
use crate::sinks::SinkError;
use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use parquet::arrow::arrow_writer::ArrowRowGroupWriterFactory;
use parquet::arrow::{ArrowSchemaConverter, ArrowWriter};
use parquet::basic::{Compression, Encoding, Type as PhysicalType};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use protocol::{ContentHash, SinkUri};
use rustix::fs::{Mode, OFlags};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Write};
use std::num::NonZero;
use std::path::PathBuf;

/// A row group is written out when it is this large, or takes this much memory.
const ROW_GROUP_BYTES: usize = 32 << 20;
const BUFFERED_BYTES_MAX: usize = 64 << 20;
const ROW_GROUP_ROWS: usize = 1 << 20;
/// More of them wait for the largest column.
const THREADS_MAX: usize = 4;
/// A dictionary takes 72 KiB before its first value: too much where there are more columns than these.
const DICTIONARY_COLUMNS_MAX: usize = 200;

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be read by whoever wants to.
    Output,
    /// The same, one of many that are written at once: each is to take little memory.
    OutputOfMany,
    /// To be loaded into a table, and removed.
    Load,
}

impl Purpose {
    pub fn of(uri: &SinkUri, many: bool) -> Self {
        match uri {
            SinkUri::Parquet { .. } if many => Self::OutputOfMany,
            SinkUri::Parquet { .. } => Self::Output,
            SinkUri::Sqlite(_) | SinkUri::Postgresql(_) | SinkUri::Named { .. } => Self::Load,
        }
    }
}

pub struct Segment {
    file: SerializedFileWriter<HashingFile>,
    factory: ArrowRowGroupWriterFactory,
    group: Option<RowGroup>,
    /// For large batches.
    threads: usize,
    path: PathBuf,
}

/// A finished file, not yet synced.
pub struct Finished {
    pub file: File,
    pub size_bytes: u64,
    pub hash: ContentHash,
}

impl Segment {
    pub fn create(
        directory: &Directory,
        name: &str,
        schema: SchemaRef,
        purpose: Purpose,
    ) -> Result<Self, SinkError> {
        let path = directory.path.join(name);
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&directory.fd, name, flags, Mode::from_raw_mode(0o666));
        let fd = fd.map_err(|cause| SinkError::io("make", &path, cause))?;
        let file = HashingFile::new(fd.into());
        let parts = properties(&schema, purpose)
            .and_then(|properties| ArrowWriter::try_new(file, schema, Some(properties)))
            .and_then(ArrowWriter::into_serialized_writer);
        let (file, factory) =
            parts.map_err(|cause| SinkError::Parquet { path: path.clone(), cause })?;
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let threads = if purpose == Purpose::OutputOfMany { 1 } else { cores.min(THREADS_MAX) };
        Ok(Self { file, factory, group: None, threads, path })
    }

    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        let mut start = 0;
        while start < batch.num_rows() {
            let room = ROW_GROUP_ROWS - self.group.as_ref().map_or(0, |group| group.rows);
            let len = room.min(batch.num_rows() - start);
            self.encode(&batch.slice(start, len)).map_err(|cause| self.error(cause))?;
            start += len;
            let is_full = self.group.as_ref().is_some_and(|group| {
                group.rows >= ROW_GROUP_ROWS
                    || group.size() >= ROW_GROUP_BYTES
                    || group.buffered() >= BUFFERED_BYTES_MAX
            });
            if is_full {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn encode(&mut self, rows: &RecordBatch) -> Result<(), ParquetError> {
        let group = match &mut self.group {
            Some(group) => group,
            None => self.group.insert(RowGroup::new(&self.file, &self.factory)?),
        };
        group.write(rows, self.threads)
    }

    /// Bytes in memory.
    pub fn buffered(&self) -> usize {
        self.group.as_ref().map_or(0, RowGroup::buffered)
    }

    /// Bytes that are written and that wait.
    pub fn size(&self) -> usize {
        self.file.bytes_written() + self.group.as_ref().map_or(0, RowGroup::size)
    }

    /// Ends the row group.
    pub fn flush(&mut self) -> Result<(), SinkError> {
        let Some(group) = self.group.take() else { return Ok(()) };
        group.finish(&mut self.file).map_err(|cause| self.error(cause))
    }

    fn error(&self, cause: ParquetError) -> SinkError {
        SinkError::Parquet { path: self.path.clone(), cause }
    }

    pub fn finish(mut self) -> Result<Finished, SinkError> {
        self.flush()?;
        let file = self.file.into_inner();
        let file = file.map_err(|cause| SinkError::Parquet { path: self.path.clone(), cause })?;
        Ok(Finished {
            size_bytes: file.written,
            hash: ContentHash::new(file.hasher.finalize().into()),
            file: file.file,
        })
    }
}

/// Whole numbers, dates and times for which a dictionary becomes too large are stored as what they differ by: that takes less time and room
/// than compressing them.
fn properties(schema: &Schema, purpose: Purpose) -> Result<WriterProperties, ParquetError> {
    let stored = ArrowSchemaConverter::new().convert(schema)?;
    let is_wide = stored.num_columns() > DICTIONARY_COLUMNS_MAX;
    let properties = WriterProperties::builder();
    if purpose == Purpose::Load {
        let properties = properties.set_statistics_enabled(EnabledStatistics::None);
        return Ok(properties.set_dictionary_enabled(false).build());
    }
    let mut properties = properties
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(purpose == Purpose::Output && !is_wide);
    for column in stored.columns() {
        if matches!(column.physical_type(), PhysicalType::INT32 | PhysicalType::INT64) {
            let path = column.path().clone();
            properties = properties.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
    }
    Ok(properties.build())
}

struct HashingFile {
    file: File,
    hasher: Sha256,
    written: u64,
}

impl HashingFile {
    fn new(file: File) -> Self {
        Self { file, hasher: Sha256::new(), written: 0 }
    }
}

impl Write for HashingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.file.write(bytes)?;
        self.hasher.update(&bytes[..len]);
        self.written += len as u64;
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
