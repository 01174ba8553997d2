//! One statement and its values, for either database.

use super::connection::{Connection, Driver, Pool};
use super::row::Row;
use super::value::{Bind, Kind, Value};
use crate::error::CatalogError;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, Postgres, SqlSafeStr, SqlStr, Sqlite};
use std::borrow::Cow;

/// A statement with `$1`, `$2` ... for its values. Its text is ours, never a user's: values are bound.
pub(crate) struct Query {
    sql: Cow<'static, str>,
    values: Vec<Value>,
}

pub(crate) fn query(sql: impl Into<Cow<'static, str>>) -> Query {
    Query { sql: sql.into(), values: Vec::new() }
}

/// Where a statement runs.
pub(crate) enum On<'a> {
    Pool(&'a Pool),
    One(&'a mut Connection),
}

impl<'a> From<&'a Pool> for On<'a> {
    fn from(pool: &'a Pool) -> Self {
        Self::Pool(pool)
    }
}

impl<'a> From<&'a mut Connection> for On<'a> {
    fn from(connection: &'a mut Connection) -> Self {
        Self::One(connection)
    }
}

impl Query {
    pub(crate) fn bind(mut self, value: impl Bind) -> Self {
        self.values.push(value.value());
        self
    }

    /// How many rows it changed.
    pub(crate) async fn execute<'a>(self, on: impl Into<On<'a>>) -> Result<u64, CatalogError> {
        match on.into() {
            On::Pool(pool) => self.execute_on(&mut pool.acquire().await?).await,
            On::One(connection) => self.execute_on(connection).await,
        }
    }

    pub(crate) async fn fetch_all<'a>(
        self,
        on: impl Into<On<'a>>,
    ) -> Result<Vec<Row>, CatalogError> {
        match on.into() {
            On::Pool(pool) => self.fetch_on(&mut pool.acquire().await?).await,
            On::One(connection) => self.fetch_on(connection).await,
        }
    }

    pub(crate) async fn fetch_optional<'a>(
        self,
        on: impl Into<On<'a>>,
    ) -> Result<Option<Row>, CatalogError> {
        Ok(self.fetch_all(on).await?.into_iter().next())
    }

    pub(crate) async fn fetch_one<'a>(self, on: impl Into<On<'a>>) -> Result<Row, CatalogError> {
        let row = self.fetch_optional(on).await?;
        row.ok_or(CatalogError::Database(sqlx::Error::RowNotFound))
    }

    async fn execute_on(self, connection: &mut Connection) -> Result<u64, CatalogError> {
        match connection.driver() {
            Driver::Sqlite(one) => execute_sqlite(self.sql, self.values, true, one).await,
            Driver::Postgres(one) => {
                execute_postgres(self.sql, postgres_arguments(self.values)?, one).await
            }
        }
    }

    async fn fetch_on(self, connection: &mut Connection) -> Result<Vec<Row>, CatalogError> {
        match connection.driver() {
            Driver::Sqlite(one) => fetch_sqlite(self.sql, self.values, true, one).await,
            Driver::Postgres(one) => {
                fetch_postgres(self.sql, postgres_arguments(self.values)?, one).await
            }
        }
    }
}

fn text(sql: Cow<'static, str>) -> SqlStr {
    match sql {
        Cow::Borrowed(sql) => sql.into_sql_str(),
        Cow::Owned(sql) => AssertSqlSafe(sql).into_sql_str(),
    }
}

pub(super) async fn execute_sqlite(
    sql: Cow<'static, str>,
    values: Vec<Value>,
    is_kept: bool,
    on: &mut sqlx::SqliteConnection,
) -> Result<u64, CatalogError> {
    let query = sqlx::query_with::<Sqlite, _>(text(sql), sqlite_arguments(values)?);
    Ok(query.persistent(is_kept).execute(on).await?.rows_affected())
}

pub(super) async fn fetch_sqlite(
    sql: Cow<'static, str>,
    values: Vec<Value>,
    is_kept: bool,
    on: &mut sqlx::SqliteConnection,
) -> Result<Vec<Row>, CatalogError> {
    let query = sqlx::query_with::<Sqlite, _>(text(sql), sqlite_arguments(values)?);
    let rows = query.persistent(is_kept).fetch_all(on).await?;
    Ok(rows.into_iter().map(Row::Sqlite).collect())
}

pub(super) async fn execute_postgres(
    sql: Cow<'static, str>,
    arguments: PgArguments,
    on: &mut sqlx::PgConnection,
) -> Result<u64, CatalogError> {
    let query = sqlx::query_with::<Postgres, _>(text(sql), arguments);
    Ok(query.execute(on).await?.rows_affected())
}

pub(super) async fn fetch_postgres(
    sql: Cow<'static, str>,
    arguments: PgArguments,
    on: &mut sqlx::PgConnection,
) -> Result<Vec<Row>, CatalogError> {
    let rows = sqlx::query_with::<Postgres, _>(text(sql), arguments).fetch_all(on).await?;
    Ok(rows.into_iter().map(Row::Postgres).collect())
}

fn sqlite_arguments(values: Vec<Value>) -> Result<SqliteArguments, CatalogError> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        let added = match value {
            Value::Int(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Blob(value) => arguments.add(value),
            Value::Null(_) => arguments.add(None::<i64>),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

fn postgres_arguments(values: Vec<Value>) -> Result<PgArguments, CatalogError> {
    let mut arguments = PgArguments::default();
    for value in values {
        let added = match value.kind() {
            Kind::Int => arguments.add(value.into_int()),
            Kind::Text => arguments.add(value.into_text()),
            Kind::Blob => arguments.add(value.into_blob()),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}
