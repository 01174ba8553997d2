//! A table and the sink's own memory of its columns; both grow in the transaction that brings the rows.

use super::cells::declared;
use super::error::{COLUMNS_MAX, ColumnProblem, Doing, SqliteError};
use super::names::stored_names;
use super::rebuild::{Widened, rebuild};
use super::widen::{Change, change};
use super::writing::Writing;
use crate::sinks::columns::column_type;
use arrow_schema::{FieldRef, Schema};
use protocol::{ColumnType, LINEAGE, TableName, TopicName};
use rusqlite::{Connection, params};
use std::collections::HashMap;

pub const MEMORY: &str = "CREATE TABLE IF NOT EXISTS _casparian_columns (
    table_name TEXT NOT NULL COLLATE NOCASE,
    position INTEGER NOT NULL,
    column_name TEXT NOT NULL,
    original_name TEXT NOT NULL,
    type TEXT NOT NULL,
    PRIMARY KEY (table_name, position)
) WITHOUT ROWID";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredColumn {
    /// As it is called in the table.
    pub name: String,
    /// As it is called in the topic.
    pub original: String,
    pub column_type: ColumnType,
}

impl StoredColumn {
    pub fn definition(&self) -> String {
        let not_null = if is_lineage(&self.original) { " NOT NULL" } else { "" };
        format!("{} {}{not_null}", quoted(&self.name), declared(&self.column_type))
    }

    fn is_called(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

fn is_lineage(original: &str) -> bool {
    LINEAGE.contains(&original)
}

/// What a name is in a statement, whatever is in it.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What is to be done for new columns.
pub struct Plan {
    /// Columns that were there.
    known: usize,
    widened: Vec<Widened>,
}

impl Plan {
    fn has_changes(&self) -> bool {
        self.widened.iter().any(|it| it.change != Change::Nothing)
    }
}

#[derive(Debug)]
pub struct Table {
    pub name: TableName,
    pub columns: Vec<StoredColumn>,
    pub exists: bool,
    /// Columns that the table has beside those of the sink.
    added: Vec<String>,
}

impl Table {
    pub fn quoted(&self) -> String {
        quoted(self.name.as_str())
    }

    /// None: there is no such table of the sink.
    pub fn find(
        connection: &Connection,
        doing: Doing<'_>,
        name: &TableName,
    ) -> Result<Option<Self>, SqliteError> {
        let table = Self::open(connection, doing, name)?;
        Ok(table.exists.then_some(table))
    }

    /// As the sink remembers it. A table that was dropped comes back with all of its columns.
    pub fn open(
        connection: &Connection,
        doing: Doing<'_>,
        name: &TableName,
    ) -> Result<Self, SqliteError> {
        if name.as_str().to_ascii_lowercase().starts_with("sqlite_") {
            let (path, table) = (doing.path.to_owned(), name.to_string());
            return Err(SqliteError::ReservedTable { path, table });
        }
        let columns = remembered(connection, name).map_err(|cause| doing.failed(cause))?;
        let actual = actual_columns(connection, name).map_err(|cause| doing.failed(cause))?;
        let mut table = Self { name: name.clone(), columns, exists: false, added: Vec::new() };
        let Some(actual) = actual else { return Ok(table) };
        table.exists = true;
        if table.columns.is_empty() || actual.is_empty() {
            return Err(SqliteError::NotOurs {
                path: doing.path.to_owned(),
                table: name.to_string(),
            });
        }
        let is_there = |it: &&StoredColumn| actual.iter().any(|name| it.is_called(name));
        if let Some(gone) = table.columns.iter().find(|it| !is_there(it)) {
            return Err(table.problem(doing, &gone.name, ColumnProblem::Gone));
        }
        let is_ours = |name: &String| table.columns.iter().any(|it| it.is_called(name));
        table.added = actual.into_iter().filter(|name| !is_ours(name)).collect();
        Ok(table)
    }

    /// Makes the table hold these columns, too. Those without a type wait until they have one.
    pub fn adapt(
        &mut self,
        writing: Writing<'_>,
        topic: &TopicName,
        schema: &Schema,
    ) -> Result<(), SqliteError> {
        let Writing { connection, doing, .. } = writing;
        let typed =
            |field: &FieldRef| Some((field.name().clone(), column_type(field.data_type())?));
        let plan = self.plan(doing, topic, schema.fields().iter().filter_map(typed))?;
        let action = Doing { action: "change the columns of", ..doing };
        if !self.exists {
            self.create(connection).map_err(|cause| action.failed(cause))?;
        } else {
            if plan.has_changes() {
                rebuild(Writing { doing: action, ..writing }, self, plan.known, &plan.widened)?;
            }
            self.add(connection, plan.known).map_err(|cause| action.failed(cause))?;
        }
        let known = if self.exists { plan.known } else { 0 };
        self.exists = true;
        self.remember(connection, known, &plan.widened).map_err(|cause| action.failed(cause))
    }

    /// What the columns become, and whether they can; nothing is written.
    pub fn plan(
        &mut self,
        doing: Doing<'_>,
        topic: &TopicName,
        incoming: impl Iterator<Item = (String, ColumnType)>,
    ) -> Result<Plan, SqliteError> {
        let mut plan = Plan { known: self.columns.len(), widened: Vec::new() };
        let places = self.columns.iter().enumerate().map(|(at, it)| (it.original.clone(), at));
        let places: HashMap<String, usize> = places.collect();
        for (original, incoming) in incoming.filter(|(_, it)| *it != ColumnType::Null) {
            match places.get(&original) {
                Some(at) => plan.widened.extend(self.widen(doing, *at, &incoming)?),
                None => self.columns.push(StoredColumn {
                    name: String::new(),
                    original,
                    column_type: incoming,
                }),
            }
        }
        self.name_new(doing, topic, plan.known)?;
        if self.exists && plan.has_changes() {
            self.check_rebuild(doing, &plan.widened)?;
        }
        Ok(plan)
    }

    fn widen(
        &mut self,
        doing: Doing<'_>,
        at: usize,
        incoming: &ColumnType,
    ) -> Result<Option<Widened>, SqliteError> {
        let column = &mut self.columns[at];
        let before = column.column_type.clone();
        let Some(now) = before.wider(incoming, true) else {
            let problem = ColumnProblem::Conflict { before, now: incoming.clone() };
            let name = column.original.clone();
            return Err(self.problem(doing, &name, problem));
        };
        if now == before {
            return Ok(None);
        }
        let change = change(&before, &now);
        column.column_type = now;
        Ok(Some(Widened { at, before, change }))
    }

    fn name_new(
        &mut self,
        doing: Doing<'_>,
        topic: &TopicName,
        known: usize,
    ) -> Result<(), SqliteError> {
        if self.columns.len() > COLUMNS_MAX {
            let columns = self.columns.len();
            return Err(SqliteError::TooManyColumns { topic: topic.clone(), columns });
        }
        let originals: Vec<&str> = self.columns.iter().map(|it| it.original.as_str()).collect();
        if let Some(column) = originals[known..].iter().find(|name| name.contains('\0')) {
            let column = (*column).to_owned();
            return Err(SqliteError::NulInName { topic: topic.clone(), column });
        }
        let names = stored_names(&originals);
        for (column, name) in self.columns.iter_mut().zip(names).skip(known) {
            if self.added.iter().any(|added| added.eq_ignore_ascii_case(&name)) {
                let table = self.name.as_str();
                let problem = ColumnProblem::Taken;
                return Err(SqliteError::column(doing.path, table, &name, problem));
            }
            column.name = name;
        }
        Ok(())
    }

    /// A rewrite would lose what others added.
    fn check_rebuild(&self, doing: Doing<'_>, widened: &[Widened]) -> Result<(), SqliteError> {
        let (Some(added), Some(widened)) = (self.added.first(), widened.first()) else {
            return Ok(());
        };
        let column = &self.columns[widened.at];
        let (before, now) = (widened.before.clone(), column.column_type.clone());
        let problem = ColumnProblem::BesideOthers { before, now, added: added.clone() };
        Err(self.problem(doing, &column.name, problem))
    }

    pub fn problem(&self, doing: Doing<'_>, column: &str, problem: ColumnProblem) -> SqliteError {
        SqliteError::column(doing.path, self.name.as_str(), column, problem)
    }

    fn create(&self, connection: &Connection) -> rusqlite::Result<()> {
        let columns: Vec<String> = self.columns.iter().map(StoredColumn::definition).collect();
        connection.execute_batch(&format!(
            "CREATE TABLE {} ({})",
            self.quoted(),
            columns.join(", ")
        ))
    }

    fn add(&self, connection: &Connection, known: usize) -> rusqlite::Result<()> {
        for column in &self.columns[known..] {
            let definition = column.definition();
            connection
                .execute_batch(&format!("ALTER TABLE {} ADD COLUMN {definition}", self.quoted()))?;
        }
        Ok(())
    }

    fn remember(
        &self,
        connection: &Connection,
        known: usize,
        widened: &[Widened],
    ) -> rusqlite::Result<()> {
        let changed = widened.iter().map(|it| it.at).chain(known..self.columns.len());
        let mut statement = connection.prepare(
            "INSERT OR REPLACE INTO _casparian_columns (table_name, position, column_name, original_name, type)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for at in changed {
            let column = &self.columns[at];
            let column_type = column.column_type.to_string();
            statement.execute(params![
                self.name.as_str(),
                at as i64,
                column.name,
                column.original,
                column_type
            ])?;
        }
        Ok(())
    }
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

/// None: there is nothing of that name. Empty: it is no ordinary table.
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
