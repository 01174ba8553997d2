//! PENDING to what follows, when the reason to hold a job is gone.

use super::supersede::Job;
use crate::error::CatalogError;
use crate::job_state::{Hold, JobState};
use crate::roles::SentinelTx;
use protocol::JobId;
use sqlx::Row;

/// Jobs in one transaction.
const ADMIT_MAX: i64 = 500;

const DUE: &str =
    "SELECT id, hold FROM processing_job WHERE state = 'PENDING' AND held_by IS NULL AND (
        (hold = 'backoff' AND not_before_us <= $1)
        OR hold = 'changed'
        OR (hold = 'admit' AND (SELECT pass_open_until_us FROM catalog_meta) <= $1))
    ORDER BY id LIMIT $2";

impl SentinelTx {
    /// Looks at held jobs that may go on. Returns how many became QUEUED.
    pub async fn admit(&mut self, now_us: i64) -> Result<u64, CatalogError> {
        let rows = sqlx::query(DUE).bind(now_us).bind(ADMIT_MAX).fetch_all(&mut *self.tx).await?;
        let mut queued = 0;
        for row in rows {
            let (id, hold): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
            let Some(job) = self.job(JobId::new(id)).await? else { continue };
            // An earlier one of this round may have ended it.
            if job.state != JobState::Pending {
                continue;
            }
            let is_queued = match hold.as_str() {
                _ if job.is_retract => self.carry_out_retract(&job, now_us).await?,
                "changed" => self.admit_changed(&job, now_us).await?,
                _ => self.admit_one(&job, now_us).await?,
            };
            queued += u64::from(is_queued);
        }
        Ok(queued)
    }

    async fn admit_changed(&mut self, job: &Job, now_us: i64) -> Result<bool, CatalogError> {
        if !job.is_current_version || job.is_deleted {
            self.end(job.id, JobState::Superseded, now_us).await?;
            return Ok(false);
        }
        if job.hashed_at_us <= job.ended_at_us {
            return Ok(false);
        }
        self.admit_one(job, now_us).await
    }

    async fn admit_one(&mut self, job: &Job, now_us: i64) -> Result<bool, CatalogError> {
        if !job.is_current_version {
            self.end_overtaken(job, now_us).await?;
            return Ok(false);
        }
        if let Some(older) = self.clear_older(job, now_us).await? {
            self.hold_for(job, Hold::Older, older).await?;
            return Ok(false);
        }
        if job.dedup && self.is_copy(job, now_us).await? {
            return Ok(false);
        }
        let sql = "UPDATE processing_job SET state = 'QUEUED', hold = NULL, not_before_us = NULL, ended_at_us = NULL WHERE id = $1";
        sqlx::query(sql).bind(job.id.get()).execute(&mut *self.tx).await?;
        Ok(true)
    }

    /// Older versions that have not started end; one that is in flight is waited for.
    async fn clear_older(&mut self, job: &Job, now_us: i64) -> Result<Option<JobId>, CatalogError> {
        let sql = "SELECT id, state FROM processing_job WHERE location_id = $1 AND plugin_name = $2 AND kind = 'process' AND id <> $3
                     AND state IN ('PENDING', 'QUEUED', 'RUNNING', 'COMMITTING')";
        let query = sqlx::query(sql).bind(job.location.get()).bind(&job.plugin);
        let rows = query.bind(job.id.get()).fetch_all(&mut *self.tx).await?;
        let mut in_flight = None;
        for row in rows {
            let (id, state): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
            match state.as_str() {
                "PENDING" | "QUEUED" => {
                    self.end(JobId::new(id), JobState::Superseded, now_us).await?;
                }
                _ => in_flight = Some(JobId::new(id)),
            }
        }
        Ok(in_flight)
    }

    async fn hold_for(&mut self, job: &Job, hold: Hold, by: JobId) -> Result<(), CatalogError> {
        let sql =
            "UPDATE processing_job SET hold = $2, held_by = $3, not_before_us = NULL WHERE id = $1";
        let query = sqlx::query(sql).bind(job.id.get()).bind(hold.as_str()).bind(by.get());
        query.execute(&mut *self.tx).await?;
        Ok(())
    }

    /// The same content by the same plugin version: in the topic already, or on its way from another path.
    async fn is_copy(&mut self, job: &Job, now_us: i64) -> Result<bool, CatalogError> {
        let sql = "SELECT id, state FROM processing_job
                   WHERE content_hash = $1 AND plugin_name = $2 AND manifest_id = $3 AND kind = 'process' AND id <> $4
                     AND ((state = 'COMPLETED' AND superseded_by IS NULL) OR state IN ('QUEUED', 'RUNNING', 'COMMITTING')
                          OR (state = 'PENDING' AND hold = 'backoff'))
                   ORDER BY state = 'COMPLETED' DESC LIMIT 1";
        let row = sqlx::query(sql)
            .bind(&job.content)
            .bind(&job.plugin)
            .bind(job.manifest.get())
            .bind(job.id.get())
            .fetch_optional(&mut *self.tx)
            .await?;
        let Some(row) = row else { return Ok(false) };
        let (id, state): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        if state == "COMPLETED" {
            self.end(job.id, JobState::Skipped, now_us).await?;
            self.supersede_earlier(job).await?;
        } else {
            self.hold_for(job, Hold::Copy, JobId::new(id)).await?;
        }
        Ok(true)
    }

    /// Rows of a deleted file leave the topics that say so, unless a live path still holds the content.
    async fn carry_out_retract(&mut self, job: &Job, now_us: i64) -> Result<bool, CatalogError> {
        if !job.is_deleted {
            self.end(job.id, JobState::Superseded, now_us).await?;
            return Ok(false);
        }
        let needed = "SELECT EXISTS (SELECT 1 FROM file_version v
                          JOIN file_location l ON l.current_version_id = v.id AND l.deleted_at_us IS NULL
                          JOIN processing_job k ON k.file_version_id = v.id AND k.plugin_name = $2
                          WHERE v.content_hash = $1)";
        let query = sqlx::query(needed).bind(&job.content).bind(&job.plugin);
        let is_needed: bool = query.fetch_one(&mut *self.tx).await?.try_get(0)?;
        if !is_needed || !job.dedup {
            let retracting = self.topics_with(&job.plugin, |topic| topic.retract_on_delete).await?;
            for old in self.replaced_by(job).await? {
                let sql = "UPDATE processing_job SET superseded_by = $2 WHERE id = $1";
                let query = sqlx::query(sql).bind(old.get()).bind(job.id.get());
                query.execute(&mut *self.tx).await?;
                self.leave(old, |topic| retracting.contains(topic)).await?;
            }
        }
        self.end(job.id, JobState::Completed, now_us).await?;
        Ok(false)
    }
}
