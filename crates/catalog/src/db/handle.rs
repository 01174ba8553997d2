//! A catalog, opened.

use super::connection::{Pool, Tx};
use super::query::query;
use crate::error::CatalogError;
use crate::ids::{IdGenerator, NODES};
use crate::{fingerprint, migrate};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

/// Longer than any write transaction of ours lasts, however slow the disk.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const READERS: u32 = 4;
/// Rows that the database may be ahead of whoever reads them: a page of ours, so that the two do not wait for each other.
const ROWS_AHEAD: usize = 1_000;
/// Negative: kibibytes.
const WRITER_CACHE_KIB: &str = "-64000";
/// 16 MiB of log between two checkpoints: what is written again and again meanwhile goes to the catalog once.
const CHECKPOINT_PAGES: &str = "4000";

/// The right to write, among those of this process.
pub(crate) type Turn = OwnedSemaphorePermit;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// Creates the catalog where there is none, and brings its schema up to date.
    ReadWrite,
    /// Refuses where there is none.
    ReadOnly,
}

/// Whose transaction it is, as far as the database has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// What it wrote last may be lost with the power: the next pass finds it again.
    Scout,
    /// What it granted is on disk before a worker hears of it.
    Sentinel,
}

/// A handle to all state. Clones share it.
#[derive(Debug, Clone)]
pub struct Catalog {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    readers: Pool,
    scout: Pool,
    sentinel: Pool,
    /// SQLite has one writer, and waiting for it is fairer here than in the database.
    turn: Arc<Semaphore>,
    ids: OnceCell<IdGenerator>,
}

impl Catalog {
    pub async fn open(url: &str, mode: OpenMode) -> Result<Self, CatalogError> {
        let path = path_of(url)?;
        match mode {
            OpenMode::ReadOnly if !path.exists() => return Err(CatalogError::Missing { path }),
            OpenMode::ReadOnly => {}
            OpenMode::ReadWrite => migrate::run(&path).await?,
        }
        let readers = pool(&path, READERS, read_options(&path)).await?;
        migrate::check_version(&path, &readers).await?;
        fingerprint::check(&path, &readers).await?;
        let (scout, sentinel) = match mode {
            OpenMode::ReadOnly => (read_options(&path), read_options(&path)),
            OpenMode::ReadWrite => {
                (options(&path).synchronous(SqliteSynchronous::Normal), options(&path))
            }
        };
        let inner = Inner {
            readers: Pool::Sqlite(readers),
            scout: Pool::Sqlite(pool(&path, 1, scout).await?),
            sentinel: Pool::Sqlite(pool(&path, 1, sentinel).await?),
            turn: Arc::new(Semaphore::new(1)),
            ids: OnceCell::new(),
            path,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    pub(crate) fn readers(&self) -> &Pool {
        &self.inner.readers
    }

    /// A write transaction holds the write lock from its begin on, so that what it reads stays true.
    pub(crate) async fn begin(&self, role: Role) -> Result<(Tx, Turn), CatalogError> {
        let closed = |_| CatalogError::Database(sqlx::Error::PoolClosed);
        let turn = Arc::clone(&self.inner.turn).acquire_owned().await.map_err(closed)?;
        let pool = match role {
            Role::Scout => &self.inner.scout,
            Role::Sentinel => &self.inner.sentinel,
        };
        Ok((pool.begin_with("BEGIN IMMEDIATE").await?, turn))
    }

    /// The id maker of this opening; its node number is taken at the first write.
    pub(crate) async fn ids(&self) -> Result<&IdGenerator, CatalogError> {
        self.inner.ids.get_or_try_init(|| self.take_node()).await
    }

    async fn take_node(&self) -> Result<IdGenerator, CatalogError> {
        let (mut tx, _turn) = self.begin(Role::Sentinel).await?;
        let sql =
            "UPDATE catalog_meta SET next_id_node = (next_id_node + 1) % $1 RETURNING next_id_node";
        let node = query(sql).bind(NODES).fetch_one(&mut *tx).await?.try_get(0)?;
        tx.commit().await?;
        Ok(IdGenerator::new(node))
    }

    /// Waits until everything is given back, so that the last one out leaves no write-ahead log behind.
    pub async fn close(self) {
        self.inner.readers.close().await;
        self.inner.scout.close().await;
        self.inner.sentinel.close().await;
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
        .row_buffer_size(ROWS_AHEAD)
        // What a statement may have to undo is small, and is kept out of the file system.
        .pragma("temp_store", "memory")
        .pragma("cache_size", WRITER_CACHE_KIB)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
}

/// The journal mode is the writer's to set.
fn read_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(BUSY_TIMEOUT)
        .row_buffer_size(ROWS_AHEAD)
}

async fn pool(
    path: &Path,
    connections: u32,
    options: SqliteConnectOptions,
) -> Result<SqlitePool, CatalogError> {
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await;
    pool.map_err(|cause| CatalogError::opening(path, cause))
}
