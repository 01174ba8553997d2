//! A topic as a table: the rows of its current files, without those that were replaced, with the columns that the topic has now.

use super::units::{Unit, units};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, RecordBatchOptions, new_null_array,
};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::filter::filter_record_batch;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::project_schema;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use std::collections::HashSet;
use std::fs::File;
use std::sync::Arc;

/// Whose a row is.
const JOB: &str = "_job_id";

/// A file of a topic, open: what is moved away meanwhile is read to its end.
#[derive(Debug)]
pub struct TopicFile {
    pub name: String,
    pub file: File,
    /// Jobs whose rows are in it and no longer in the topic.
    pub hidden: HashSet<i64>,
}

#[derive(Debug)]
pub struct Topic {
    /// The present columns, lineage included.
    pub schema: SchemaRef,
    pub files: Vec<Arc<TopicFile>>,
}

#[derive(Debug)]
struct Part {
    schema: SchemaRef,
    units: Vec<Unit>,
}

#[async_trait]
impl TableProvider for Topic {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = project_schema(&self.schema, projection)?;
        let parts = session.config().target_partitions().max(1);
        let mut shares: Vec<Vec<Unit>> = (0..parts).map(|_| Vec::new()).collect();
        for (at, unit) in units(&self.files)?.into_iter().enumerate() {
            shares[at % parts].push(unit);
        }
        let part =
            |units| Arc::new(Part { schema: schema.clone(), units }) as Arc<dyn PartitionStream>;
        let parts = shares.into_iter().map(part).collect();
        Ok(Arc::new(StreamingTableExec::try_new(schema.clone(), parts, None, [], false, limit)?))
    }
}

impl PartitionStream for Part {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let schema = self.schema.clone();
        let rows = self.units.clone().into_iter().flat_map(move |unit| unit_rows(&unit, &schema));
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), futures::stream::iter(rows)))
    }
}

type Rows = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

fn unit_rows(unit: &Unit, wanted: &SchemaRef) -> Rows {
    let needs_job = !unit.file.hidden.is_empty();
    let is_read = |name: &str| wanted.index_of(name).is_ok() || (needs_job && name == JOB);
    let reader = match unit.open(is_read) {
        Ok(reader) => reader,
        Err(error) => return Box::new(std::iter::once(Err(error))),
    };
    let (file, wanted) = (unit.file.clone(), wanted.clone());
    let named = move |error: ArrowError, file: &TopicFile| {
        DataFusionError::Execution(format!("{}: {error}", file.name))
    };
    Box::new(reader.map(move |batch| {
        let batch = batch.map_err(|error| named(error, &file))?;
        let batch = visible(batch, &file.hidden)?;
        adapt(&batch, &wanted).map_err(|error| named(error, &file))
    }))
}

fn visible(batch: RecordBatch, hidden: &HashSet<i64>) -> Result<RecordBatch, ArrowError> {
    let jobs =
        batch.column_by_name(JOB).and_then(|jobs| jobs.as_any().downcast_ref::<Int64Array>());
    match jobs {
        Some(jobs) if !hidden.is_empty() => {
            let is_visible = |job: Option<i64>| Some(job.is_none_or(|job| !hidden.contains(&job)));
            let keep = jobs.iter().map(is_visible).collect::<BooleanArray>();
            filter_record_batch(&batch, &keep)
        }
        _ => Ok(batch),
    }
}

/// What the file lacks is null; what it has in a narrower type is widened.
fn adapt(batch: &RecordBatch, wanted: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let column = |field: &Arc<arrow_schema::Field>| -> Result<ArrayRef, ArrowError> {
        match batch.column_by_name(field.name()) {
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
            Some(column) if column.data_type() == field.data_type() => Ok(column.clone()),
            Some(column) => cast_with_options(column, field.data_type(), &options),
        }
    };
    let columns = wanted.fields().iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(wanted.clone(), columns, &options)
}
