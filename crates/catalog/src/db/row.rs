//! A row of an answer.

use crate::error::CatalogError;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{ColumnIndex, Row as _, TypeInfo, ValueRef};

pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// By number, or by name.
    pub(crate) fn try_get<'r, T, I>(&'r self, column: I) -> Result<T, CatalogError>
    where
        T: Column<'r>,
        I: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
    {
        match self {
            Self::Sqlite(row) => Ok(T::of_sqlite(row, column)?),
            Self::Postgres(row) => Ok(T::of_postgres(row, column)?),
        }
    }
}

/// A type that a column can be read as.
pub(crate) trait Column<'r>: Sized {
    fn of_sqlite(row: &'r SqliteRow, column: impl ColumnIndex<SqliteRow>) -> sqlx::Result<Self>;
    fn of_postgres(row: &'r PgRow, column: impl ColumnIndex<PgRow>) -> sqlx::Result<Self>;
}

/// What both drivers read alike.
macro_rules! alike {
    ($($of:ty),+) => {
        $(impl<'r> Column<'r> for $of {
            fn of_sqlite(row: &'r SqliteRow, column: impl ColumnIndex<SqliteRow>) -> sqlx::Result<Self> {
                row.try_get(column)
            }

            fn of_postgres(row: &'r PgRow, column: impl ColumnIndex<PgRow>) -> sqlx::Result<Self> {
                row.try_get(column)
            }
        })+
    };
}

alike!(String, &'r str, Vec<u8>, &'r [u8]);

/// A number that is stored has 64 bits in PostgreSQL, one that a statement names has 32, and what was compared is a truth.
fn number(row: &PgRow, column: impl ColumnIndex<PgRow>) -> sqlx::Result<i64> {
    let column = column.index(row)?;
    match row.try_get_raw(column)?.type_info().name() {
        "BOOL" => Ok(row.try_get::<bool, _>(column)?.into()),
        "INT4" => Ok(row.try_get::<i32, _>(column)?.into()),
        _ => row.try_get(column),
    }
}

macro_rules! numbers {
    ($($of:ty),+) => {
        $(impl<'r> Column<'r> for $of {
            fn of_sqlite(row: &'r SqliteRow, column: impl ColumnIndex<SqliteRow>) -> sqlx::Result<Self> {
                row.try_get(column)
            }

            fn of_postgres(row: &'r PgRow, column: impl ColumnIndex<PgRow>) -> sqlx::Result<Self> {
                let number = number(row, column)?;
                Self::try_from(number).map_err(|error| sqlx::Error::Decode(error.into()))
            }
        })+
    };
}

numbers!(i64, i32, u32);

impl<'r> Column<'r> for bool {
    fn of_sqlite(row: &'r SqliteRow, column: impl ColumnIndex<SqliteRow>) -> sqlx::Result<Self> {
        row.try_get(column)
    }

    fn of_postgres(row: &'r PgRow, column: impl ColumnIndex<PgRow>) -> sqlx::Result<Self> {
        Ok(number(row, column)? != 0)
    }
}

impl<'r, T: Column<'r>> Column<'r> for Option<T> {
    fn of_sqlite(row: &'r SqliteRow, column: impl ColumnIndex<SqliteRow>) -> sqlx::Result<Self> {
        let column = column.index(row)?;
        if row.try_get_raw(column)?.is_null() {
            return Ok(None);
        }
        T::of_sqlite(row, column).map(Some)
    }

    fn of_postgres(row: &'r PgRow, column: impl ColumnIndex<PgRow>) -> sqlx::Result<Self> {
        let column = column.index(row)?;
        if row.try_get_raw(column)?.is_null() {
            return Ok(None);
        }
        T::of_postgres(row, column).map(Some)
    }
}
