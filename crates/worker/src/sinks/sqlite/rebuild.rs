//! Rewrites a table under other declared types, in the transaction that is open. Rows keep their numbers, and what others made for the table,
//! its indexes and triggers, is made again.

use super::error::{Doing, SqliteError};
use super::table::{change_of, definitions};
use super::writing::Writing;
use crate::sinks::sql::{ColumnProblem, Plan, Table, Widened, quoted};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

/// A name that no topic's table has.
const REWRITTEN: &str = "_casparian_rewritten";

/// The columns that it has already get their new types.
pub fn rebuild(writing: Writing<'_>, table: &Table, plan: &Plan) -> Result<(), SqliteError> {
    for it in &plan.widened {
        check(writing.connection, writing.doing, table, it)?;
    }
    writing.spill()?;
    let rewritten = rewrite(writing.connection, table, plan);
    rewritten.map_err(|cause| writing.failed(cause))
}

fn rewrite(connection: &Connection, table: &Table, plan: &Plan) -> rusqlite::Result<()> {
    let (name, columns) = (table.quoted(), &table.columns[..plan.known]);
    let extras = extras(connection, table)?;
    let names: Vec<String> = columns.iter().map(|it| quoted(&it.name)).collect();
    let mut values = names.clone();
    for it in &plan.widened {
        values[it.at] = change_of(table, it).expression(&names[it.at]);
    }
    let (definitions, names, values) = (definitions(columns), names.join(", "), values.join(", "));
    connection.execute_batch(&format!(
        "CREATE TABLE {REWRITTEN} ({definitions});
         INSERT INTO {REWRITTEN} (_rowid_, {names}) SELECT _rowid_, {values} FROM {name} ORDER BY _rowid_;
         DROP TABLE {name};
         ALTER TABLE {REWRITTEN} RENAME TO {name}"
    ))?;
    extras.iter().try_for_each(|extra| connection.execute_batch(extra))
}

/// The statements that made the indexes and triggers of a table.
fn extras(connection: &Connection, table: &Table) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(
        "SELECT sql FROM sqlite_schema WHERE tbl_name = ?1 COLLATE NOCASE AND type IN ('index', 'trigger') AND sql IS NOT NULL",
    )?;
    statement.query_map([table.name.as_str()], |row| row.get(0))?.collect()
}

/// The topic's schema only widens where nothing changes; here is what lies in the table, whoever wrote it.
fn check(
    connection: &Connection,
    doing: Doing<'_>,
    table: &Table,
    widened: &Widened,
) -> Result<(), SqliteError> {
    let column = &table.columns[widened.at];
    let (name, change) = (quoted(&column.name), change_of(table, widened));
    let Some(doubtful) = change.doubtful(&name) else { return Ok(()) };
    let select = format!("SELECT {name} FROM {} WHERE {doubtful}", table.quoted());
    let find = || -> rusqlite::Result<Option<String>> {
        let mut statement = connection.prepare(&select)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (number, text) = match row.get_ref(0)? {
                ValueRef::Integer(value) => (Some(i128::from(value)), value.to_string()),
                ValueRef::Text(text) => {
                    let text = String::from_utf8_lossy(text).into_owned();
                    (text.parse().ok(), text)
                }
                _ => (None, "a value of another type".to_owned()),
            };
            if !number.is_some_and(|number| change.keeps(number)) {
                return Ok(Some(text));
            }
        }
        Ok(None)
    };
    match find().map_err(|cause| doing.failed(cause))? {
        None => Ok(()),
        Some(value) => {
            let (before, now) = (widened.before.clone(), column.column_type.clone());
            let problem = ColumnProblem::Lossy { before, now, value };
            Err(table.problem(&column.name, problem).into())
        }
    }
}
