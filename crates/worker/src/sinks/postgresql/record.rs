//! The sink's own record of what was loaded. Its rows are never deleted.

use crate::sinks::sql::{CommitRecord, CommitState};
use protocol::{JobAttempt, JobId, TableName, TopicName};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Result, Row};

/// In a schema, which is quoted.
pub fn make(schema: &str) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {schema}._casparian_commits (
            job_id bigint NOT NULL, table_name text NOT NULL, topic text NOT NULL, attempt integer NOT NULL, rows bigint NOT NULL,
            state text NOT NULL CHECK (state IN ('current', 'superseded', 'void')), superseded_by bigint,
            committed_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (job_id, table_name));
        CREATE TABLE IF NOT EXISTS {schema}._casparian_columns (
            table_name text NOT NULL, position integer NOT NULL, column_name text NOT NULL, original_name text NOT NULL,
            type text NOT NULL, PRIMARY KEY (table_name, position))"
    )
}

/// Waits for whoever is about to write the same record. None: it is ours now, and says that nothing is there.
pub async fn claim(
    connection: &mut PgConnection,
    schema: &str,
    (table, topic): (&TableName, &TopicName),
    job: JobAttempt,
) -> Result<Option<CommitRecord>> {
    let insert = format!(
        "INSERT INTO {schema}._casparian_commits (job_id, table_name, topic, attempt, rows, state)
         VALUES ($1, $2, $3, $4, 0, 'void') ON CONFLICT DO NOTHING"
    );
    let query = sqlx::query(AssertSqlSafe(insert)).bind(job.id.get()).bind(table.as_str());
    let query = query.bind(topic.as_str()).bind(job.attempt.cast_signed());
    if query.execute(&mut *connection).await?.rows_affected() > 0 {
        return Ok(None);
    }
    let select = format!(
        "SELECT job_id, attempt, rows, state FROM {schema}._casparian_commits WHERE job_id = $1 AND table_name = $2 FOR UPDATE"
    );
    let query = sqlx::query(AssertSqlSafe(select)).bind(job.id.get()).bind(table.as_str());
    query.fetch_optional(connection).await?.as_ref().map(read).transpose()
}

pub async fn put(
    connection: &mut PgConnection,
    schema: &str,
    table: &TableName,
    record: &CommitRecord,
) -> Result<()> {
    let update = format!(
        "UPDATE {schema}._casparian_commits SET attempt = $3, rows = $4, state = $5, superseded_by = NULL, committed_at = now()
         WHERE job_id = $1 AND table_name = $2"
    );
    let query = sqlx::query(AssertSqlSafe(update)).bind(record.job.id.get()).bind(table.as_str());
    let query = query.bind(record.job.attempt.cast_signed()).bind(record.rows.cast_signed());
    query.bind(record.state.as_str()).execute(connection).await?;
    Ok(())
}

/// Those of them that have rows; they have none from now on.
pub async fn supersede(
    connection: &mut PgConnection,
    schema: &str,
    table: &TableName,
    by: JobId,
    jobs: &[JobId],
) -> Result<Vec<i64>> {
    let jobs: Vec<i64> = jobs.iter().map(|job| job.get()).collect();
    let update = format!(
        "UPDATE {schema}._casparian_commits SET state = 'superseded', superseded_by = $3
         WHERE job_id = ANY($1) AND table_name = $2 AND state = 'current' AND job_id <> $3 RETURNING job_id"
    );
    let query = sqlx::query(AssertSqlSafe(update)).bind(jobs).bind(table.as_str()).bind(by.get());
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// Of these very attempts.
pub async fn retire(
    connection: &mut PgConnection,
    schema: &str,
    table: &TableName,
    jobs: &[JobAttempt],
) -> Result<Vec<i64>> {
    let ids: Vec<i64> = jobs.iter().map(|job| job.id.get()).collect();
    let attempts: Vec<i32> = jobs.iter().map(|job| job.attempt.cast_signed()).collect();
    let update = format!(
        "UPDATE {schema}._casparian_commits c SET state = 'superseded' FROM unnest($1::bigint[], $2::int[]) AS j (id, attempt)
         WHERE c.job_id = j.id AND c.attempt = j.attempt AND c.table_name = $3 AND c.state = 'current' RETURNING c.job_id"
    );
    let query = sqlx::query(AssertSqlSafe(update)).bind(ids).bind(attempts).bind(table.as_str());
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

pub async fn find(
    connection: &mut PgConnection,
    schema: &str,
    table: &TableName,
    jobs: &[JobId],
) -> Result<Vec<CommitRecord>> {
    let jobs: Vec<i64> = jobs.iter().map(|job| job.get()).collect();
    let select = format!(
        "SELECT job_id, attempt, rows, state FROM {schema}._casparian_commits WHERE job_id = ANY($1) AND table_name = $2"
    );
    let query = sqlx::query(AssertSqlSafe(select)).bind(jobs).bind(table.as_str());
    query.fetch_all(connection).await?.iter().map(read).collect()
}

fn read(row: &PgRow) -> Result<CommitRecord> {
    let attempt: i32 = row.try_get(1)?;
    let job = JobAttempt { id: JobId::new(row.try_get(0)?), attempt: attempt.cast_unsigned() };
    let rows = row.try_get::<i64, _>(2)?.cast_unsigned();
    Ok(CommitRecord { job, rows, state: CommitState::parse(row.try_get(3)?) })
}
