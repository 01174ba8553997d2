//! Times of the old kind, INT96: the library makes nanoseconds of them, in which only 1677 to 2262 fit, and lets all others run over.
//! Columns that hold such are found by looking, and read in microseconds.

use crate::source::Random;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Type;
use std::sync::Arc;

const NANOS_MAX_US: i64 = i64::MAX / 1000;

/// The metadata to read by, and what is to be said about it.
pub(super) fn widened(
    chunks: &Random,
    metadata: ArrowReaderMetadata,
) -> (ArrowReaderMetadata, Vec<String>) {
    let leaves = metadata.parquet_schema().columns().iter().enumerate();
    let roots: Vec<usize> = leaves
        .filter(|(_, leaf)| leaf.physical_type() == Type::INT96 && leaf.path().parts().len() == 1)
        .map(|(at, _)| metadata.parquet_schema().get_column_root_idx(at))
        .collect();
    let mut wide = Vec::new();
    for root in roots {
        let Some(micros) = in_micros(&metadata, &[root]) else {
            continue;
        };
        if is_beyond_nanos(chunks, micros, root) {
            wide.push(root);
        }
    }
    let note = |root: &usize| {
        let name = metadata.schema().field(*root).name();
        format!(
            "{name}: times before 1677 or after 2262 are there, so it is read in microseconds; what is below one is cut off"
        )
    };
    let notes = wide.iter().map(note).collect();
    (in_micros(&metadata, &wide).unwrap_or(metadata), notes)
}

fn in_micros(metadata: &ArrowReaderMetadata, roots: &[usize]) -> Option<ArrowReaderMetadata> {
    if roots.is_empty() {
        return None;
    }
    let options = ArrowReaderOptions::new().with_schema(schema(metadata.schema(), roots));
    ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options).ok()
}

fn schema(of_file: &Schema, roots: &[usize]) -> SchemaRef {
    let fields = of_file.fields().iter().enumerate().map(|(at, field)| -> FieldRef {
        if roots.contains(&at) {
            let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
            Arc::new(Field::new(field.name(), micros, field.is_nullable()))
        } else {
            Arc::clone(field)
        }
    });
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), of_file.metadata().clone()))
}

/// What cannot be read is told when it is read for good.
fn is_beyond_nanos(chunks: &Random, micros: ArrowReaderMetadata, root: usize) -> bool {
    let column = ProjectionMask::roots(micros.parquet_schema(), [root]);
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(chunks.clone(), micros)
        .with_projection(column)
        .build();
    let batches = reader.into_iter().flatten().map_while(Result::ok);
    batches.into_iter().any(|batch| {
        let values = batch.column(0).as_primitive::<TimestampMicrosecondType>();
        values.iter().flatten().any(|us| !(-NANOS_MAX_US..=NANOS_MAX_US).contains(&us))
    })
}
