//! Rows that fit no column or could not be read, as they are kept: where they stood, why they are here, and what they said.

use super::misfit::Misfit;
use super::reject::Reject;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, UInt64Array};
use arrow_json::WriterBuilder;
use arrow_json::writer::LineDelimited;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use arrow_select::take::take_record_batch;
use protocol::QuarantineReason;
use std::sync::{Arc, LazyLock};

/// Reasons that are told apart in the catalog.
const REASONS_MAX: usize = 20;

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("_row", DataType::Int64, true),
        Field::new("_line", DataType::Int64, true),
        Field::new("_offset", DataType::Int64, true),
        Field::new("_column", DataType::Utf8, true),
        Field::new("_reason", DataType::Utf8, true),
        Field::new("_record", DataType::Utf8, true),
    ]))
});

/// What is in quarantine of one topic of a job.
#[derive(Debug, Default)]
pub struct Quarantine {
    pub rows: u64,
    pub reasons: Vec<QuarantineReason>,
}

impl Quarantine {
    pub fn count_misfits(&mut self, misfits: &[Misfit]) {
        misfits.iter().for_each(|misfit| self.count(misfit.column.as_ref(), &misfit.reason));
    }

    pub fn count_rejects(&mut self, rejects: &[Reject]) {
        rejects.iter().for_each(|reject| self.count(reject.column.as_ref(), &reject.reason));
    }

    fn count(&mut self, column: Option<&String>, reason: &str) {
        self.rows += 1;
        let known = self.reasons.iter().position(|reason| reason.column.as_ref() == column);
        if let Some(at) = known {
            self.reasons[at].rows += 1;
        } else if self.reasons.len() < REASONS_MAX {
            let (column, reason) = (column.cloned(), reason.to_owned());
            self.reasons.push(QuarantineReason { column, reason, rows: 1 });
        }
    }
}

/// `first` is the number, from 1, of the batch's first row among those that the job published to the topic.
pub fn rows_of(
    batch: &RecordBatch,
    misfits: &[Misfit],
    first: u64,
) -> Result<RecordBatch, ArrowError> {
    let rows = misfits.iter().map(|misfit| (first + misfit.row as u64).cast_signed());
    // Which line of the file a row comes from, only its plugin knows.
    let nowhere: ArrayRef = Arc::new(Int64Array::new_null(misfits.len()));
    let columns: [ArrayRef; 6] = [
        Arc::new(rows.collect::<Int64Array>()),
        nowhere.clone(),
        nowhere,
        Arc::new(misfits.iter().map(|misfit| misfit.column.as_deref()).collect::<StringArray>()),
        Arc::new(misfits.iter().map(|misfit| Some(&misfit.reason)).collect::<StringArray>()),
        Arc::new(records(batch, misfits)?),
    ];
    RecordBatch::try_new(SCHEMA.clone(), columns.to_vec())
}

/// Rows that were never published, as they stand in the file.
pub fn rejected(rejects: &[Reject]) -> Result<RecordBatch, ArrowError> {
    let columns: [ArrayRef; 6] = [
        Arc::new(rejects.iter().map(|reject| Some(reject.row)).collect::<Int64Array>()),
        Arc::new(rejects.iter().map(|reject| reject.line).collect::<Int64Array>()),
        Arc::new(rejects.iter().map(|reject| reject.offset).collect::<Int64Array>()),
        Arc::new(rejects.iter().map(|reject| reject.column.as_deref()).collect::<StringArray>()),
        Arc::new(rejects.iter().map(|reject| Some(&reject.reason)).collect::<StringArray>()),
        Arc::new(rejects.iter().map(|reject| reject.record.as_deref()).collect::<StringArray>()),
    ];
    RecordBatch::try_new(SCHEMA.clone(), columns.to_vec())
}

/// Each row as one JSON object, as it was published.
fn records(batch: &RecordBatch, misfits: &[Misfit]) -> Result<StringArray, ArrowError> {
    let indices = misfits.iter().map(|misfit| misfit.row as u64).collect::<UInt64Array>();
    let rows = take_record_batch(batch, &indices)?;
    // What has no JSON form, such as a time in a zone that nobody knows, is in quarantine all the same.
    Ok(json_of(&rows).unwrap_or_else(|_| StringArray::new_null(misfits.len())))
}

fn json_of(rows: &RecordBatch) -> Result<StringArray, ArrowError> {
    let mut lines = Vec::new();
    let builder = WriterBuilder::new().with_explicit_nulls(true);
    let mut writer = builder.build::<_, LineDelimited>(&mut lines);
    writer.write(rows)?;
    writer.finish()?;
    drop(writer);
    let text = String::from_utf8(lines)
        .map_err(|error| ArrowError::from_external_error(Box::new(error)))?;
    Ok(text.lines().map(Some).collect())
}
