//! Tables in a file, and the sink's own memory of their columns; both grow in the transaction that brings the rows.

use super::cells::declared;
use super::error::{Doing, SqliteError};
use super::names::NAMES;
use super::rebuild::rebuild;
use super::widen::{Change, change};
use super::writing::Writing;
use crate::sinks::sql::{ColumnProblem, Plan, StoredColumn, Table, Widened, typed};
use arrow_schema::Schema;
use protocol::{ColumnType, TableName, TopicName};
use rusqlite::{Connection, params};

pub const MEMORY: &str = "CREATE TABLE IF NOT EXISTS _casparian_columns (
    table_name TEXT NOT NULL COLLATE NOCASE,
    position INTEGER NOT NULL,
    column_name TEXT NOT NULL,
    original_name TEXT NOT NULL,
    type TEXT NOT NULL,
    PRIMARY KEY (table_name, position)
) WITHOUT ROWID";

/// As the sink remembers it.
pub fn open(
    connection: &Connection,
    doing: Doing<'_>,
    name: &TableName,
) -> Result<Table, SqliteError> {
    if name.as_str().to_ascii_lowercase().starts_with("sqlite_") {
        let (path, table) = (doing.path.to_owned(), name.to_string());
        return Err(SqliteError::ReservedTable { path, table });
    }
    let columns = remembered(connection, name).map_err(|cause| doing.failed(cause))?;
    let actual = actual_columns(connection, name).map_err(|cause| doing.failed(cause))?;
    let place = doing.path.display().to_string();
    Ok(Table::new(&NAMES, place, name, columns, actual)?)
}

/// Makes the table hold these columns, too.
pub fn adapt(
    table: &mut Table,
    writing: Writing<'_>,
    topic: &TopicName,
    schema: &Schema,
) -> Result<(), SqliteError> {
    let Writing { connection, doing, .. } = writing;
    let plan = plan(table, topic, typed(schema))?;
    let action = Doing { action: "change the columns of", ..doing };
    if !table.exists {
        create(connection, table).map_err(|cause| action.failed(cause))?;
    } else {
        if has_changes(table, &plan) {
            rebuild(Writing { doing: action, ..writing }, table, &plan)?;
        }
        add(connection, table, &plan).map_err(|cause| action.failed(cause))?;
    }
    table.exists = true;
    remember(connection, table, &plan).map_err(|cause| action.failed(cause))
}

/// What the columns become, and whether they can; nothing is written.
pub fn plan(
    table: &mut Table,
    topic: &TopicName,
    incoming: impl Iterator<Item = (String, ColumnType)>,
) -> Result<Plan, SqliteError> {
    let plan = table.plan(topic, incoming)?;
    if table.exists && has_changes(table, &plan) {
        check_rebuild(table, &plan)?;
    }
    Ok(plan)
}

pub fn change_of(table: &Table, widened: &Widened) -> Change {
    change(&widened.before, &table.columns[widened.at].column_type)
}

fn has_changes(table: &Table, plan: &Plan) -> bool {
    plan.widened.iter().any(|it| change_of(table, it) != Change::Nothing)
}

/// A rewrite would lose what others added.
fn check_rebuild(table: &Table, plan: &Plan) -> Result<(), SqliteError> {
    let (Some(added), Some(widened)) = (table.added.first(), plan.widened.first()) else {
        return Ok(());
    };
    let column = &table.columns[widened.at];
    let (before, now) = (widened.before.clone(), column.column_type.clone());
    let problem = ColumnProblem::BesideOthers { before, now, added: added.clone() };
    Err(table.problem(&column.name, problem).into())
}

/// In a statement that makes a table.
pub fn definitions(columns: &[StoredColumn]) -> String {
    let definition = |it: &StoredColumn| it.definition(declared(&it.column_type));
    columns.iter().map(definition).collect::<Vec<_>>().join(", ")
}

fn create(connection: &Connection, table: &Table) -> rusqlite::Result<()> {
    let (name, columns) = (table.quoted(), definitions(&table.columns));
    connection.execute_batch(&format!("CREATE TABLE {name} ({columns})"))
}

fn add(connection: &Connection, table: &Table, plan: &Plan) -> rusqlite::Result<()> {
    let name = table.quoted();
    table.columns[plan.known..].iter().try_for_each(|column| {
        let definition = column.definition(declared(&column.column_type));
        connection.execute_batch(&format!("ALTER TABLE {name} ADD COLUMN {definition}"))
    })
}

fn remember(connection: &Connection, table: &Table, plan: &Plan) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "INSERT OR REPLACE INTO _casparian_columns (table_name, position, column_name, original_name, type)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for (at, column) in table.changed(plan) {
        let (table, column_type) = (table.name.as_str(), column.column_type.to_string());
        statement.execute(params![table, at as i64, column.name, column.original, column_type])?;
    }
    Ok(())
}

fn remembered(connection: &Connection, name: &TableName) -> rusqlite::Result<Vec<StoredColumn>> {
    let exists = "SELECT count(*) FROM sqlite_schema WHERE name = '_casparian_columns'";
    if !connection.query_row(exists, [], |row| row.get(0))? {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare(
        "SELECT column_name, original_name, type FROM _casparian_columns WHERE table_name = ?1 ORDER BY position",
    )?;
    let rows = statement.query_map([name.as_str()], |row| {
        let text: String = row.get(2)?;
        let column_type = text.parse().map_err(|cause| {
            rusqlite::Error::FromSqlConversionFailure(
                2,
                rusqlite::types::Type::Text,
                Box::new(cause),
            )
        })?;
        Ok(StoredColumn { name: row.get(0)?, original: row.get(1)?, column_type })
    })?;
    rows.collect()
}

fn actual_columns(
    connection: &Connection,
    name: &TableName,
) -> rusqlite::Result<Option<Vec<String>>> {
    let mut kinds = connection.prepare(
        "SELECT type = 'table' AND rootpage > 0 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE",
    )?;
    let mut kinds = kinds.query_map([name.as_str()], |row| row.get::<_, bool>(0))?;
    match kinds.next().transpose()? {
        None => return Ok(None),
        Some(false) => return Ok(Some(Vec::new())),
        Some(true) => {}
    }
    let mut columns = connection.prepare("SELECT name FROM pragma_table_xinfo(?1)")?;
    let columns = columns.query_map([name.as_str()], |row| row.get(0))?;
    columns.collect::<rusqlite::Result<Vec<String>>>().map(Some)
}
