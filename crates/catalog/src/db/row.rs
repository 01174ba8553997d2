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

alike!(i64, String, &'r str, Vec<u8>, &'r [u8]);

/// PostgreSQL has all numbers as 64 bits.
macro_rules! narrower {
    ($($of:ty),+) => {
        $(impl<'r> Column<'r> for $of {
            fn of_sqlite(row: &'r SqliteRow, column: impl ColumnIndex<SqliteRow>) -> sqlx::Result<Self> {
                row.try_get(column)
            }

            fn of_postgres(row: &'r PgRow, column: impl ColumnIndex<PgRow>) -> sqlx::Result<Self> {
                let wide: i64 = row.try_get(column)?;
                Self::try_from(wide).map_err(|error| sqlx::Error::Decode(error.into()))
            }
        })+
    };
}

narrower!(i32, u32);

/// A flag that is stored is a number; one that was computed is a truth in PostgreSQL.
impl<'r> Column<'r> for bool {
    fn of_sqlite(row: &'r SqliteRow, column: impl ColumnIndex<SqliteRow>) -> sqlx::Result<Self> {
        row.try_get(column)
    }

    fn of_postgres(row: &'r PgRow, column: impl ColumnIndex<PgRow>) -> sqlx::Result<Self> {
        let column = column.index(row)?;
        if row.try_get_raw(column)?.type_info().name() == "BOOL" {
            return row.try_get(column);
        }
        Ok(row.try_get::<i64, _>(column)? != 0)
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
