//! One database as a worker has it, and a transaction in it. The worker has plain threads, so each call waits for its own end.

use super::cells::Cells;
use super::encode::{Encoder, PIECE_BYTES};
use super::error::{Doing, PostgresqlError};
use super::names::NAMES;
use super::record;
use super::session::{Login, Session, connect, options};
use super::table::{self, adapt, lock, place};
use crate::sinks::SinkError;
use crate::sinks::columns::arrow_type;
use crate::sinks::evolve::widened;
use crate::sinks::sql::{
    CommitRecord, CommitState, Load, Loaded, OriginCount, StoredColumn, Table, TableError, quoted,
};
use arrow_array::RecordBatch;
use arrow_schema::Field;
use protocol::{
    JobAttempt, JobId, LINEAGE, PostgresqlTable, TableName, TopicName, TopicSchema, VersionId,
};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, PgConnection, Row};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use tokio::runtime::{Builder, Runtime};

pub struct PostgresqlSink {
    runtime: Runtime,
    options: PgConnectOptions,
    /// As errors show it.
    server: String,
    /// Of the tables, where the address names one.
    schema: Option<String>,
    session: Option<Session>,
}

impl PostgresqlSink {
    /// Nothing is connected yet.
    pub fn new(place: &PostgresqlTable, login: &Login) -> Result<Self, SinkError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|cause| {
            let server = place.address();
            let cause = Box::new(sqlx::Error::Io(cause));
            PostgresqlError::Failed { action: "start a client for", server, cause }
        })?;
        let schema = place.schema.as_ref().map(ToString::to_string);
        let (options, server) = (options(place, login)?, place.address());
        Ok(Self { runtime, options, server, schema, session: None })
    }

    pub fn begin(&mut self) -> Result<PostgresqlTransaction<'_>, SinkError> {
        let mut transaction = self.begin_reading()?;
        transaction
            .run("write", async |connection, schema| make_records(connection, schema).await)?;
        Ok(transaction)
    }

    /// Makes nothing there.
    fn begin_reading(&mut self) -> Result<PostgresqlTransaction<'_>, SinkError> {
        let session = self.session.take();
        let doing = Doing { action: "reach", server: &self.server };
        let session = self.runtime.block_on(begin(session, &self.options, doing))?;
        let schema = self.schema.as_ref().or(session.schema.as_ref()).map(|name| quoted(name));
        let Some(schema) = schema else {
            return Err(PostgresqlError::NoSchema { server: self.server.clone() }.into());
        };
        Ok(PostgresqlTransaction { sink: self, session, schema, tables: HashMap::new() })
    }

    pub fn reach(&mut self) -> Result<(), SinkError> {
        self.begin_reading()?.commit()
    }

    /// Whether the server is there, takes this worker, and has a table there that can hold these columns, or none.
    pub fn check(
        &mut self,
        table: &TableName,
        topic: &TopicName,
        schema: &TopicSchema,
    ) -> Result<(), SinkError> {
        let names = schema.columns.iter().map(|column| column.name.as_str());
        NAMES.check(topic, names).map_err(PostgresqlError::from)?;
        let mut transaction = self.begin()?;
        let table = transaction.open(table)?;
        for column in &schema.columns {
            let checked = table.check(&column.name, &column.column_type);
            checked.map_err(PostgresqlError::from)?;
        }
        transaction.commit()
    }

    pub fn void(
        &mut self,
        table: &TableName,
        topic: &TopicName,
        job: JobAttempt,
    ) -> Result<(), SinkError> {
        let mut transaction = self.begin()?;
        transaction.void(table, topic, job)?;
        transaction.commit()
    }

    /// Removes the rows of these very attempts; gives how many rows there were.
    pub fn retire(&mut self, table: &TableName, jobs: &[JobAttempt]) -> Result<u64, SinkError> {
        let mut transaction = self.begin()?;
        let removed = transaction.retire(table, jobs)?;
        transaction.commit()?;
        Ok(removed)
    }

    /// Removes rows that no record speaks of any more; gives how many there were.
    pub fn remove_orphans(&mut self, table: &TableName, jobs: &[JobId]) -> Result<u64, SinkError> {
        let mut transaction = self.begin()?;
        let removed = transaction.remove_orphans(table, jobs)?;
        transaction.commit()?;
        Ok(removed)
    }

    pub fn committed(
        &mut self,
        table: &TableName,
        jobs: &[JobId],
    ) -> Result<Vec<CommitRecord>, SinkError> {
        let mut transaction = self.begin_reading()?;
        let found = transaction.run("read", async |connection, schema| {
            match has_records(connection, schema).await? {
                true => record::find(connection, schema, table, jobs).await,
                false => Ok(Vec::new()),
            }
        })?;
        transaction.commit()?;
        Ok(found)
    }

    /// How many rows there are of each origin, by job.
    pub fn counts(
        &mut self,
        table: &TableName,
        mut each: impl FnMut(OriginCount),
    ) -> Result<(), SinkError> {
        let mut transaction = self.begin_reading()?;
        let has_records = transaction
            .run("read", async |connection, schema| has_records(connection, schema).await);
        if !has_records? {
            return transaction.commit();
        }
        if transaction.open(table)?.exists {
            let place = place(&transaction.schema, table);
            let [job, version] = LINEAGE;
            let sql = format!(
                "DECLARE counts CURSOR FOR SELECT {job}, {version}, count(*) FROM {place} GROUP BY 1, 2 ORDER BY 1, 2"
            );
            transaction.run("read", async |connection, _| {
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await?;
                loop {
                    let page = sqlx::query("FETCH 5000 FROM counts").fetch_all(&mut *connection);
                    let page = page.await?;
                    for row in &page {
                        each(OriginCount {
                            job: JobId::new(row.try_get(0)?),
                            version: VersionId::new(row.try_get(1)?),
                            rows: row.try_get::<i64, _>(2)?.cast_unsigned(),
                        });
                    }
                    if page.is_empty() {
                        return Ok(());
                    }
                }
            })?;
        }
        transaction.commit()
    }
}

/// A connection that was kept may have broken since: then there is another try with a new one.
async fn begin(
    kept: Option<Session>,
    options: &PgConnectOptions,
    doing: Doing<'_>,
) -> Result<Session, PostgresqlError> {
    if let Some(mut session) = kept
        && sqlx::raw_sql("BEGIN").execute(&mut session.connection).await.is_ok()
    {
        return Ok(session);
    }
    let mut session = connect(options, doing).await?;
    let begun = sqlx::raw_sql("BEGIN").execute(&mut session.connection).await;
    begun.map_err(|cause| doing.failed(cause))?;
    Ok(session)
}

async fn has_records(connection: &mut PgConnection, schema: &str) -> sqlx::Result<bool> {
    let sql = "SELECT to_regclass($1) IS NOT NULL";
    let columns = format!("{schema}._casparian_columns");
    sqlx::query(sql).bind(&columns).fetch_one(connection).await?.try_get(0)
}

/// The sink's own tables.
async fn make_records(connection: &mut PgConnection, schema: &str) -> sqlx::Result<()> {
    if has_records(connection, schema).await? {
        return Ok(());
    }
    lock(connection, schema).await?;
    sqlx::raw_sql(AssertSqlSafe(record::make(schema))).execute(connection).await?;
    Ok(())
}

/// Nothing of it is there before it is committed. Dropped, it is rolled back, with its connection.
pub struct PostgresqlTransaction<'a> {
    sink: &'a mut PostgresqlSink,
    session: Session,
    schema: String,
    tables: HashMap<String, Table>,
}

impl PostgresqlTransaction<'_> {
    /// After an error the transaction is of no more use.
    pub fn load(&mut self, load: Load<'_>) -> Result<Loaded, SinkError> {
        let job = load.job;
        let known = self.run("write", async |connection, schema| {
            record::claim(connection, schema, (load.table, load.topic), job).await
        })?;
        if let Some(answer) = known.and_then(|record| record.answer(job.attempt)) {
            return Ok(answer);
        }
        self.prepare(&load)?;
        let earlier = known.filter(|record| record.state == CommitState::Current);
        let mut removed: Vec<i64> = earlier.iter().map(|record| record.job.id.get()).collect();
        if !load.supersede.is_empty() {
            removed.extend(self.run("write", async |connection, schema| {
                record::supersede(connection, schema, load.table, job.id, load.supersede).await
            })?);
        }
        self.remove(load.table, removed)?;
        let (table, expected) = (load.table, load.rows);
        let rows = self.copy(load)?;
        if rows != expected {
            let table = table.to_string();
            let error = TableError::RowCount { job: job.id, table, expected, found: rows };
            return Err(PostgresqlError::from(error).into());
        }
        let record = CommitRecord { job, rows, state: CommitState::Current };
        self.run("write", async |connection, schema| {
            record::put(connection, schema, table, &record).await
        })
        .map(|()| Loaded::Done)
    }

    fn void(
        &mut self,
        table: &TableName,
        topic: &TopicName,
        job: JobAttempt,
    ) -> Result<(), SinkError> {
        let known = self.run("write", async |connection, schema| {
            record::claim(connection, schema, (table, topic), job).await
        })?;
        let Some(known) = known.filter(|record| record.job.attempt < job.attempt) else {
            return Ok(());
        };
        if known.state == CommitState::Current {
            self.open(table)?;
            self.remove(table, vec![job.id.get()])?;
        }
        let record = CommitRecord { job, rows: 0, state: CommitState::Void };
        self.run("write", async |connection, schema| {
            record::put(connection, schema, table, &record).await
        })
    }

    fn retire(&mut self, table: &TableName, jobs: &[JobAttempt]) -> Result<u64, SinkError> {
        let found = self.run("write", async |connection, schema| {
            record::retire(connection, schema, table, jobs).await
        })?;
        self.remove(table, found)
    }

    fn remove_orphans(&mut self, table: &TableName, jobs: &[JobId]) -> Result<u64, SinkError> {
        let all: Vec<i64> = jobs.iter().map(|job| job.get()).collect();
        let known = self.run("read", async |connection, schema| {
            record::find(connection, schema, table, jobs).await
        })?;
        let is_current = |job: &i64| {
            known.iter().any(|it| it.job.id.get() == *job && it.state == CommitState::Current)
        };
        self.remove(table, all.into_iter().filter(|job| !is_current(job)).collect())
    }

    fn remove(&mut self, table: &TableName, jobs: Vec<i64>) -> Result<u64, SinkError> {
        if jobs.is_empty() || !self.open(table)?.exists {
            return Ok(0);
        }
        let place = place(&self.schema, table);
        let sql = format!("DELETE FROM {place} WHERE {} = ANY($1)", LINEAGE[0]);
        self.run("write", async |connection, _| {
            let query = sqlx::query(AssertSqlSafe(sql)).bind(jobs);
            Ok(query.execute(connection).await?.rows_affected())
        })
    }

    fn open(&mut self, name: &TableName) -> Result<&mut Table, SinkError> {
        match self.tables.entry(name.to_string()) {
            Entry::Occupied(table) => Ok(table.into_mut()),
            Entry::Vacant(vacant) => {
                let doing = Doing { action: "read", server: &self.sink.server };
                let opening = table::open(&mut self.session.connection, doing, &self.schema, name);
                Ok(vacant.insert(self.sink.runtime.block_on(opening)?))
            }
        }
    }

    /// The table has room for these rows, and nobody changes its columns before the end.
    fn prepare(&mut self, load: &Load<'_>) -> Result<(), SinkError> {
        let needs = self.open(load.table)?.needs(&load.schema);
        let doing = Doing { action: "write", server: &self.sink.server };
        let connection = &mut self.session.connection;
        let (schema, tables) = (&self.schema, &mut self.tables);
        self.sink.runtime.block_on(async {
            let place = place(schema, load.table);
            if needs {
                lock(connection, &place).await.map_err(|cause| doing.failed(cause))?;
            } else {
                let sql = format!("LOCK TABLE {place} IN ROW EXCLUSIVE MODE");
                let locked = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await;
                locked.map_err(|cause| doing.failed(cause))?;
            }
            // It may have changed before it was locked.
            let mut table = table::open(connection, doing, schema, load.table).await?;
            if table.needs(&load.schema) {
                adapt(&mut table, connection, doing, schema, load.topic, &load.schema).await?;
            }
            tables.insert(load.table.to_string(), table);
            Ok::<_, PostgresqlError>(())
        })?;
        Ok(())
    }

    fn copy(&mut self, load: Load<'_>) -> Result<u64, SinkError> {
        let doing = Doing { action: "write", server: &self.sink.server };
        let Some(table) = self.tables.get(load.table.as_str()) else { return Ok(0) };
        let has = |column: &&StoredColumn| load.schema.field_with_name(&column.original).is_ok();
        let columns: Vec<&StoredColumn> = table.columns.iter().filter(has).collect();
        let names: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
        let place = place(&self.schema, load.table);
        let sql = format!("COPY {place} ({}) FROM STDIN (FORMAT binary)", names.join(", "));
        let connection = &mut self.session.connection;
        self.sink.runtime.block_on(async {
            let failed = |cause| SinkError::from(doing.failed(cause));
            let mut copy = connection.copy_in_raw(&sql).await.map_err(failed)?;
            let mut encoder = Encoder::new();
            for batch in load.batches {
                let batch = batch?;
                let cells = cells(&columns, &batch);
                let cells = cells
                    .map_err(|cause| SinkError::Columns { topic: load.topic.clone(), cause })?;
                let mut row = 0;
                while row < batch.num_rows() {
                    row = encoder.rows(&cells, row, batch.num_rows());
                    if encoder.is_full() {
                        let next = Vec::with_capacity(PIECE_BYTES + PIECE_BYTES / 4);
                        let piece = std::mem::replace(&mut encoder.out, next);
                        copy.send(piece).await.map_err(failed)?;
                    }
                }
            }
            encoder.end();
            copy.send(encoder.out).await.map_err(failed)?;
            copy.finish().await.map_err(failed)
        })
    }

    fn run<T>(
        &mut self,
        action: &'static str,
        work: impl AsyncFnOnce(&mut PgConnection, &str) -> sqlx::Result<T>,
    ) -> Result<T, SinkError> {
        let doing = Doing { action, server: &self.sink.server };
        let done = work(&mut self.session.connection, &self.schema);
        Ok(self.sink.runtime.block_on(done).map_err(|cause| doing.failed(cause))?)
    }

    /// Only after this is what was done there, as durable as the server makes it.
    pub fn commit(mut self) -> Result<(), SinkError> {
        self.run("commit to", async |connection, _| {
            sqlx::raw_sql("COMMIT").execute(connection).await.map(|_| ())
        })?;
        self.sink.session = Some(self.session);
        Ok(())
    }
}

fn cells(
    columns: &[&StoredColumn],
    batch: &RecordBatch,
) -> Result<Vec<Cells>, arrow_schema::ArrowError> {
    let cells = |column: &&StoredColumn| {
        let field = Field::new(&column.original, arrow_type(&column.column_type), true);
        let given = batch.column_by_name(&column.original);
        let given = given
            .cloned()
            .unwrap_or_else(|| arrow_array::new_null_array(field.data_type(), batch.num_rows()));
        Cells::new(&widened(&given, &field)?)
    };
    columns.iter().map(cells).collect()
}
