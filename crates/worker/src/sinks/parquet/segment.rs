//! One Parquet file being written: bounded row groups, and its hash and size as the bytes go by.

use super::directory::Directory;
use crate::sinks::SinkError;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use protocol::ContentHash;
use rustix::fs::{Mode, OFlags};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

/// A row group is written out when it is this large, or takes this much memory.
const ROW_GROUP_BYTES: usize = 32 << 20;
const BUFFERED_BYTES_MAX: usize = 64 << 20;
const ROW_GROUP_ROWS: usize = 1 << 20;
/// A dictionary takes 72 KiB before its first value: too much where there are more columns than these.
const DICTIONARY_COLUMNS_MAX: usize = 200;

pub struct Segment {
    writer: ArrowWriter<HashingFile>,
    path: PathBuf,
}

/// A finished file, not yet synced.
pub struct Finished {
    pub file: File,
    pub size_bytes: u64,
    pub hash: ContentHash,
}

impl Segment {
    /// `many` files are being written at once: each is to take little memory.
    pub fn create(
        directory: &Directory,
        name: &str,
        schema: SchemaRef,
        many: bool,
    ) -> Result<Self, SinkError> {
        let path = directory.path.join(name);
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&directory.fd, name, flags, Mode::from_raw_mode(0o666));
        let fd = fd.map_err(|cause| SinkError::io("make", &path, cause))?;
        let is_wide = schema.flattened_fields().len() > DICTIONARY_COLUMNS_MAX;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_dictionary_enabled(!many && !is_wide)
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        let file = HashingFile::new(fd.into());
        let writer = ArrowWriter::try_new(file, schema, Some(properties));
        let writer = writer.map_err(|cause| SinkError::Parquet { path: path.clone(), cause })?;
        Ok(Self { writer, path })
    }

    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        self.writer.write(batch).map_err(|cause| self.error(cause))?;
        let is_full = self.writer.in_progress_size() >= ROW_GROUP_BYTES
            || self.buffered() >= BUFFERED_BYTES_MAX;
        if is_full { self.flush() } else { Ok(()) }
    }

    /// Bytes in memory.
    pub fn buffered(&self) -> usize {
        self.writer.memory_size()
    }

    /// Bytes that are written and that wait.
    pub fn size(&self) -> usize {
        self.writer.bytes_written() + self.writer.in_progress_size()
    }

    /// Ends the row group.
    pub fn flush(&mut self) -> Result<(), SinkError> {
        self.writer.flush().map_err(|cause| self.error(cause))
    }

    fn error(&self, cause: ParquetError) -> SinkError {
        SinkError::Parquet { path: self.path.clone(), cause }
    }

    pub fn finish(self) -> Result<Finished, SinkError> {
        let file = self.writer.into_inner();
        let file = file.map_err(|cause| SinkError::Parquet { path: self.path.clone(), cause })?;
        Ok(Finished {
            size_bytes: file.written,
            hash: ContentHash::new(file.hasher.finalize().into()),
            file: file.file,
        })
    }
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
