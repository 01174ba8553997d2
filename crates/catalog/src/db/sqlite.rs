//! How a file is opened.

use super::connection::Pool;
use super::handle::{OpenMode, Pools};
use crate::error::CatalogError;
use crate::url::CatalogUrl;
use sqlx::Connection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use std::path::Path;
use std::time::Duration;

/// Longer than any write transaction of ours lasts, however slow the disk.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const READERS: u32 = 4;
/// Rows that the database may be ahead of whoever reads them: a page of ours, so that the two do not wait for each other.
const ROWS_AHEAD: usize = 1_000;
/// Negative: kibibytes.
const WRITER_CACHE_KIB: &str = "-64000";
/// 16 MiB of log between two checkpoints: what is written again and again meanwhile goes to the catalog once.
const CHECKPOINT_PAGES: &str = "4000";

pub(super) async fn pools(
    path: &Path,
    url: &CatalogUrl,
    mode: OpenMode,
) -> Result<Pools, CatalogError> {
    let (scout, sentinel) = match mode {
        OpenMode::ReadOnly => (read_options(path), read_options(path)),
        OpenMode::ReadWrite => {
            (options(path).synchronous(SqliteSynchronous::Normal), options(path))
        }
    };
    Ok(Pools {
        readers: pool(url, READERS, read_options(path)).await?,
        scout: pool(url, 1, scout).await?,
        sentinel: pool(url, 1, sentinel).await?,
    })
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

/// A full disk has SQLite undo a transaction by itself. The driver knows nothing of that, and would begin no other on this connection, ever.
fn is_at_rest(connection: &SqliteConnection) -> bool {
    !connection.is_in_transaction()
}

async fn pool(
    url: &CatalogUrl,
    connections: u32,
    options: SqliteConnectOptions,
) -> Result<Pool, CatalogError> {
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .before_acquire(|connection, _| Box::pin(async { Ok(is_at_rest(connection)) }))
        .connect_with(options)
        .await;
    pool.map(Pool::Sqlite).map_err(|cause| CatalogError::opening(url, cause))
}
