//! Removing the rows of jobs. They are found by where their load put them; when that is no longer so, by a look at every row.

use super::record::Located;
use super::table::{Table, quoted};
use crate::sinks::sql::CommitState;
use protocol::{JobId, LINEAGE};
use rusqlite::{Connection, params};

/// Gives the number of rows that are gone. Of a record that is not current there are none.
pub fn remove(
    connection: &Connection,
    table: &Table,
    records: &[Located],
) -> rusqlite::Result<u64> {
    let job_column = quoted(LINEAGE[0]);
    let name = table.quoted();
    let mut statement = connection.prepare(&format!(
        "DELETE FROM {name} WHERE _rowid_ BETWEEN ?1 AND ?2 AND {job_column} = ?3"
    ))?;
    let (mut removed, mut astray) = (0, Vec::new());
    for located in records.iter().filter(|it| it.record.state == CommitState::Current) {
        let job = located.record.job.id;
        let found = match located.rowids {
            Some((first, last)) => statement.execute(params![first, last, job.get()])? as u64,
            None => 0,
        };
        removed += found;
        if found != located.record.rows {
            astray.push(job);
        }
    }
    drop(statement);
    Ok(removed + remove_astray(connection, table, &astray)?)
}

/// VACUUM, or a copy of the table, has numbered the rows anew; or somebody else removed some. One scan serves all of these jobs, and one more
/// learns where the rows of the others are now.
pub fn remove_astray(
    connection: &Connection,
    table: &Table,
    jobs: &[JobId],
) -> rusqlite::Result<u64> {
    if jobs.is_empty() {
        return Ok(0);
    }
    let (name, job_column) = (table.quoted(), quoted(LINEAGE[0]));
    let jobs: Vec<String> = jobs.iter().map(ToString::to_string).collect();
    let removed = connection.execute(
        &format!("DELETE FROM {name} WHERE {job_column} IN (SELECT value FROM json_each(?1))"),
        [format!("[{}]", jobs.join(","))],
    )?;
    connection.execute(
        &format!(
            "UPDATE _casparian_commits SET first_rowid = found.first, last_rowid = found.last
             FROM (SELECT {job_column} AS job, min(_rowid_) AS first, max(_rowid_) AS last FROM {name} GROUP BY 1) AS found
             WHERE job_id = found.job AND table_name = ?1 AND state = 'current'"
        ),
        [table.name.as_str()],
    )?;
    Ok(removed as u64)
}
