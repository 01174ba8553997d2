//! A row group being encoded, large batches by several threads: each has some of the columns.

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::FieldRef;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::Result;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::SchemaDescriptor;
use std::io::Write;

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
    writers: &'a mut [ArrowColumnWriter],
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
        let columns = columns.map(|((field, array), writers)| Column { field, array, writers });
        let columns = columns.collect::<Vec<_>>();
        self.rows += batch.num_rows();
        let bytes =
            columns.iter().map(|column| column.array.get_array_memory_size()).sum::<usize>();
        match threads.min(columns.len()) {
            0 | 1 => encode(columns),
            _ if bytes < BYTES_MIN => encode(columns),
            threads => encode_apart(shares(columns, threads)),
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

fn encode(columns: Vec<Column<'_>>) -> Result<()> {
    for Column { field, array, writers } in columns {
        for (leaf, writer) in compute_leaves(field, array)?.iter().zip(writers) {
            writer.write(leaf)?;
        }
    }
    Ok(())
}

/// The largest columns first, each to whoever has least.
fn shares(mut columns: Vec<Column<'_>>, threads: usize) -> Vec<Vec<Column<'_>>> {
    columns.sort_by_key(|column| std::cmp::Reverse(column.array.get_array_memory_size()));
    let mut shares = (0..threads).map(|_| (0, Vec::new())).collect::<Vec<_>>();
    for column in columns {
        if let Some((bytes, share)) = shares.iter_mut().min_by_key(|(bytes, _)| *bytes) {
            *bytes += column.array.get_array_memory_size();
            share.push(column);
        }
    }
    shares.into_iter().map(|(_, share)| share).collect()
}

fn encode_apart(mut shares: Vec<Vec<Column<'_>>>) -> Result<()> {
    let own = shares.pop().unwrap_or_default();
    std::thread::scope(|scope| {
        let others = shares.into_iter().map(|share| scope.spawn(|| encode(share)));
        let others = others.collect::<Vec<_>>();
        let mut result = encode(own);
        for other in others {
            let done = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            result = result.and(done);
        }
        result
    })
}
