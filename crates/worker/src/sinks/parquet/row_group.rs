//! A row group being encoded, large batches by several threads: each has some of the columns.

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::FieldRef;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::Result;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::SchemaDescriptor;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

/// With fewer bytes starting a thread costs more than it brings.
const BYTES_MIN: usize = 512 << 10;

pub struct RowGroup {
    /// Of each field: a struct has several.
    columns: Vec<Vec<ArrowColumnWriter>>,
    pub rows: usize,
}

/// A field of a batch on its way.
struct Column<'a> {
    field: &'a FieldRef,
    array: &'a ArrayRef,
    /// Of these rows alone: the buffers of an array may be those of its whole batch.
    bytes: usize,
    writers: &'a mut [ArrowColumnWriter],
}

impl<'a> Column<'a> {
    fn new(
        field: &'a FieldRef,
        array: &'a ArrayRef,
        writers: &'a mut [ArrowColumnWriter],
    ) -> Result<Self> {
        let bytes = array.to_data().get_slice_memory_size()?;
        Ok(Self { field, array, bytes, writers })
    }

    fn encode(self) -> Result<()> {
        let leaves = compute_leaves(self.field, self.array)?;
        leaves.iter().zip(self.writers).try_for_each(|(leaf, writer)| writer.write(leaf))
    }
}

impl RowGroup {
    pub fn new<W: Write + Send>(
        file: &SerializedFileWriter<W>,
        factory: &ArrowRowGroupWriterFactory,
    ) -> Result<Self> {
        let writers = factory.create_column_writers(file.flushed_row_groups().len())?;
        Ok(Self { columns: by_field(file.schema_descr(), writers), rows: 0 })
    }

    pub fn write(&mut self, batch: &RecordBatch, threads: usize) -> Result<()> {
        let schema = batch.schema_ref();
        let columns = schema.fields().iter().zip(batch.columns()).zip(&mut self.columns);
        let columns = columns.map(|((field, array), writers)| Column::new(field, array, writers));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        self.rows += batch.num_rows();
        let bytes = columns.iter().map(|column| column.bytes).sum::<usize>();
        match threads.min(columns.len()) {
            0 | 1 => columns.into_iter().try_for_each(Column::encode),
            _ if bytes < BYTES_MIN => columns.into_iter().try_for_each(Column::encode),
            threads => encode_apart(columns, threads),
        }
    }

    /// Bytes in memory.
    pub fn buffered(&self) -> usize {
        self.columns.iter().flatten().map(ArrowColumnWriter::memory_size).sum()
    }

    /// Bytes that it will have in the file, about.
    pub fn size(&self) -> usize {
        self.columns.iter().flatten().map(ArrowColumnWriter::get_estimated_total_bytes).sum()
    }

    pub fn finish<W: Write + Send>(self, file: &mut SerializedFileWriter<W>) -> Result<()> {
        let mut group = file.next_row_group()?;
        for writer in self.columns.into_iter().flatten() {
            writer.close()?.append_to_row_group(&mut group)?;
        }
        group.close().map(drop)
    }
}

fn by_field(
    schema: &SchemaDescriptor,
    writers: Vec<ArrowColumnWriter>,
) -> Vec<Vec<ArrowColumnWriter>> {
    let fields = schema.root_schema().get_fields().len();
    let mut columns = (0..fields).map(|_| Vec::new()).collect::<Vec<_>>();
    for (leaf, writer) in writers.into_iter().enumerate() {
        columns[schema.get_column_root_idx(leaf)].push(writer);
    }
    columns
}

/// The largest columns first, each by whoever is free.
fn encode_apart(mut columns: Vec<Column<'_>>, threads: usize) -> Result<()> {
    columns.sort_by_key(|column| std::cmp::Reverse(column.bytes));
    let waiting = Mutex::new(columns.into_iter());
    let take = || {
        let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
        std::iter::from_fn(next).try_for_each(Column::encode)
    };
    std::thread::scope(|scope| {
        let others = (1..threads).map(|_| scope.spawn(take)).collect::<Vec<_>>();
        let mut result = take();
        for other in others {
            let done = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            result = result.and(done);
        }
        result
    })
}
