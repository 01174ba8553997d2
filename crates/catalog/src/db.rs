//! The one place that knows the driver: how a catalog is opened, and how its transactions begin.

use crate::error::CatalogError;
use crate::ids::{IdGenerator, NODES};
use crate::{fingerprint, migrate};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Row, Sqlite, Transaction};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Longer than any write transaction of ours lasts, however slow the disk.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const READERS: u32 = 4;

pub(crate) type Tx = Transaction<'static, Sqlite>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// Creates the catalog where there is none, and brings its schema up to date.
    ReadWrite,
    /// Refuses where there is none.
    ReadOnly,
}

/// A handle to all state. Clones share it.
#[derive(Debug, Clone)]
pub struct Catalog {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    readers: SqlitePool,
    /// One connection: SQLite has one writer, and waiting for it is fairer here than in the database.
    writer: SqlitePool,
    ids: tokio::sync::OnceCell<IdGenerator>,
}

impl Catalog {
    pub async fn open(url: &str, mode: OpenMode) -> Result<Self, CatalogError> {
        let path = path_of(url)?;
        match mode {
            OpenMode::ReadOnly if !path.exists() => return Err(CatalogError::Missing { path }),
            OpenMode::ReadOnly => {}
            OpenMode::ReadWrite => migrate::run(&path).await?,
        }
        let readers = pool(&path, READERS, true).await?;
        migrate::check_version(&path, &readers).await?;
        fingerprint::check(&path, &readers).await?;
        let writer = pool(&path, 1, mode == OpenMode::ReadOnly).await?;
        let ids = tokio::sync::OnceCell::new();
        Ok(Self { inner: Arc::new(Inner { path, readers, writer, ids }) })
    }

    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.inner.readers
    }

    /// A write transaction holds the write lock from its begin on, so that what it reads stays true.
    pub(crate) async fn begin(&self) -> Result<Tx, CatalogError> {
        Ok(self.inner.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// The id maker of this opening; its node number is taken at the first write.
    pub(crate) async fn ids(&self) -> Result<&IdGenerator, CatalogError> {
        self.inner.ids.get_or_try_init(|| self.take_node()).await
    }

    async fn take_node(&self) -> Result<IdGenerator, CatalogError> {
        let mut tx = self.begin().await?;
        let sql =
            "UPDATE catalog_meta SET next_id_node = (next_id_node + 1) % $1 RETURNING next_id_node";
        let node = sqlx::query(sql).bind(NODES).fetch_one(&mut *tx).await?.try_get(0)?;
        tx.commit().await?;
        Ok(IdGenerator::new(node))
    }

    /// Waits until everything is given back, so that the last one out leaves no write-ahead log behind.
    pub async fn close(self) {
        self.inner.readers.close().await;
        self.inner.writer.close().await;
    }
}

fn path_of(url: &str) -> Result<PathBuf, CatalogError> {
    let path = url.strip_prefix("sqlite://").unwrap_or(url);
    if path.is_empty() || path.contains("://") {
        return Err(CatalogError::BadUrl { url: url.to_owned() });
    }
    Ok(PathBuf::from(path))
}

pub(crate) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
}

async fn pool(path: &Path, connections: u32, read_only: bool) -> Result<SqlitePool, CatalogError> {
    let mut options = options(path).read_only(read_only);
    if read_only {
        // The journal mode is the writer's to set.
        options =
            SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY_TIMEOUT);
    }
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await;
    pool.map_err(|cause| CatalogError::Open { path: path.to_owned(), cause })
}
