//! A catalog, opened.

use super::connection::{Pool, Tx};
use super::query::query;
use super::{postgres, sqlite};
use crate::error::CatalogError;
use crate::ids::{IdGenerator, NODES};
use crate::migrate;
use crate::url::{CatalogUrl, Place};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

const CLOSE_WITHIN: Duration = Duration::from_secs(2);

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
    url: CatalogUrl,
    pools: Pools,
    /// A database has one writer of ours at a time, and waiting for it is fairer here than there.
    turn: Arc<Semaphore>,
    ids: OnceCell<IdGenerator>,
}

#[derive(Debug)]
pub(super) struct Pools {
    pub readers: Pool,
    pub scout: Pool,
    pub sentinel: Pool,
}

impl Catalog {
    pub async fn open(url: &str, mode: OpenMode) -> Result<Self, CatalogError> {
        let url: CatalogUrl = url.parse()?;
        let pools = match url.place() {
            Place::File(path) => {
                match mode {
                    OpenMode::ReadOnly if !path.exists() => {
                        return Err(CatalogError::Missing { place: url });
                    }
                    OpenMode::ReadOnly => {}
                    OpenMode::ReadWrite => migrate::sqlite::run(path, &url).await?,
                }
                let pools = sqlite::pools(path, &url, mode).await?;
                migrate::sqlite::check(&url, &pools.readers).await?;
                pools
            }
            Place::Server(server) => {
                migrate::postgres::run(server, &url, mode).await?;
                postgres::pools(server)
            }
        };
        let turn = Arc::new(Semaphore::new(1));
        Ok(Self { inner: Arc::new(Inner { url, pools, turn, ids: OnceCell::new() }) })
    }

    pub fn url(&self) -> &CatalogUrl {
        &self.inner.url
    }

    /// Bytes of a directory's path, where there is a bound: PostgreSQL's indexes hold no more of a row.
    pub fn path_len_max(&self) -> Option<usize> {
        match self.url().place() {
            Place::File(_) => None,
            Place::Server(_) => Some(postgres::PATH_LEN_MAX),
        }
    }

    pub(crate) fn readers(&self) -> &Pool {
        &self.inner.pools.readers
    }

    /// A write transaction holds the write lock from its begin on, so that what it reads stays true.
    pub(crate) async fn begin(&self, role: Role) -> Result<(Tx, Turn), CatalogError> {
        let closed = |_| CatalogError::Database(sqlx::Error::PoolClosed);
        let turn = Arc::clone(&self.inner.turn).acquire_owned().await.map_err(closed)?;
        let pool = match role {
            Role::Scout => &self.inner.pools.scout,
            Role::Sentinel => &self.inner.pools.sentinel,
        };
        Ok((pool.begin_writing().await?, turn))
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
    /// A server that does not answer is not waited for.
    pub async fn close(self) {
        let Pools { readers, scout, sentinel } = &self.inner.pools;
        let closing = async {
            readers.close().await;
            scout.close().await;
            sentinel.close().await;
        };
        match self.url().place() {
            Place::File(_) => closing.await,
            Place::Server(_) => drop(tokio::time::timeout(CLOSE_WITHIN, closing).await),
        }
    }
}

impl Pool {
    async fn begin_writing(&self) -> Result<Tx, CatalogError> {
        self.begin_with(match self {
            Self::Sqlite(_) => "BEGIN IMMEDIATE",
            Self::Postgres(_) => postgres::BEGIN_WRITING,
        })
        .await
    }
}
