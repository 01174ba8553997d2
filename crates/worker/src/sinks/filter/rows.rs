//! The rows of a file that meet a condition, one after the other.

use super::error::FilterError;
use super::evaluate::evaluate;
use super::expression::Filter;
use super::prune::may_match;
use crate::sinks::parquet::StoredFile;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use protocol::{JobId, LINEAGE, VersionId};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

const BATCH_ROWS: usize = 8_192;
/// Names that an error lists.
const COLUMNS_SHOWN: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRow {
    /// From 0, in its file.
    pub position: u64,
    pub job: JobId,
    pub version: VersionId,
    /// As text; None: null. Without lineage.
    pub values: Vec<(String, Option<String>)>,
}

/// The columns of the files that were looked at.
#[derive(Debug, Default)]
pub struct Seen {
    columns: BTreeSet<String>,
}

impl Seen {
    /// To be asked when all files were looked at: one may lack a column that another has.
    pub fn check(&self, filter: &Filter) -> Result<(), FilterError> {
        let missing = filter.columns().into_iter().find(|name| !self.columns.contains(*name));
        let Some(column) = missing.filter(|_| !self.columns.is_empty()) else { return Ok(()) };
        let known = self.columns.iter().take(COLUMNS_SHOWN).map(String::as_str);
        let known = known.collect::<Vec<_>>().join(", ");
        Err(FilterError::NoColumn { column: column.to_owned(), known })
    }
}

impl StoredFile {
    /// Gives each row that meets the condition, until told to break.
    pub fn find(
        &self,
        filter: &Filter,
        seen: &mut Seen,
        mut give: impl FnMut(FoundRow) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, FilterError> {
        let builder = self.reader()?.with_batch_size(BATCH_ROWS);
        let names = builder.schema().fields().iter().map(|field| field.name().clone());
        seen.columns.extend(names);
        let metadata = builder.metadata().clone();
        let mut first = 0;
        let mut groups = Vec::new();
        for (number, group) in metadata.row_groups().iter().enumerate() {
            let rows = group.num_rows().max(0).cast_unsigned();
            if may_match(&filter.expression, group) {
                groups.push((number, first));
            }
            first += rows;
        }
        for (number, first) in groups {
            let builder = self.reader()?.with_batch_size(BATCH_ROWS).with_row_groups(vec![number]);
            let reader = builder.build().map_err(|cause| self.broken(cause))?;
            let mut position = first;
            for batch in reader {
                let batch = batch.map_err(|cause| self.broken(cause.into()))?;
                let found = evaluate(&filter.expression, &batch)?;
                for row in found.values().set_indices() {
                    if give(found_row(&batch, row, position)).is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                position += batch.num_rows() as u64;
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

fn found_row(batch: &RecordBatch, row: usize, first: u64) -> FoundRow {
    let [job, version] = LINEAGE.map(|name| {
        let column = batch.column_by_name(name);
        let column = column.and_then(|column| column.as_primitive_opt::<Int64Type>());
        column.filter(|column| column.is_valid(row)).map_or(0, |column| column.value(row))
    });
    let fields = batch.schema_ref().fields().iter().zip(batch.columns());
    let own = fields.filter(|(field, _)| !LINEAGE.contains(&field.name().as_str()));
    let values = own.map(|(field, column)| (field.name().clone(), text(column, row)));
    FoundRow {
        position: first + row as u64,
        job: JobId::new(job),
        version: VersionId::new(version),
        values: values.collect(),
    }
}

fn text(column: &dyn Array, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    let options = FormatOptions::default();
    let shown = ArrayFormatter::try_new(column, &options).map(|it| it.value(row).try_to_string());
    Some(shown.and_then(|text| text).unwrap_or_else(|error| format!("({error})")))
}
