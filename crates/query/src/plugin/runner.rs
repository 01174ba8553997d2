//! Runs the statements of a plugin over one file after the other.

use super::FILE;
use super::error::PluginError;
use super::file_table::FileTable;
use super::positions::{added, with_positions};
use super::scans::Scans;
use super::source::{Query, SqlPlugin};
use super::wildcard::leave_out;
use crate::names::settle;
use arrow_array::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use futures::StreamExt;
use readers::{Input, Pins, ReadError, Reading, Reject, Settings};
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Runtime;

/// Rows of a batch that the engine makes.
const BATCH_ROWS: usize = 1 << 15;
/// Consumers of memory that an error names.
const CONSUMERS_NAMED: NonZeroUsize = NonZeroUsize::new(3).expect("it is not zero");

/// What a statement brings forth.
#[derive(Debug)]
pub enum Published {
    Rows(RecordBatch),
    /// Of the file, and so of each statement that reads it.
    Rejects(Vec<Reject>),
}

/// Takes what the statement of this number, from 0, publishes.
pub type Publish = Arc<Mutex<dyn FnMut(usize, Published) -> io::Result<()> + Send>>;

/// An engine, warm for the next file.
pub struct Runner {
    runtime: Runtime,
    context: SessionContext,
    settings: Settings,
}

impl Runner {
    /// What does not fit into `memory` bytes is spilled to `scratch`.
    pub fn new(memory: usize, scratch: &Path, threads: NonZeroUsize) -> Result<Self, PluginError> {
        let engine = |error: &dyn std::fmt::Display| PluginError::Engine(error.to_string());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads.get())
            .build()
            .map_err(|error| engine(&error))?;
        let pool = TrackConsumersPool::new(FairSpillPool::new(memory), CONSUMERS_NAMED);
        let environment = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(pool))
            .with_temp_file_path(scratch)
            .build_arc()
            .map_err(|error| engine(&error))?;
        let config = SessionConfig::new()
            .with_target_partitions(threads.get())
            .with_batch_size(BATCH_ROWS)
            .with_information_schema(false)
            .set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false)
            .set_bool("datafusion.optimizer.expand_views_at_output", true);
        let context = SessionContext::new_with_config_rt(config, environment);
        let settings = Settings { threads: threads.get() - 1, ..Settings::default() };
        Ok(Self { runtime, context, settings })
    }

    /// Every statement over the file, in their order. A file without content has no rows.
    pub fn run(
        &self,
        plugin: &SqlPlugin,
        input: &Input,
        pins: &Pins,
        publish: &Publish,
    ) -> Result<(), PluginError> {
        for (number, query) in plugin.statements.iter().enumerate() {
            let reading = match readers::open(input, pins, &self.settings) {
                Ok(reading) => reading,
                Err(ReadError::Empty) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            if query.is_whole {
                publish_all(number, reading, publish)?;
            } else {
                let scans =
                    Scans::new(number, (input, pins, &self.settings), reading, publish.clone());
                self.run_query(number, query, Arc::new(scans), publish)?;
            }
        }
        Ok(())
    }

    fn run_query(
        &self,
        number: usize,
        query: &Query,
        scans: Arc<Scans>,
        publish: &Publish,
    ) -> Result<(), PluginError> {
        let mut statement = query.statement.clone();
        let mut schema = scans.columns.clone();
        if query.wants_positions {
            leave_out(&mut statement, &added(&schema));
            schema = with_positions(&schema);
        }
        settle(&mut statement, schema.fields().iter().map(|field| field.name().as_str()));
        let table = Arc::new(FileTable { scans, schema });
        let result = self.runtime.block_on(self.stream(number, statement, table, publish));
        result.map_err(|error| PluginError::of(number + 1, error))
    }

    async fn stream(
        &self,
        number: usize,
        statement: datafusion::sql::sqlparser::ast::Statement,
        table: Arc<FileTable>,
        publish: &Publish,
    ) -> Result<(), DataFusionError> {
        self.context.deregister_table(FILE)?;
        self.context.register_table(FILE, table)?;
        let statement = Statement::Statement(Box::new(statement));
        let plan = self.context.state().statement_to_plan(statement).await?;
        let queries = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false);
        queries.with_allow_statements(false).verify_plan(&plan)?;
        let mut rows = self.context.execute_logical_plan(plan).await?.execute_stream().await?;
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            if batch.num_rows() > 0 {
                hand_on(number, Published::Rows(batch), publish)
                    .map_err(|error| DataFusionError::External(Box::new(error)))?;
            }
        }
        Ok(())
    }
}

fn publish_all(number: usize, reading: Reading, publish: &Publish) -> Result<(), PluginError> {
    for block in reading {
        let block = block?;
        if !block.rejects.is_empty() {
            hand_on(number, Published::Rejects(block.rejects), publish)
                .map_err(PluginError::Output)?;
        }
        if block.rows.num_rows() > 0 {
            hand_on(number, Published::Rows(block.rows), publish).map_err(PluginError::Output)?;
        }
    }
    Ok(())
}

fn hand_on(number: usize, published: Published, publish: &Publish) -> io::Result<()> {
    let mut publish = publish.lock().unwrap_or_else(PoisonError::into_inner);
    publish(number, published)
}
