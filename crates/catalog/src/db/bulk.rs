//! One statement for many rows.

use super::Tx;
use crate::error::CatalogError;
use sqlx::query_builder::Separated;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{QueryBuilder, Sqlite};
use std::fmt::Display;

/// Rows in one statement: with the most columns that we bind, half of the 32,766 values that SQLite takes.
pub(crate) const ROWS_MAX: usize = 1_000;
/// So few rows are frequent enough to keep their statement, too.
const FEW: usize = 2;

/// A statement with as many values as there are rows. Only whole chunks are kept prepared, so that odd lengths do not drive out
/// what is used again.
pub(crate) struct Bulk {
    query: QueryBuilder<Sqlite>,
    is_kept: bool,
}

impl Bulk {
    pub(crate) fn new(before: impl Into<String>) -> Self {
        Self { query: QueryBuilder::new(before), is_kept: true }
    }

    /// `before`, then a list in brackets.
    pub(crate) fn list<'t, T>(
        before: impl Into<String>,
        values: impl ExactSizeIterator<Item = T>,
    ) -> Self
    where
        T: 't + sqlx::Encode<'t, Sqlite> + sqlx::Type<Sqlite>,
    {
        Self::new(before).then_list("", values)
    }

    pub(crate) fn ids(before: impl Into<String>, ids: &[i64]) -> Self {
        Self::list(before, ids.iter().copied())
    }

    /// `before`, then a row of values for each.
    pub(crate) fn rows<T>(
        before: impl Into<String>,
        rows: &[T],
        push: impl FnMut(Separated<'_, Sqlite, &'static str>, &T),
    ) -> Self {
        Self::new(before).then_rows(rows, push)
    }

    pub(crate) fn then(mut self, sql: impl Display) -> Self {
        self.query.push(sql);
        self
    }

    pub(crate) fn bind<'t, T>(mut self, value: T) -> Self
    where
        T: 't + sqlx::Encode<'t, Sqlite> + sqlx::Type<Sqlite>,
    {
        self.query.push_bind(value);
        self
    }

    pub(crate) fn then_list<'t, T>(
        mut self,
        sql: impl Display,
        values: impl ExactSizeIterator<Item = T>,
    ) -> Self
    where
        T: 't + sqlx::Encode<'t, Sqlite> + sqlx::Type<Sqlite>,
    {
        let len = values.len();
        self.query.push(sql).push("(");
        let mut list = self.query.separated(", ");
        for value in values {
            list.push_bind(value);
        }
        self.query.push(")");
        self.of(len)
    }

    pub(crate) fn then_rows<T>(
        mut self,
        rows: &[T],
        push: impl FnMut(Separated<'_, Sqlite, &'static str>, &T),
    ) -> Self {
        self.query.push_values(rows, push);
        self.of(rows.len())
    }

    fn of(mut self, rows: usize) -> Self {
        self.is_kept &= rows <= FEW || rows == ROWS_MAX;
        self
    }

    pub(crate) async fn execute(mut self, tx: &mut Tx) -> Result<u64, CatalogError> {
        let query = self.query.build().persistent(self.is_kept);
        Ok(query.execute(&mut **tx).await?.rows_affected())
    }

    pub(crate) async fn fetch(
        mut self,
        connection: &mut SqliteConnection,
    ) -> Result<Vec<SqliteRow>, CatalogError> {
        Ok(self.query.build().persistent(self.is_kept).fetch_all(connection).await?)
    }
}
