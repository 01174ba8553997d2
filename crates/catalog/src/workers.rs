//! Worker sessions and the environments that jobs run in.

use crate::db::{self, Catalog, Row};
use crate::error::CatalogError;
use crate::roles::SentinelTx;
use protocol::{Environment, SessionToken};

#[derive(Debug, Clone)]
pub struct WorkerRegistration<'a> {
    pub worker_id: &'a str,
    pub environment: &'a Environment,
    pub slots: u32,
    /// The session that the worker wants to go on with.
    pub offered: Option<&'a SessionToken>,
    /// A token for the case that there is no such session.
    pub fresh: &'a SessionToken,
}

/// A session that holds jobs, and the process behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerSession {
    pub session: SessionToken,
    pub host: String,
    pub pid: u32,
}

impl SentinelTx {
    /// The session that the worker has from now on.
    pub async fn register_worker(
        &mut self,
        worker: &WorkerRegistration<'_>,
        now_us: i64,
    ) -> Result<SessionToken, CatalogError> {
        if let Some(offered) = worker.offered
            && self.resume(offered, now_us).await?
        {
            return Ok(offered.clone());
        }
        let environment = self.environment(worker.environment, now_us).await?;
        let sql = "INSERT INTO worker_node (id, worker_id, session, host, pid, environment_id, slots, state, started_at_us, last_seen_us)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, 'ACTIVE', $8, $8)";
        db::query(sql)
            .bind(self.next_id(now_us).await?)
            .bind(worker.worker_id)
            .bind(worker.fresh.as_str())
            .bind(&worker.environment.host)
            .bind(worker.environment.pid)
            .bind(environment)
            .bind(worker.slots)
            .bind(now_us)
            .execute(&mut *self.tx)
            .await?;
        Ok(worker.fresh.clone())
    }

    async fn resume(&mut self, session: &SessionToken, now_us: i64) -> Result<bool, CatalogError> {
        let sql = "UPDATE worker_node SET state = 'ACTIVE', last_seen_us = $2 WHERE session = $1";
        let query = db::query(sql).bind(session.as_str()).bind(now_us);
        Ok(query.execute(&mut *self.tx).await? > 0)
    }

    /// One row per distinct environment.
    async fn environment(&mut self, of: &Environment, now_us: i64) -> Result<i64, CatalogError> {
        let versions = serde_json::to_string(&of.versions)
            .map_err(|error| CatalogError::corrupt(error.to_string()))?;
        let fingerprint =
            [&of.host, &of.user, &of.git_hash, &of.os, &versions].map(String::as_str).join("\n");
        let sql = "INSERT INTO environment_context (id, fingerprint, host, user_name, git_hash, os, versions)
                   VALUES ($1, $2, $3, $4, $5, $6, $7)
                   ON CONFLICT (fingerprint) DO UPDATE SET fingerprint = excluded.fingerprint RETURNING id";
        let row = db::query(sql)
            .bind(self.next_id(now_us).await?)
            .bind(fingerprint)
            .bind(&of.host)
            .bind(&of.user)
            .bind(&of.git_hash)
            .bind(&of.os)
            .bind(versions)
            .fetch_one(&mut *self.tx)
            .await?;
        row.try_get(0)
    }

    pub async fn worker_lost(
        &mut self,
        session: &SessionToken,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let sql = "UPDATE worker_node SET state = 'LOST', last_seen_us = $2 WHERE session = $1 AND state = 'ACTIVE'";
        db::query(sql).bind(session.as_str()).bind(now_us).execute(&mut *self.tx).await?;
        Ok(())
    }
}

impl Catalog {
    /// Sessions that are said to be ACTIVE, or hold jobs: a starting Sentinel asks which of their processes live.
    pub async fn open_sessions(&self) -> Result<Vec<WorkerSession>, CatalogError> {
        let sql = "SELECT session, host, pid FROM worker_node WHERE state = 'ACTIVE'
                   OR session IN (SELECT session FROM processing_job WHERE session IS NOT NULL)";
        let rows = db::query(sql).fetch_all(self.readers()).await?;
        let session = |row: &Row| -> Result<WorkerSession, CatalogError> {
            let token: String = row.try_get(0)?;
            Ok(WorkerSession {
                session: token.parse().map_err(|_| CatalogError::corrupt("a session token"))?,
                host: row.try_get(1)?,
                pid: row.try_get(2)?,
            })
        };
        rows.iter().map(session).collect()
    }
}
