//! A table as its sink remembers it, and what its columns become. Each database reads and writes that in its own way.

use super::{ColumnProblem, NameRules, TableError, quoted};
use crate::sinks::columns::column_type;
use arrow_schema::{FieldRef, Schema};
use protocol::{ColumnType, LINEAGE, TableName, TopicName};
use std::collections::HashMap;
use std::fmt::Display;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredColumn {
    /// As it is called in the table.
    pub name: String,
    /// As it is called in the topic.
    pub original: String,
    pub column_type: ColumnType,
}

impl StoredColumn {
    pub fn definition(&self, declared: impl Display) -> String {
        let not_null = if self.is_lineage() { " NOT NULL" } else { "" };
        format!("{} {declared}{not_null}", quoted(&self.name))
    }

    fn is_lineage(&self) -> bool {
        LINEAGE.contains(&self.original.as_str())
    }
}

/// A column that gets a wider type.
#[derive(Debug)]
pub struct Widened {
    pub at: usize,
    pub before: ColumnType,
}

/// What is to be done for new columns.
#[derive(Debug)]
pub struct Plan {
    /// Columns that the table in the database has already; those behind them are new.
    pub known: usize,
    pub widened: Vec<Widened>,
}

#[derive(Debug)]
pub struct Table {
    pub name: TableName,
    pub columns: Vec<StoredColumn>,
    pub exists: bool,
    /// Columns that the table has beside those of the sink.
    pub added: Vec<String>,
    /// The file or the server, as errors show it.
    place: String,
    rules: &'static NameRules,
}

impl Table {
    /// `actual` are the columns in the database. None: there is nothing of that name. Empty: it is no ordinary table. A table that was
    /// dropped comes back with all that is remembered.
    pub fn new(
        rules: &'static NameRules,
        place: String,
        name: &TableName,
        remembered: Vec<StoredColumn>,
        actual: Option<Vec<String>>,
    ) -> Result<Self, TableError> {
        let (name, columns, exists) = (name.clone(), remembered, actual.is_some());
        let mut table = Self { name, columns, exists, added: Vec::new(), place, rules };
        let Some(actual) = actual else { return Ok(table) };
        if table.columns.is_empty() || actual.is_empty() {
            let (place, table) = (table.place, table.name.to_string());
            return Err(TableError::NotOurs { place, table });
        }
        let is_there = |it: &&StoredColumn| actual.iter().any(|name| rules.is_same(&it.name, name));
        if let Some(gone) = table.columns.iter().find(|it| !is_there(it)) {
            return Err(table.problem(&gone.name, ColumnProblem::Gone));
        }
        let is_ours = |name: &String| table.columns.iter().any(|it| rules.is_same(&it.name, name));
        table.added = actual.into_iter().filter(|name| !is_ours(name)).collect();
        Ok(table)
    }

    /// Whether rows of this schema need another column, or a wider one.
    pub fn needs(&self, schema: &Schema) -> bool {
        !self.exists
            || typed(schema).any(|(name, incoming)| match self.column(&name) {
                _ if incoming == ColumnType::Null => false,
                None => true,
                Some(known) => {
                    known.column_type.wider(&incoming, true).as_ref() != Some(&known.column_type)
                }
            })
    }

    /// Whether the column, if there is one, can also hold this type.
    pub fn check(&self, original: &str, incoming: &ColumnType) -> Result<(), TableError> {
        let known = self.column(original);
        known.map_or(Ok(()), |known| self.wider(known, incoming).map(|_| ()))
    }

    /// What the columns become, and whether they can. Those without a type wait until they have one.
    pub fn plan(
        &mut self,
        topic: &TopicName,
        incoming: impl Iterator<Item = (String, ColumnType)>,
    ) -> Result<Plan, TableError> {
        let (known, mut widened) = (self.columns.len(), Vec::new());
        let places = self.columns.iter().enumerate().map(|(at, it)| (it.original.clone(), at));
        let places: HashMap<String, usize> = places.collect();
        for (original, incoming) in incoming.filter(|(_, it)| *it != ColumnType::Null) {
            match places.get(&original) {
                Some(at) => widened.extend(self.widen(*at, &incoming)?),
                None => self.columns.push(StoredColumn {
                    name: String::new(),
                    original,
                    column_type: incoming,
                }),
            }
        }
        self.name_new(topic, known)?;
        Ok(Plan { known: if self.exists { known } else { 0 }, widened })
    }

    /// Columns that are to be remembered anew, by position.
    pub fn changed(&self, plan: &Plan) -> impl Iterator<Item = (usize, &StoredColumn)> {
        let changed = plan.widened.iter().map(|it| it.at).chain(plan.known..self.columns.len());
        let changed: Vec<usize> = changed.collect();
        changed.into_iter().map(|at| (at, &self.columns[at]))
    }

    pub fn quoted(&self) -> String {
        quoted(self.name.as_str())
    }

    pub fn problem(&self, column: &str, problem: ColumnProblem) -> TableError {
        TableError::Column {
            place: self.place.clone(),
            table: self.name.to_string(),
            column: column.to_owned(),
            problem: Box::new(problem),
        }
    }

    fn column(&self, original: &str) -> Option<&StoredColumn> {
        self.columns.iter().find(|it| it.original == original)
    }

    fn wider(&self, column: &StoredColumn, now: &ColumnType) -> Result<ColumnType, TableError> {
        column.column_type.wider(now, true).ok_or_else(|| {
            let (before, now) = (column.column_type.clone(), now.clone());
            self.problem(&column.original, ColumnProblem::Conflict { before, now })
        })
    }

    fn widen(&mut self, at: usize, incoming: &ColumnType) -> Result<Option<Widened>, TableError> {
        let now = self.wider(&self.columns[at], incoming)?;
        let before = std::mem::replace(&mut self.columns[at].column_type, now.clone());
        Ok((now != before).then_some(Widened { at, before }))
    }

    fn name_new(&mut self, topic: &TopicName, known: usize) -> Result<(), TableError> {
        let own = self.columns.iter().filter(|it| !it.is_lineage());
        self.rules.check(topic, own.map(|it| it.original.as_str()))?;
        let originals: Vec<&str> = self.columns.iter().map(|it| it.original.as_str()).collect();
        let names = self.rules.stored(&originals);
        for (at, name) in names.into_iter().enumerate().skip(known) {
            if self.added.iter().any(|added| self.rules.is_same(added, &name)) {
                return Err(self.problem(&name, ColumnProblem::Taken));
            }
            self.columns[at].name = name;
        }
        Ok(())
    }
}

/// Columns of a staged file.
pub fn typed(schema: &Schema) -> impl Iterator<Item = (String, ColumnType)> {
    let typed = |field: &FieldRef| Some((field.name().clone(), column_type(field.data_type())?));
    schema.fields().iter().filter_map(typed)
}
