//! QUEUED to RUNNING, and what is in flight.

use crate::db::Catalog;
use crate::error::CatalogError;
use crate::roles::SentinelTx;
use protocol::{JobAttempt, JobId, Limits, SessionToken};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedJob {
    pub job: JobAttempt,
    pub failures: u32,
    pub losses: u32,
    pub retries: Option<u32>,
}

/// A job that was RUNNING or COMMITTING when the Sentinel started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InFlightJob {
    pub claimed: ClaimedJob,
    pub session: Option<SessionToken>,
    pub committing: bool,
    pub recovery: u32,
}

const CLAIM: &str = "UPDATE processing_job SET state = 'RUNNING', attempt = attempt + 1, session = $1, granted_session = NULL,
        recovery = 0, claimed_at_us = $2, error_class = NULL, error_message = NULL,
        worker_node_id = (SELECT id FROM worker_node WHERE session = $1)
    WHERE id IN (SELECT j.id FROM processing_job j JOIN plugin_manifest m ON m.id = j.manifest_id AND m.status = 'ACTIVE'
                 WHERE j.state = 'QUEUED' AND (j.losses > 0) = $4 ORDER BY j.priority DESC, j.id LIMIT $3)
    RETURNING id, attempt, failures, losses, (SELECT limits FROM plugin_config c WHERE c.plugin_name = processing_job.plugin_name), priority";

impl SentinelTx {
    /// The most urgent jobs become RUNNING for a session. `suspects`: those that were running when a worker was lost, else the others.
    pub async fn claim(
        &mut self,
        session: &SessionToken,
        limit: usize,
        suspects: bool,
        now_us: i64,
    ) -> Result<Vec<ClaimedJob>, CatalogError> {
        let rows = sqlx::query(CLAIM)
            .bind(session.as_str())
            .bind(now_us)
            .bind(limit as i64)
            .bind(suspects)
            .fetch_all(&mut *self.tx)
            .await?;
        let mut jobs = rows
            .iter()
            .map(|row| Ok((row.try_get::<i64, _>(5)?, claimed(row)?)))
            .collect::<Result<Vec<_>, CatalogError>>()?;
        // RETURNING has no order of its own.
        jobs.sort_by_key(|(priority, job)| (-priority, job.job.id));
        Ok(jobs.into_iter().map(|(_, job)| job).collect())
    }
}

fn claimed(row: &SqliteRow) -> Result<ClaimedJob, CatalogError> {
    let limits: Option<String> = row.try_get(4)?;
    let limits = limits.map(|text| serde_json::from_str::<Limits>(&text)).transpose();
    let limits = limits.map_err(|error| CatalogError::corrupt(error.to_string()))?;
    Ok(ClaimedJob {
        job: JobAttempt { id: JobId::new(row.try_get(0)?), attempt: row.try_get(1)? },
        failures: row.try_get(2)?,
        losses: row.try_get(3)?,
        retries: limits.and_then(|limits| limits.retries),
    })
}

impl Catalog {
    pub async fn in_flight(&self) -> Result<Vec<InFlightJob>, CatalogError> {
        let sql = "SELECT j.id, j.attempt, j.failures, j.losses, c.limits, j.session, j.state = 'COMMITTING', j.recovery
                   FROM processing_job j LEFT JOIN plugin_config c ON c.plugin_name = j.plugin_name
                   WHERE j.state IN ('RUNNING', 'COMMITTING')";
        let rows = sqlx::query(sql).fetch_all(self.readers()).await?;
        let in_flight = |row: &SqliteRow| -> Result<InFlightJob, CatalogError> {
            let session: Option<String> = row.try_get(5)?;
            Ok(InFlightJob {
                claimed: claimed(row)?,
                session: session.and_then(|text| text.parse().ok()),
                committing: row.try_get(6)?,
                recovery: row.try_get(7)?,
            })
        };
        rows.iter().map(in_flight).collect()
    }
}
