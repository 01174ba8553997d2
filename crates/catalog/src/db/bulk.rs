//! One statement for many rows.

use super::connection::{Connection, Driver};
use super::query::{execute_postgres, execute_sqlite, fetch_postgres, fetch_sqlite};
use super::row::Row;
use super::value::{Bind, Kind, Value};
use crate::error::CatalogError;
use sqlx::Arguments;
use sqlx::postgres::PgArguments;
use std::borrow::Cow;

/// Rows in one statement: with the most columns that we bind, half of the 32,766 values that SQLite takes.
pub(crate) const ROWS_MAX: usize = 1_000;
/// So few rows are frequent enough to keep their statement, too.
const FEW: usize = 2;

/// A statement with as many values as there are rows. SQLite gets a place for each; only whole chunks are kept prepared, so that odd
/// lengths do not drive out what is used again. PostgreSQL gets an array per column, so that the text does not depend on how many there are.
pub(crate) struct Bulk {
    parts: Vec<Part>,
    is_kept: bool,
}

enum Part {
    Sql(Cow<'static, str>),
    Value(Value),
    /// After an IN.
    List {
        kind: Kind,
        values: Vec<Value>,
    },
    Rows {
        cells: Vec<Cell>,
        rows: usize,
        values: Vec<Value>,
    },
}

/// What stands at a place of every row.
enum Cell {
    Value(Kind),
    /// One or more literals.
    Same(&'static str),
}

/// The values of one row, in the order of its columns.
pub(crate) struct RowValues<'a> {
    values: &'a mut Vec<Value>,
    /// Of the first row, which the others are like.
    cells: Option<&'a mut Vec<Cell>>,
}

impl RowValues<'_> {
    pub(crate) fn push_bind<T: Bind>(&mut self, value: T) -> &mut Self {
        self.values.push(value.value());
        if let Some(cells) = &mut self.cells {
            cells.push(Cell::Value(T::KIND));
        }
        self
    }

    /// The same in every row.
    pub(crate) fn push(&mut self, literals: &'static str) -> &mut Self {
        if let Some(cells) = &mut self.cells {
            cells.push(Cell::Same(literals));
        }
        self
    }
}

impl Bulk {
    pub(crate) fn new(before: impl Into<Cow<'static, str>>) -> Self {
        Self { parts: vec![Part::Sql(before.into())], is_kept: true }
    }

    /// `before`, which ends with IN, then a list in brackets.
    pub(crate) fn list<T: Bind>(
        before: impl Into<Cow<'static, str>>,
        values: impl ExactSizeIterator<Item = T>,
    ) -> Self {
        Self { parts: Vec::with_capacity(2), is_kept: true }.then_list(before, values)
    }

    pub(crate) fn ids(before: impl Into<Cow<'static, str>>, ids: &[i64]) -> Self {
        Self::list(before, ids.iter().copied())
    }

    /// `before`, then a row of values for each.
    pub(crate) fn rows<T>(
        before: impl Into<Cow<'static, str>>,
        rows: &[T],
        push: impl FnMut(RowValues<'_>, &T),
    ) -> Self {
        Self::new(before).then_rows(rows, push)
    }

    pub(crate) fn then(mut self, sql: impl Into<Cow<'static, str>>) -> Self {
        self.parts.push(Part::Sql(sql.into()));
        self
    }

    pub(crate) fn bind(mut self, value: impl Bind) -> Self {
        self.parts.push(Part::Value(value.value()));
        self
    }

    pub(crate) fn then_list<T: Bind>(
        mut self,
        sql: impl Into<Cow<'static, str>>,
        values: impl ExactSizeIterator<Item = T>,
    ) -> Self {
        let len = values.len();
        self.parts.push(Part::Sql(sql.into()));
        self.parts.push(Part::List { kind: T::KIND, values: values.map(T::value).collect() });
        self.of(len)
    }

    pub(crate) fn then_rows<T>(
        mut self,
        rows: &[T],
        mut push: impl FnMut(RowValues<'_>, &T),
    ) -> Self {
        let (mut cells, mut values) = (Vec::new(), Vec::new());
        for (n, row) in rows.iter().enumerate() {
            let first = (n == 0).then_some(&mut cells);
            push(RowValues { values: &mut values, cells: first }, row);
            if n == 0 {
                values.reserve(values.len() * (rows.len() - 1));
            }
        }
        self.parts.push(Part::Rows { cells, rows: rows.len(), values });
        self.of(rows.len())
    }

    fn of(mut self, rows: usize) -> Self {
        self.is_kept &= rows <= FEW || rows == ROWS_MAX;
        self
    }

    pub(crate) async fn execute(self, on: &mut Connection) -> Result<u64, CatalogError> {
        let is_kept = self.is_kept;
        match on.driver() {
            Driver::Sqlite(one) => {
                let (sql, values) = self.for_sqlite();
                execute_sqlite(sql.into(), values, is_kept, one).await
            }
            Driver::Postgres(one) => {
                let (sql, arguments) = self.for_postgres()?;
                execute_postgres(sql.into(), arguments, one).await
            }
        }
    }

    pub(crate) async fn fetch(self, on: &mut Connection) -> Result<Vec<Row>, CatalogError> {
        let is_kept = self.is_kept;
        match on.driver() {
            Driver::Sqlite(one) => {
                let (sql, values) = self.for_sqlite();
                fetch_sqlite(sql.into(), values, is_kept, one).await
            }
            Driver::Postgres(one) => {
                let (sql, arguments) = self.for_postgres()?;
                fetch_postgres(sql.into(), arguments, one).await
            }
        }
    }

    fn for_sqlite(self) -> (String, Vec<Value>) {
        let (mut sql, mut all) = (String::new(), Vec::new());
        for part in self.parts {
            match part {
                Part::Sql(text) => sql.push_str(&text),
                Part::Value(value) => {
                    sql.push('?');
                    all.push(value);
                }
                Part::List { mut values, .. } => {
                    sql.push('(');
                    repeat(&mut sql, "?", values.len());
                    sql.push(')');
                    append(&mut all, &mut values);
                }
                Part::Rows { cells, rows, mut values } => {
                    let cells: Vec<&str> = cells.iter().map(Cell::in_sqlite).collect();
                    sql.push_str("VALUES ");
                    repeat(&mut sql, &format!("({})", cells.join(", ")), rows);
                    append(&mut all, &mut values);
                }
            }
        }
        (sql, all)
    }

    fn for_postgres(self) -> Result<(String, PgArguments), CatalogError> {
        let (mut sql, mut places) = (String::new(), Places::default());
        for part in self.parts {
            match part {
                Part::Sql(text) => sql.push_str(&text),
                Part::Value(value) => {
                    let place = places.add(value.kind(), vec![value], false)?;
                    sql.push_str(&place);
                }
                Part::List { kind, values } => {
                    let place = places.add(kind, values, true)?;
                    sql.truncate(sql.trim_end().trim_end_matches("IN").len());
                    sql.push_str(&format!("= ANY ({place})"));
                }
                Part::Rows { cells, values, .. } => {
                    sql.push_str(&places.table(&cells, values)?);
                }
            }
        }
        Ok((sql, places.arguments))
    }
}

fn repeat(sql: &mut String, one: &str, times: usize) {
    sql.reserve((one.len() + 2) * times);
    for n in 0..times {
        if n > 0 {
            sql.push_str(", ");
        }
        sql.push_str(one);
    }
}

/// Without a copy, where there was nothing before.
fn append(all: &mut Vec<Value>, values: &mut Vec<Value>) {
    if all.is_empty() {
        std::mem::swap(all, values);
    } else {
        all.append(values);
    }
}

impl Cell {
    fn in_sqlite(&self) -> &str {
        match self {
            Self::Value(_) => "?",
            Self::Same(literals) => literals,
        }
    }
}

/// The numbered places of a statement for PostgreSQL.
#[derive(Default)]
struct Places {
    arguments: PgArguments,
    used: usize,
}

impl Places {
    /// The text of the next place.
    fn add(
        &mut self,
        kind: Kind,
        mut values: Vec<Value>,
        is_array: bool,
    ) -> Result<String, CatalogError> {
        self.used += 1;
        let added = match (kind, is_array) {
            (Kind::Int, true) => self.arguments.add(column(values, Value::into_int)),
            (Kind::Text, true) => self.arguments.add(column(values, Value::into_text)),
            (Kind::Blob, true) => self.arguments.add(column(values, Value::into_blob)),
            (Kind::Int, false) => self.arguments.add(values.pop().and_then(Value::into_int)),
            (Kind::Text, false) => self.arguments.add(values.pop().and_then(Value::into_text)),
            (Kind::Blob, false) => self.arguments.add(values.pop().and_then(Value::into_blob)),
        };
        added.map_err(sqlx::Error::Encode)?;
        Ok(format!("${}", self.used))
    }

    /// The rows as a table of arrays; its columns are named as those of VALUES are.
    fn table(&mut self, cells: &[Cell], values: Vec<Value>) -> Result<String, CatalogError> {
        let kinds = cells.iter().filter_map(|cell| match cell {
            Cell::Value(kind) => Some(*kind),
            Cell::Same(_) => None,
        });
        let kinds: Vec<Kind> = kinds.collect();
        let mut columns: Vec<Vec<Value>> = kinds.iter().map(|_| Vec::new()).collect();
        for (n, value) in values.into_iter().enumerate() {
            columns[n % kinds.len()].push(value);
        }
        let (mut arrays, mut names, mut selected) = (Vec::new(), Vec::new(), Vec::new());
        for (kind, column) in kinds.iter().zip(columns) {
            arrays.push(self.add(*kind, column, true)?);
            names.push(format!("column{}", arrays.len()));
        }
        let mut bound = names.iter();
        for cell in cells {
            match cell {
                Cell::Value(_) => selected.extend(bound.next().map(String::as_str)),
                Cell::Same(literals) => selected.push(literals),
            }
        }
        let (selected, arrays, names) = (selected.join(", "), arrays.join(", "), names.join(", "));
        Ok(format!("SELECT {selected} FROM unnest({arrays}) AS u ({names})"))
    }
}

fn column<T>(values: Vec<Value>, of: impl Fn(Value) -> Option<T>) -> Vec<Option<T>> {
    values.into_iter().map(of).collect()
}
