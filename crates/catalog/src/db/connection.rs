//! Connections, pools of them, and transactions, of either database.

use crate::error::CatalogError;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{AssertSqlSafe, Postgres, Sqlite, Transaction};
use std::ops::{Deref, DerefMut};

#[derive(Debug, Clone)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// What a statement can run on.
#[derive(Debug)]
pub(crate) enum Connection {
    Sqlite(PoolConnection<Sqlite>),
    SqliteTx(Transaction<'static, Sqlite>),
    Postgres(PoolConnection<Postgres>),
    PostgresTx(Transaction<'static, Postgres>),
}

/// A connection by its driver.
pub(super) enum Driver<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

impl Connection {
    pub(super) fn driver(&mut self) -> Driver<'_> {
        match self {
            Self::Sqlite(one) => Driver::Sqlite(one),
            Self::SqliteTx(one) => Driver::Sqlite(one),
            Self::Postgres(one) => Driver::Postgres(one),
            Self::PostgresTx(one) => Driver::Postgres(one),
        }
    }
}

impl Pool {
    pub(crate) async fn acquire(&self) -> Result<Connection, CatalogError> {
        Ok(match self {
            Self::Sqlite(pool) => Connection::Sqlite(pool.acquire().await?),
            Self::Postgres(pool) => Connection::Postgres(pool.acquire().await?),
        })
    }

    /// All its statements see the same.
    pub(crate) async fn begin_reading(&self) -> Result<Tx, CatalogError> {
        let begin = match self {
            Self::Sqlite(_) => "BEGIN",
            Self::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        self.begin_with(begin).await
    }

    pub(super) async fn begin_with(&self, begin: &'static str) -> Result<Tx, CatalogError> {
        Ok(Tx(match self {
            Self::Sqlite(pool) => Connection::SqliteTx(pool.begin_with(begin).await?),
            Self::Postgres(pool) => Connection::PostgresTx(pool.begin_with(begin).await?),
        }))
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// A connection with a transaction, which is undone when it is dropped without a commit.
#[derive(Debug)]
pub(crate) struct Tx(Connection);

impl Tx {
    /// With the commit, whoever listens is told that there is something to do.
    pub(crate) async fn wake(&mut self) -> Result<(), CatalogError> {
        if let Driver::Postgres(one) = self.0.driver() {
            let sql = AssertSqlSafe(format!("SELECT pg_notify({}, '')", super::seat::CHANNEL));
            sqlx::query(sql).execute(one).await?;
        }
        Ok(())
    }

    /// Whether a table expression may speak of those before it.
    pub(crate) fn has_lateral(&self) -> bool {
        matches!(self.0, Connection::Postgres(_) | Connection::PostgresTx(_))
    }

    /// The Sentinel's epoch, which stands still until the transaction ends; on SQLite by the write lock alone.
    pub(crate) fn epoch_sql(&self) -> &'static str {
        match self.0 {
            Connection::Sqlite(_) | Connection::SqliteTx(_) => {
                "SELECT sentinel_epoch FROM catalog_meta"
            }
            Connection::Postgres(_) | Connection::PostgresTx(_) => {
                "SELECT sentinel_epoch FROM catalog_meta FOR SHARE"
            }
        }
    }

    pub(crate) async fn commit(self) -> Result<(), CatalogError> {
        match self.0 {
            Connection::SqliteTx(tx) => tx.commit().await?,
            Connection::PostgresTx(tx) => tx.commit().await?,
            Connection::Sqlite(_) | Connection::Postgres(_) => {}
        }
        Ok(())
    }
}

impl Deref for Tx {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0
    }
}
