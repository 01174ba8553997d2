//! Loading the staged rows of one job, in the transaction that is open.

use super::cells::Cells;
use super::error::SqliteError;
use super::record::{self, Located, NewRecord};
use super::remove::remove;
use super::table::adapt;
use super::writing::Writing;
use crate::sinks::SinkError;
use crate::sinks::columns::arrow_type;
use crate::sinks::evolve::widened;
use crate::sinks::sql::{
    CommitRecord, CommitState, Load, Loaded, StoredColumn, Table, TableError, quoted,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{Field, SchemaRef};
use protocol::{JobId, TopicName};
use rusqlite::{Connection, Statement};
use std::collections::{BTreeSet, HashMap};

pub fn load(
    writing: Writing<'_>,
    table: &mut Table,
    mut load: Load<'_>,
) -> Result<Loaded, SinkError> {
    let connection = writing.connection;
    let sql = |cause| writing.failed(cause);
    let job = load.job;
    let known = record::find(connection, load.table, job.id).map_err(sql)?;
    if let Some(answer) = known.and_then(|it| it.record.answer(job.attempt)) {
        return Ok(answer);
    }
    adapt(table, writing, load.topic, &load.schema)?;
    let superseded = superseded(connection, &load).map_err(sql)?;
    let removed: Vec<Located> = known.into_iter().chain(superseded.iter().copied()).collect();
    remove(writing, table, &removed)?;
    for it in &superseded {
        record::supersede(connection, load.table, it.record.job.id, Some(job.id)).map_err(sql)?;
    }
    let (rows, rowids) = insert(writing, table, &mut load)?;
    if rows != load.rows {
        let (table, expected) = (load.table.to_string(), load.rows);
        let error = TableError::RowCount { job: job.id, table, expected, found: rows };
        return Err(SqliteError::from(error).into());
    }
    let record = CommitRecord { job, rows, state: CommitState::Current };
    let new = NewRecord { table: load.table, topic: load.topic, record, rowids };
    record::put(connection, &new).map_err(sql)?;
    Ok(Loaded::Done)
}

/// Those that have rows.
fn superseded(connection: &Connection, load: &Load<'_>) -> rusqlite::Result<Vec<Located>> {
    let jobs: BTreeSet<JobId> = load.supersede.iter().copied().collect();
    let others = jobs.into_iter().filter(|job| *job != load.job.id);
    let found = others.filter_map(|job| record::find(connection, load.table, job).transpose());
    let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(found.into_iter().filter(|it| it.record.state == CommitState::Current).collect())
}

/// Gives how many rows there were, and the numbers of the first and the last.
fn insert(
    writing: Writing<'_>,
    table: &mut Table,
    load: &mut Load<'_>,
) -> Result<(u64, Option<(i64, i64)>), SinkError> {
    let connection = writing.connection;
    let sql = |cause| writing.failed(cause);
    let (mut rows, mut first) = (0, None);
    let mut open: Option<Insert<'_>> = None;
    let mut text = Vec::new();
    for batch in &mut *load.batches {
        let batch = batch?;
        if batch.num_rows() == 0 {
            continue;
        }
        if open.as_ref().is_none_or(|insert| insert.schema != batch.schema()) {
            adapt(table, writing, load.topic, batch.schema_ref())?;
            open = Some(Insert::prepare(connection, table, batch.schema()).map_err(sql)?);
        }
        let Some(insert) = &mut open else { continue };
        let cells = insert.cells(table, load.topic, &batch)?;
        writing.change(size_of(&batch))?;
        for row in 0..batch.num_rows() {
            // Somebody's trigger may have kept it out.
            rows += insert.row(&cells, row, &mut text).map_err(sql)? as u64;
            if first.is_none() {
                first = Some(connection.last_insert_rowid());
            }
        }
    }
    Ok((rows, first.map(|first| (first, connection.last_insert_rowid()))))
}

fn size_of(batch: &RecordBatch) -> u64 {
    let size = |column: &ArrayRef| column.to_data().get_slice_memory_size().unwrap_or_default();
    batch.columns().iter().map(size).sum::<usize>() as u64
}

/// A statement for the columns of a batch, by their names; columns that the batch lacks stay null.
struct Insert<'a> {
    schema: SchemaRef,
    statement: Statement<'a>,
    /// Columns of the batch, and of the table.
    columns: Vec<(usize, usize)>,
}

impl<'a> Insert<'a> {
    /// One row at a time: sixteen of them in one statement are no faster.
    fn prepare(
        connection: &'a Connection,
        table: &Table,
        schema: SchemaRef,
    ) -> rusqlite::Result<Self> {
        let places: HashMap<&str, usize> =
            schema.fields().iter().enumerate().map(|(at, it)| (it.name().as_str(), at)).collect();
        let columns = table.columns.iter().enumerate();
        let place = |column: &StoredColumn| places.get(column.original.as_str()).copied();
        let columns: Vec<(usize, usize)> =
            columns.filter_map(|(at, column)| Some((place(column)?, at))).collect();
        let names: Vec<String> =
            columns.iter().map(|(_, at)| quoted(&table.columns[*at].name)).collect();
        let values = vec!["?"; names.len()].join(", ");
        let sql =
            format!("INSERT INTO {} ({}) VALUES ({values})", table.quoted(), names.join(", "));
        Ok(Self { statement: connection.prepare(&sql)?, schema, columns })
    }

    fn cells(
        &self,
        table: &Table,
        topic: &TopicName,
        batch: &RecordBatch,
    ) -> Result<Vec<Cells>, SinkError> {
        let cells = |(from, to): &(usize, usize)| {
            let StoredColumn { original, column_type, .. } = &table.columns[*to];
            let field = Field::new(original, arrow_type(column_type), true);
            Cells::new(&widened(batch.column(*from), &field)?, column_type)
        };
        let cells = self.columns.iter().map(cells).collect::<Result<Vec<_>, _>>();
        cells.map_err(|cause| SinkError::Columns { topic: topic.clone(), cause })
    }

    fn row(&mut self, cells: &[Cells], row: usize, text: &mut Vec<u8>) -> rusqlite::Result<usize> {
        for (at, cells) in cells.iter().enumerate() {
            cells.bind(&mut self.statement, at + 1, row, text)?;
        }
        self.statement.raw_execute()
    }
}
