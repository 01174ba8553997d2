//! The seat of the active Sentinel, where the catalog is on a server: an advisory lock, which ends with the connection that took it. On SQLite
//! the seat is a lock file beside the catalog, and whoever starts the Sentinel takes it.

use super::connection::Pool;
use super::handle::Catalog;
use super::postgres;
use super::query::query;
use crate::error::CatalogError;
use crate::roles::SentinelEpoch;
use crate::url::{Place, Server};
use sqlx::Row;
use sqlx::postgres::PgListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// So often the server is asked whether it is still there, and so long its answer is waited for.
const ASK_EVERY: Duration = Duration::from_secs(2);
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

const TAKE: &str = "SELECT pg_try_advisory_lock(hashtextextended('casparian sentinel of ' || current_schema(), 0))";
/// The name of the channel on which writers say that there is something to do.
pub(super) const CHANNEL: &str = "'casparian_' || md5(current_schema())";

/// Who is not heard of for so long, paused or behind a cut cable that the server cannot see, loses the seat. Before version 14 a server knows no such limit.
const UNHEARD: &str = "SELECT set_config('idle_session_timeout', '15s', false) WHERE current_setting('server_version_num')::int >= 140000";

const WHO: &str = "SELECT sentinel FROM catalog_meta WHERE EXISTS (SELECT 1 FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (classid::bigint << 32 | objid::bigint) = hashtextextended('casparian sentinel of ' || current_schema(), 0))";

/// Held for as long as a Sentinel is active.
#[derive(Debug)]
pub struct Seat {
    /// None: there is nothing to lose.
    watch: Option<JoinHandle<()>>,
    woken: Arc<Notify>,
}

impl Catalog {
    /// None: another process has it.
    pub async fn take_seat(&self) -> Result<Option<Seat>, CatalogError> {
        let woken = Arc::new(Notify::new());
        let Place::Server(server) = self.url().place() else {
            return Ok(Some(Seat { watch: None, woken }));
        };
        let taking = listener(server);
        let listener = taking.await.map_err(|cause| CatalogError::opening(self.url(), cause))?;
        let Some(listener) = listener else { return Ok(None) };
        let watch = Some(tokio::spawn(watch(listener, Arc::clone(&woken))));
        Ok(Some(Seat { watch, woken }))
    }

    /// What the active Sentinel says of itself, where the catalog is on a server; None: there is none.
    pub async fn seated(&self) -> Result<Option<String>, CatalogError> {
        match self.readers() {
            Pool::Sqlite(_) => Ok(None),
            Pool::Postgres(_) => {
                let row = query(WHO).fetch_optional(self.readers()).await?;
                row.map(|row| row.try_get(0)).transpose()
            }
        }
    }

    /// Whether nobody has become the Sentinel since.
    pub async fn is_latest(&self, epoch: SentinelEpoch) -> Result<bool, CatalogError> {
        let sql = "SELECT sentinel_epoch FROM catalog_meta";
        let latest: i64 = query(sql).fetch_one(self.readers()).await?.try_get(0)?;
        Ok(latest == epoch.0)
    }
}

impl Seat {
    /// Returns when the seat is lost.
    pub async fn lost(&mut self) {
        match &mut self.watch {
            // However the task ended.
            Some(watch) => drop(watch.await),
            None => std::future::pending().await,
        }
    }

    /// Told when somebody wrote what the Sentinel has to look at. On SQLite nobody tells.
    pub fn woken(&self) -> Arc<Notify> {
        Arc::clone(&self.woken)
    }

    /// Whether somebody tells.
    pub fn is_told(&self) -> bool {
        self.watch.is_some()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(watch) = &self.watch {
            watch.abort();
        }
    }
}

/// With the seat taken on its connection.
async fn listener(server: &Server) -> sqlx::Result<Option<PgListener>> {
    let pool = postgres::lone_pool(server);
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.eager_reconnect(false);
    sqlx::query(UNHEARD).execute(&mut listener).await?;
    if !sqlx::query(TAKE).fetch_one(&mut listener).await?.try_get::<bool, _>(0)? {
        return Ok(None);
    }
    let channel = sqlx::AssertSqlSafe(format!("SELECT {CHANNEL}"));
    let channel: String = sqlx::query(channel).fetch_one(&mut listener).await?.try_get(0)?;
    listener.listen(&channel).await?;
    Ok(Some(listener))
}

/// Until the connection is lost, or does not answer any more. It is asked however much is told meanwhile: being told is no word of ours.
async fn watch(mut listener: PgListener, woken: Arc<Notify>) {
    let mut ask_at = Instant::now() + ASK_EVERY;
    loop {
        if Instant::now() >= ask_at {
            let asked = sqlx::query("SELECT 1").fetch_one(&mut listener);
            if !matches!(tokio::time::timeout(ANSWER_WITHIN, asked).await, Ok(Ok(_))) {
                return;
            }
            ask_at = Instant::now() + ASK_EVERY;
        }
        match tokio::time::timeout_at(ask_at, listener.try_recv()).await {
            Ok(Ok(Some(_))) => woken.notify_one(),
            Ok(_) => return,
            Err(_) => {}
        }
    }
}
