//! Removing the rows of jobs. They are found by where their load put them; when that is no longer so, by a look at every row.

use super::error::SqliteError;
use super::record::Located;
use super::writing::Writing;
use crate::sinks::sql::{CommitState, Table, quoted};
use protocol::{JobId, LINEAGE};
use rusqlite::{Connection, params};

/// What a row that is removed may leave in memory, as pages of the file that have changed; a guess.
const ROW_BYTES: u64 = 1_024;

/// Gives the number of rows that are gone. Of a record that is not current there are none.
pub fn remove(
    writing: Writing<'_>,
    table: &Table,
    records: &[Located],
) -> Result<u64, SqliteError> {
    // Whoever dropped the table removed its rows.
    if !table.exists {
        return Ok(0);
    }
    let current: Vec<&Located> =
        records.iter().filter(|it| it.record.state == CommitState::Current).collect();
    let rows: u64 = current.iter().map(|it| it.record.rows).sum();
    writing.change(rows.saturating_mul(ROW_BYTES))?;
    let found = remove_located(writing.connection, table, &current);
    let found = found.map_err(|cause| writing.failed(cause))?;
    let astray = current.iter().zip(&found).filter(|(it, found)| it.record.rows != **found);
    let astray: Vec<JobId> = astray.map(|(it, _)| it.record.job.id).collect();
    Ok(found.iter().sum::<u64>() + remove_astray(writing, table, &astray)?)
}

/// For each record, how many rows were where its load put them.
fn remove_located(
    connection: &Connection,
    table: &Table,
    records: &[&Located],
) -> rusqlite::Result<Vec<u64>> {
    let (name, job_column) = (table.quoted(), quoted(LINEAGE[0]));
    let mut statement = connection.prepare(&format!(
        "DELETE FROM {name} WHERE _rowid_ BETWEEN ?1 AND ?2 AND {job_column} = ?3"
    ))?;
    let mut remove = |located: &&Located| match located.rowids {
        Some((first, last)) => {
            let job = located.record.job.id.get();
            Ok(statement.execute(params![first, last, job])? as u64)
        }
        None => Ok(0),
    };
    records.iter().map(&mut remove).collect()
}

/// VACUUM, or a copy of the table, has numbered the rows anew; or somebody else removed some. One scan serves all of these jobs, and one more
/// learns where the rows of the others are now.
pub fn remove_astray(
    writing: Writing<'_>,
    table: &Table,
    jobs: &[JobId],
) -> Result<u64, SqliteError> {
    if jobs.is_empty() || !table.exists {
        return Ok(0);
    }
    writing.spill()?;
    let (name, job_column) = (table.quoted(), quoted(LINEAGE[0]));
    let jobs: Vec<String> = jobs.iter().map(ToString::to_string).collect();
    let remove = || {
        let removed = writing.connection.execute(
            &format!("DELETE FROM {name} WHERE {job_column} IN (SELECT value FROM json_each(?1))"),
            [format!("[{}]", jobs.join(","))],
        )?;
        writing.connection.execute(
            &format!(
                "UPDATE _casparian_commits SET first_rowid = found.first, last_rowid = found.last
                 FROM (SELECT {job_column} AS job, min(_rowid_) AS first, max(_rowid_) AS last FROM {name} GROUP BY 1) AS found
                 WHERE job_id = found.job AND table_name = ?1 AND state = 'current'"
            ),
            [table.name.as_str()],
        )?;
        Ok(removed as u64)
    };
    remove().map_err(|cause| writing.failed(cause))
}
