//! What commands ask of the Sentinel: a row that it carries out, at once or at its next start.

use crate::db::{Catalog, Role, from_json, to_json};
use crate::error::CatalogError;
use crate::job_state::JobState;
use crate::roles::SentinelTx;
use protocol::{JobId, RequestId};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// Which spent jobs get another chance.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetrySelection {
    Jobs(Vec<JobId>),
    Failed { plugin: Option<String> },
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum NewRequest {
    Retry { selection: RetrySelection },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRequest {
    pub id: RequestId,
    pub request: NewRequest,
}

impl Catalog {
    pub async fn leave_request(
        &self,
        request: &NewRequest,
        requested_by: &str,
        now_us: i64,
    ) -> Result<RequestId, CatalogError> {
        let payload = to_json(request)?;
        let NewRequest::Retry { .. } = request;
        let id = self.ids().await?.next(now_us);
        let (mut tx, _turn) = self.begin(Role::Sentinel).await?;
        let sql = "INSERT INTO request (id, kind, payload, state, requested_by, requested_at_us) VALUES ($1, 'retry', $2, 'NEW', $3, $4)";
        let query = sqlx::query(sql).bind(id).bind(payload).bind(requested_by).bind(now_us);
        query.execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(RequestId::new(id))
    }

    /// The answer, once the Sentinel has given one.
    pub async fn request_result(&self, id: RequestId) -> Result<Option<String>, CatalogError> {
        let sql = "SELECT result FROM request WHERE id = $1 AND state <> 'NEW'";
        let row = sqlx::query(sql).bind(id.get()).fetch_optional(self.readers()).await?;
        row.map(|row| Ok(row.try_get::<Option<String>, _>(0)?.unwrap_or_default())).transpose()
    }
}

impl SentinelTx {
    pub async fn pending_requests(&mut self) -> Result<Vec<PendingRequest>, CatalogError> {
        let sql = "SELECT id, payload FROM request WHERE state = 'NEW' ORDER BY id LIMIT 100";
        let rows = sqlx::query(sql).fetch_all(&mut *self.tx).await?;
        let request = |row: &SqliteRow| -> Result<PendingRequest, CatalogError> {
            let payload: String = row.try_get(1)?;
            Ok(PendingRequest {
                id: RequestId::new(row.try_get(0)?),
                request: from_json(&payload)?,
            })
        };
        rows.iter().map(request).collect()
    }

    pub async fn answer_request(
        &mut self,
        id: RequestId,
        result: &str,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let sql = "UPDATE request SET state = 'DONE', result = $2, done_at_us = $3 WHERE id = $1";
        let query = sqlx::query(sql).bind(id.get()).bind(result).bind(now_us);
        query.execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Spent jobs of files that still hold those bytes go back to the queue, for the plugin's ACTIVE version. Returns how many, and why others did not.
    pub async fn retry(
        &mut self,
        selection: &RetrySelection,
    ) -> Result<(u64, Vec<String>), CatalogError> {
        let jobs = match selection {
            RetrySelection::Jobs(jobs) => jobs.clone(),
            RetrySelection::Failed { plugin } => self.failed_jobs(plugin.as_deref()).await?,
        };
        let mut queued = 0;
        let mut refused = Vec::new();
        for id in jobs {
            match self.retry_one(id).await? {
                None => queued += 1,
                Some(reason) => refused.push(format!("job {id}: {reason}")),
            }
        }
        Ok((queued, refused))
    }

    async fn failed_jobs(&mut self, plugin: Option<&str>) -> Result<Vec<JobId>, CatalogError> {
        // A newer plugin version may have done the same file since.
        let sql = "SELECT j.id FROM processing_job j JOIN file_location l ON l.id = j.location_id AND l.current_version_id = j.file_version_id
                   WHERE j.state IN ('FAILED', 'ABORTED') AND ($1 IS NULL OR j.plugin_name = $1)
                     AND NOT EXISTS (SELECT 1 FROM processing_job k WHERE k.file_version_id = j.file_version_id AND k.plugin_name = j.plugin_name
                                     AND k.id <> j.id AND k.state NOT IN ('FAILED', 'ABORTED'))
                   ORDER BY j.id";
        let rows = sqlx::query(sql).bind(plugin).fetch_all(&mut *self.tx).await?;
        rows.iter().map(|row| Ok(JobId::new(row.try_get(0)?))).collect()
    }

    async fn retry_one(&mut self, id: JobId) -> Result<Option<&'static str>, CatalogError> {
        let Some(job) = self.job(id).await? else { return Ok(Some("there is no such job")) };
        if !matches!(job.state, JobState::Failed | JobState::Aborted) {
            return Ok(Some("it is neither FAILED nor ABORTED"));
        }
        if !job.is_current_version || job.is_deleted {
            return Ok(Some("the file does not hold those bytes any more"));
        }
        let other = "SELECT count(*) FROM processing_job WHERE location_id = $1 AND plugin_name = $2 AND kind = 'process' AND id <> $3
                       AND state IN ('PENDING', 'QUEUED', 'RUNNING', 'COMMITTING')";
        let query = sqlx::query(other).bind(job.location.get()).bind(&job.plugin).bind(id.get());
        if query.fetch_one(&mut *self.tx).await?.try_get::<i64, _>(0)? > 0 {
            return Ok(Some("another job of this file and plugin is under way"));
        }
        let sql = "UPDATE processing_job SET state = 'QUEUED', failures = 0, losses = 0, session = NULL, ended_at_us = NULL,
                       manifest_id = coalesce((SELECT c.active_manifest_id FROM plugin_config c WHERE c.plugin_name = processing_job.plugin_name
                           AND NOT EXISTS (SELECT 1 FROM processing_job k WHERE k.file_version_id = processing_job.file_version_id
                               AND k.manifest_id = c.active_manifest_id AND k.kind = processing_job.kind)), manifest_id)
                   WHERE id = $1";
        sqlx::query(sql).bind(id.get()).execute(&mut *self.tx).await?;
        Ok(None)
    }
}
