//! The engine with the tables that were handed in, and the rows of an answer as they come.

use super::{QueryError, Question, Topic};
use crate::names::{settle, settle_tables};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider};
use datafusion::datasource::MemTable;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use futures::StreamExt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// Consumers of memory that an error names.
const CONSUMERS_NAMED: NonZeroUsize = NonZeroUsize::new(3).expect("it is not zero");

pub struct Engine {
    runtime: Runtime,
    context: SessionContext,
    tables: Vec<String>,
    columns: Vec<String>,
}

/// Rows, a batch at a time.
pub struct Answer<'a> {
    runtime: &'a Runtime,
    rows: SendableRecordBatchStream,
    pub schema: SchemaRef,
}

impl Engine {
    /// `memory` in bytes; what does not fit is spilled to the system's temporary directory.
    pub fn new(memory: usize, threads: NonZeroUsize) -> Result<Self, QueryError> {
        let failed = |error: &dyn std::fmt::Display| QueryError::Failed(error.to_string());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads.get())
            .build()
            .map_err(|error| failed(&error))?;
        let pool = TrackConsumersPool::new(FairSpillPool::new(memory), CONSUMERS_NAMED);
        let environment = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(pool)).build_arc()?;
        let config = SessionConfig::new()
            .with_target_partitions(threads.get())
            .with_information_schema(true)
            .set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false);
        let context = SessionContext::new_with_config_rt(config, environment);
        Ok(Self { runtime, context, tables: Vec::new(), columns: Vec::new() })
    }

    fn know(&mut self, table: &str, schema: &SchemaRef) {
        self.tables.push(table.to_owned());
        self.columns.extend(schema.fields().iter().map(|field| field.name().clone()));
    }

    pub fn add_topic(&mut self, name: &str, topic: Topic) -> Result<(), QueryError> {
        self.know(name, &topic.schema);
        let table = datafusion::common::TableReference::bare(name.to_owned());
        self.context.register_table(table, Arc::new(topic))?;
        Ok(())
    }

    /// Rows that are at hand, as the table `schema.name`.
    pub fn add_rows(
        &mut self,
        schema: &str,
        name: &str,
        columns: &SchemaRef,
        rows: Vec<RecordBatch>,
    ) -> Result<(), QueryError> {
        self.know(name, columns);
        let table = MemTable::try_new(columns.clone(), vec![rows])?;
        let catalog = self
            .context
            .catalog("datafusion")
            .ok_or_else(|| QueryError::Failed("the engine has no catalog".to_owned()))?;
        let place = match catalog.schema(schema) {
            Some(place) => place,
            None => {
                catalog.register_schema(schema, Arc::new(MemorySchemaProvider::new()))?;
                catalog.schema(schema).unwrap_or_else(|| {
                    Arc::new(MemorySchemaProvider::new()) as Arc<dyn SchemaProvider>
                })
            }
        };
        place.register_table(name.to_owned(), Arc::new(table))?;
        Ok(())
    }

    pub fn ask(&self, question: &Question) -> Result<Answer<'_>, QueryError> {
        let mut statement = question.statement.clone();
        self.settle(&mut statement);
        let rows = self.runtime.block_on(async {
            let plan = self.context.state().statement_to_plan(statement).await?;
            let queries = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false);
            queries.with_allow_statements(false).verify_plan(&plan)?;
            self.context.execute_logical_plan(plan).await?.execute_stream().await
        })?;
        Ok(Answer { runtime: &self.runtime, schema: rows.schema(), rows })
    }

    fn settle(&self, statement: &mut Statement) {
        match statement {
            Statement::Statement(statement) => {
                settle_tables(statement, self.tables.iter().map(String::as_str));
                settle(statement, self.columns.iter().map(String::as_str));
            }
            Statement::Explain(explain) => self.settle(&mut explain.statement),
            _ => {}
        }
    }
}

impl Iterator for Answer<'_> {
    type Item = Result<RecordBatch, QueryError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.runtime.block_on(self.rows.next())?;
        Some(next.map_err(QueryError::from))
    }
}
