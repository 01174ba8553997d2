//! The commit records: which attempt of which job has its rows in a table. Written in the transaction that brings or removes the rows; never
//! deleted.

use crate::sinks::sql::{CommitRecord, CommitState};
use protocol::{JobAttempt, JobId, TableName, TopicName};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// `first_rowid` and `last_rowid` say where the rows of a load lie: they are numbered one after the other. An index on `_job_id` would find
/// them as well, but a load takes 1.6 times as long with it, and the file is larger by a sixth (5 million rows of 6 columns).
pub const RECORDS: &str = "CREATE TABLE IF NOT EXISTS _casparian_commits (
    job_id INTEGER NOT NULL,
    table_name TEXT NOT NULL COLLATE NOCASE,
    topic TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('current', 'superseded', 'void')),
    superseded_by INTEGER,
    first_rowid INTEGER,
    last_rowid INTEGER,
    committed_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f+00:00', 'now')),
    PRIMARY KEY (job_id, table_name)
) WITHOUT ROWID";

/// A record, and where its rows lie.
#[derive(Debug, Clone, Copy)]
pub struct Located {
    pub record: CommitRecord,
    pub rowids: Option<(i64, i64)>,
}

const COLUMNS: &str = "job_id, attempt, rows, state, first_rowid, last_rowid";

fn read(row: &Row<'_>) -> rusqlite::Result<Located> {
    let job = JobAttempt { id: JobId::new(row.get(0)?), attempt: row.get(1)? };
    let rows = row.get::<_, i64>(2)?.max(0).cast_unsigned();
    let state = CommitState::parse(row.get_ref(3)?.as_str()?);
    let rowids = row.get::<_, Option<i64>>(4)?.zip(row.get(5)?);
    Ok(Located { record: CommitRecord { job, rows, state }, rowids })
}

pub fn find(
    connection: &Connection,
    table: &TableName,
    job: JobId,
) -> rusqlite::Result<Option<Located>> {
    let mut statement = connection.prepare(&format!(
        "SELECT {COLUMNS} FROM _casparian_commits WHERE job_id = ?1 AND table_name = ?2"
    ))?;
    statement.query_row(params![job.get(), table.as_str()], read).optional()
}

pub struct NewRecord<'a> {
    pub table: &'a TableName,
    pub topic: &'a TopicName,
    pub record: CommitRecord,
    pub rowids: Option<(i64, i64)>,
}

/// Replaces the record of an earlier attempt.
pub fn put(connection: &Connection, new: &NewRecord<'_>) -> rusqlite::Result<()> {
    let (record, rowids) = (&new.record, new.rowids);
    connection.execute(
        "INSERT OR REPLACE INTO _casparian_commits (job_id, table_name, topic, attempt, rows, state, first_rowid, last_rowid)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            record.job.id.get(),
            new.table.as_str(),
            new.topic.as_str(),
            record.job.attempt,
            record.rows.cast_signed(),
            record.state.as_str(),
            rowids.map(|it| it.0),
            rowids.map(|it| it.1)
        ],
    )?;
    Ok(())
}

/// Its rows are gone.
pub fn supersede(
    connection: &Connection,
    table: &TableName,
    job: JobId,
    by: Option<JobId>,
) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE _casparian_commits SET state = 'superseded', superseded_by = ?3, first_rowid = NULL, last_rowid = NULL
         WHERE job_id = ?1 AND table_name = ?2",
        params![job.get(), table.as_str(), by.map(JobId::get)],
    )?;
    Ok(())
}
