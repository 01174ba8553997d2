//! The write transactions. Each role has its own type, and only that type has the role's writes.

use crate::db::{self, Catalog, Role, Turn, Tx};
use crate::error::CatalogError;
use protocol::{CrashPoint, crash_point};

/// What the scout writes: roots, directories, locations, versions, new jobs.
#[derive(Debug)]
pub struct ScoutTx {
    pub(crate) tx: Tx,
    pub(crate) catalog: Catalog,
    _turn: Turn,
}

/// What the Sentinel writes: all moves of jobs, artifacts, workers, plugins, rules.
#[derive(Debug)]
pub struct SentinelTx {
    pub(crate) tx: Tx,
    pub(crate) catalog: Catalog,
    _turn: Turn,
}

/// Counts the Sentinels of a catalog. Only the latest may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentinelEpoch(pub(crate) i64);

impl Catalog {
    pub async fn begin_scout(&self) -> Result<ScoutTx, CatalogError> {
        self.ids().await?;
        let (tx, turn) = self.begin(Role::Scout).await?;
        Ok(ScoutTx { tx, catalog: self.clone(), _turn: turn })
    }

    /// Deposes whoever was the Sentinel before.
    pub async fn take_sentinel_epoch(&self) -> Result<SentinelEpoch, CatalogError> {
        let (mut tx, _turn) = self.begin(Role::Sentinel).await?;
        let sql =
            "UPDATE catalog_meta SET sentinel_epoch = sentinel_epoch + 1 RETURNING sentinel_epoch";
        let epoch = db::query(sql).fetch_one(&mut *tx).await?.try_get(0)?;
        tx.commit().await?;
        Ok(SentinelEpoch(epoch))
    }

    pub async fn begin_sentinel(&self, epoch: SentinelEpoch) -> Result<SentinelTx, CatalogError> {
        self.ids().await?;
        let (mut tx, turn) = self.begin(Role::Sentinel).await?;
        let current: i64 = db::query(tx.epoch_sql()).fetch_one(&mut *tx).await?.try_get(0)?;
        if current != epoch.0 {
            return Err(CatalogError::Deposed);
        }
        Ok(SentinelTx { tx, catalog: self.clone(), _turn: turn })
    }
}

impl ScoutTx {
    pub async fn commit(self) -> Result<(), CatalogError> {
        crash_point(CrashPoint::ScoutBeforeCommit);
        self.tx.commit().await?;
        crash_point(CrashPoint::ScoutAfterCommit);
        Ok(())
    }

    pub(crate) async fn next_id(&self, now_us: i64) -> Result<i64, CatalogError> {
        Ok(self.catalog.ids().await?.next(now_us))
    }
}

impl SentinelTx {
    /// What the Sentinel says of itself to those that look, where the catalog is on a server.
    pub async fn say(&mut self, says: &str) -> Result<(), CatalogError> {
        let sql = "UPDATE catalog_meta SET sentinel = $1";
        db::query(sql).bind(says).execute(&mut *self.tx).await?;
        Ok(())
    }

    pub async fn commit(self) -> Result<(), CatalogError> {
        self.tx.commit().await
    }

    pub(crate) async fn next_id(&self, now_us: i64) -> Result<i64, CatalogError> {
        Ok(self.catalog.ids().await?.next(now_us))
    }
}
