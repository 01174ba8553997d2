//! QUEUED to RUNNING, and what is in flight.

use crate::db::{self, Catalog, Row, from_json, parsed};
use crate::error::CatalogError;
use crate::job_state::{JobState, Lane, is_legal};
use crate::roles::SentinelTx;
use protocol::{Commit, CommitId, JobAttempt, JobId, JobKind, Limits, SessionToken};
use std::collections::HashMap;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedJob {
    pub job: JobAttempt,
    pub failures: u32,
    pub losses: u32,
    pub retries: Option<u32>,
    pub lane: Lane,
}

/// What a claim takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimFrom {
    Lane(Lane),
    /// Of both lanes: jobs that were running when a worker was lost.
    Suspects,
}

/// A job that was RUNNING or COMMITTING when the Sentinel started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InFlightJob {
    pub claimed: ClaimedJob,
    pub session: Option<SessionToken>,
    /// COMMITTING, with this.
    pub commit: Option<Commit>,
    pub recovery: u32,
}

macro_rules! claim {
    ($candidates:literal) => {
        concat!(
            "UPDATE processing_job SET state = 'RUNNING', attempt = attempt + 1, session = $1, granted_session = NULL,
                recovery = 0, claimed_at_us = $2, error_class = NULL, error_message = NULL,
                worker_node_id = (SELECT id FROM worker_node WHERE session = $1),
                environment_id = (SELECT environment_id FROM worker_node WHERE session = $1)
             WHERE id IN (",
            $candidates,
            ") RETURNING id, attempt, failures, losses, lane, plugin_name, priority"
        )
    };
}

/// The first of each plugin in force, and the first of these: however many jobs there are, no more of them are looked at.
const CLAIM: &str = claim!(
    "SELECT j.id FROM plugin_config c CROSS JOIN processing_job j
     WHERE j.id IN (SELECT k.id FROM processing_job k WHERE k.manifest_id = c.active_manifest_id AND k.lane = $4
                        AND k.state = 'QUEUED' AND k.losses = 0
                    ORDER BY k.priority DESC, k.id LIMIT $3)
     ORDER BY j.priority DESC, j.id LIMIT $3"
);

/// The same for a server, which would go through all jobs for the form that SQLite has to have.
const CLAIM_LATERAL: &str = claim!(
    "SELECT j.id FROM plugin_config c CROSS JOIN LATERAL (
         SELECT k.id, k.priority FROM processing_job k WHERE k.manifest_id = c.active_manifest_id AND k.lane = $4
             AND k.state = 'QUEUED' AND k.losses = 0
         ORDER BY k.priority DESC, k.id LIMIT $3) j
     ORDER BY j.priority DESC, j.id LIMIT $3"
);

/// There are never many of these.
const CLAIM_SUSPECTS: &str = claim!(
    "SELECT j.id FROM processing_job j JOIN plugin_config c ON c.active_manifest_id = j.manifest_id
     WHERE j.state = 'QUEUED' AND j.losses > 0 ORDER BY j.priority DESC, j.id LIMIT $3"
);

const CLAIM_FOR: &str = claim!(
    "SELECT k.id FROM processing_job k JOIN plugin_config c ON c.active_manifest_id = k.manifest_id
     WHERE c.plugin_name = $3 AND k.lane = $4 AND k.state = 'QUEUED' AND k.losses = 0
     ORDER BY k.priority DESC, k.id LIMIT 1"
);

const CLAIM_SUSPECT_FOR: &str = claim!(
    "SELECT j.id FROM processing_job j JOIN plugin_config c ON c.active_manifest_id = j.manifest_id
     WHERE c.plugin_name = $3 AND j.state = 'QUEUED' AND j.losses > 0 ORDER BY j.priority DESC, j.id LIMIT 1"
);

const _: () = assert!(is_legal(JobKind::Process, JobState::Queued, JobState::Running));

impl SentinelTx {
    /// The most urgent jobs become RUNNING for a session.
    pub async fn claim(
        &mut self,
        session: &SessionToken,
        limit: usize,
        from: ClaimFrom,
        now_us: i64,
    ) -> Result<Vec<ClaimedJob>, CatalogError> {
        let query = match from {
            ClaimFrom::Lane(_) if self.tx.has_lateral() => db::query(CLAIM_LATERAL),
            ClaimFrom::Lane(_) => db::query(CLAIM),
            ClaimFrom::Suspects => db::query(CLAIM_SUSPECTS),
        };
        let query = query.bind(session.as_str()).bind(now_us).bind(limit as i64);
        let query = match from {
            ClaimFrom::Lane(lane) => query.bind(lane.as_str()),
            ClaimFrom::Suspects => query,
        };
        let rows = query.fetch_all(&mut *self.tx).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let retries = self.retries().await?;
        let claimed = rows.iter().map(|row| {
            let plugin: &str = row.try_get(5)?;
            let retries = retries.get(plugin).copied().flatten();
            Ok((row.try_get::<i64, _>(6)?, claimed(row, retries)?))
        });
        let mut jobs = claimed.collect::<Result<Vec<_>, CatalogError>>()?;
        // RETURNING has no order of its own.
        jobs.sort_by_key(|(priority, job)| (-priority, job.job.id));
        Ok(jobs.into_iter().map(|(_, job)| job).collect())
    }

    /// The most urgent job of those of these plugins that are Python, in the order of the plugins, and how many milliseconds it may take.
    pub async fn claim_for(
        &mut self,
        session: &SessionToken,
        plugins: &[String],
        now_us: i64,
    ) -> Result<Option<(ClaimedJob, u64)>, CatalogError> {
        for plugin in plugins {
            let sql = "SELECT c.limits FROM plugin_config c JOIN plugin_manifest m ON m.id = c.active_manifest_id
                       WHERE c.plugin_name = $1 AND m.language = 'python'";
            let row = db::query(sql).bind(plugin).fetch_optional(&mut *self.tx).await?;
            let Some(row) = row else { continue };
            let limits: Limits = from_json(row.try_get(0)?)?;
            let lanes = Lane::ALL.map(|lane| (CLAIM_FOR, lane));
            for (sql, lane) in lanes.into_iter().chain([(CLAIM_SUSPECT_FOR, Lane::Fresh)]) {
                let query = db::query(sql).bind(session.as_str()).bind(now_us).bind(plugin);
                let query = if sql == CLAIM_FOR { query.bind(lane.as_str()) } else { query };
                if let Some(row) = query.fetch_optional(&mut *self.tx).await? {
                    return Ok(Some((claimed(&row, limits.retries)?, limits.timeout_ms)));
                }
            }
        }
        Ok(None)
    }

    async fn retries(&mut self) -> Result<HashMap<String, Option<u32>>, CatalogError> {
        let sql = "SELECT plugin_name, limits FROM plugin_config";
        let mut retries = HashMap::new();
        for row in db::query(sql).fetch_all(&mut *self.tx).await? {
            let limits: Limits = from_json(row.try_get(1)?)?;
            retries.insert(row.try_get(0)?, limits.retries);
        }
        Ok(retries)
    }
}

fn claimed(row: &Row, retries: Option<u32>) -> Result<ClaimedJob, CatalogError> {
    Ok(ClaimedJob {
        job: JobAttempt { id: JobId::new(row.try_get(0)?), attempt: row.try_get(1)? },
        failures: row.try_get(2)?,
        losses: row.try_get(3)?,
        retries,
        lane: parsed(row.try_get(4)?)?,
    })
}

impl Catalog {
    pub async fn in_flight(&self) -> Result<Vec<InFlightJob>, CatalogError> {
        let sql = "SELECT j.id, j.attempt, j.failures, j.losses, j.lane, c.limits, j.session, j.recovery, CASE WHEN j.state = 'COMMITTING' THEN j.commit_id END
                   FROM processing_job j LEFT JOIN plugin_config c ON c.plugin_name = j.plugin_name
                   WHERE j.session IS NOT NULL";
        let rows = db::query(sql).fetch_all(self.readers()).await?;
        let in_flight = |row: &Row| -> Result<InFlightJob, CatalogError> {
            let limits: Option<&str> = row.try_get(5)?;
            let limits: Option<Limits> = limits.map(from_json).transpose()?;
            let session: Option<&str> = row.try_get(6)?;
            let claimed = claimed(row, limits.and_then(|limits| limits.retries))?;
            let commit = row.try_get::<Option<i64>, _>(8)?;
            Ok(InFlightJob {
                commit: commit.map(|id| claimed.job.commit(CommitId::new(id))),
                claimed,
                session: session.and_then(|text| text.parse().ok()),
                recovery: row.try_get(7)?,
            })
        };
        rows.iter().map(in_flight).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::explain::slow_steps;

    /// The first of each plugin come out of the index in their order; only these few are sorted among each other.
    #[tokio::test]
    async fn a_claim_looks_at_no_more_jobs_than_it_takes_of_each_plugin() {
        assert_eq!(slow_steps(CLAIM).await, ["SCAN c", "USE TEMP B-TREE FOR ORDER BY"]);
        let inner = "SELECT k.id FROM processing_job k WHERE k.manifest_id = $1 AND k.lane = $3
                         AND k.state = 'QUEUED' AND k.losses = 0
                     ORDER BY k.priority DESC, k.id LIMIT $2";
        assert!(CLAIM.contains("ORDER BY k.priority DESC, k.id LIMIT $3"));
        assert!(slow_steps(inner).await.is_empty());
        assert!(slow_steps(CLAIM_SUSPECTS).await.is_empty());
    }
}
