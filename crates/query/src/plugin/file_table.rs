//! The table `file`: read as it is scanned, only the columns that are wanted.

use super::scans::{ScanRows, Scans};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::project_schema;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use std::iter;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct FileTable {
    pub scans: Arc<Scans>,
    /// With `_row` and `_offset` where the statement names them.
    pub schema: SchemaRef,
}

#[derive(Debug)]
struct FileScan {
    scans: Arc<Scans>,
    schema: SchemaRef,
}

#[async_trait]
impl TableProvider for FileTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = project_schema(&self.schema, projection)?;
        self.scans.want(&schema);
        let scan = FileScan { scans: self.scans.clone(), schema: schema.clone() };
        let exec =
            StreamingTableExec::try_new(schema, vec![Arc::new(scan)], None, [], false, limit)?;
        Ok(Arc::new(exec))
    }
}

impl PartitionStream for FileScan {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = rows(self.scans.clone(), self.schema.clone());
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), futures::stream::iter(rows)))
    }
}

/// The file is opened when the first row is asked for.
fn rows(
    scans: Arc<Scans>,
    schema: SchemaRef,
) -> impl Iterator<Item = Result<RecordBatch, DataFusionError>> {
    let begin = move || match scans.begin(schema) {
        Ok(rows) => (Some(rows), None),
        Err(error) => (None, Some(Err(DataFusionError::External(Box::new(error))))),
    };
    let mut begin = Some(begin);
    let mut state: (Option<ScanRows>, Option<_>) = (None, None);
    iter::from_fn(move || {
        if let Some(begin) = begin.take() {
            state = begin();
        }
        state.1.take().or_else(|| state.0.as_mut()?.next())
    })
}
