//! FAILED and ABORTED to QUEUED, because a person wants it.

use super::job::Job;
use crate::db::{self, Bulk, ROWS_MAX};
use crate::error::CatalogError;
use crate::job_state::JobState;
use crate::requests::{RefusedJob, RetrySelection};
use crate::roles::SentinelTx;
use protocol::JobId;
use std::collections::HashSet;

/// Jobs in one transaction, when all that failed are meant.
const RETRY_MAX: usize = 10_000;

/// What came of a retry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retried {
    pub queued: u64,
    pub refused: Vec<RefusedJob>,
    /// There are more that failed; ask again.
    pub more: bool,
}

/// Spent jobs of what their files hold now, unless a newer job of the same bytes is there. One that was superseded did nothing: the
/// plugin's source is again what it was.
const FAILED: &str = "SELECT j.id FROM processing_job j
    JOIN file_location l ON l.id = j.location_id AND l.current_version_id = j.file_version_id AND l.deleted_at_us IS NULL
    WHERE j.state IN ('FAILED', 'ABORTED') AND j.state = 'FAILED' AND j.kind = 'process' AND ($1 IS NULL OR j.plugin_name = $1)
        AND NOT EXISTS (SELECT 1 FROM processing_job k WHERE k.file_version_id = j.file_version_id AND k.plugin_name = j.plugin_name
            AND k.kind = 'process' AND k.state <> 'SUPERSEDED' AND (k.id > j.id OR k.state NOT IN ('FAILED', 'ABORTED')) AND k.id <> j.id)
        AND NOT EXISTS (SELECT 1 FROM processing_job k WHERE k.location_id = j.location_id AND k.plugin_name = j.plugin_name AND k.is_live = 1)
    LIMIT $2";

/// Files and plugins with another job on its way, or with one that did the same bytes.
const ANSWERED: &str = "SELECT DISTINCT j.id FROM processing_job j JOIN file_version v ON v.location_id = j.location_id
    JOIN processing_job k ON k.file_version_id = v.id AND k.plugin_name = j.plugin_name AND k.kind = 'process' AND k.id <> j.id
    WHERE (k.state IN ('PENDING', 'QUEUED', 'RUNNING', 'COMMITTING')
        OR (k.file_version_id = j.file_version_id AND k.state IN ('COMPLETED', 'SKIPPED'))) AND j.id IN ";

impl SentinelTx {
    /// Spent jobs of files that still hold those bytes go back to the queue, for the plugin's ACTIVE version.
    pub async fn retry(
        &mut self,
        selection: &RetrySelection,
        now_us: i64,
    ) -> Result<Retried, CatalogError> {
        let mut retried = Retried::default();
        let ids = match selection {
            RetrySelection::Jobs(jobs) => jobs.clone(),
            RetrySelection::Failed { plugin } => self.failed_jobs(plugin.as_deref()).await?,
        };
        for chunk in ids.chunks(ROWS_MAX) {
            self.retry_all(chunk, &mut retried, now_us).await?;
        }
        let is_all = matches!(selection, RetrySelection::Failed { .. });
        retried.more = is_all && ids.len() == RETRY_MAX && retried.queued > 0;
        Ok(retried)
    }

    async fn failed_jobs(&mut self, plugin: Option<&str>) -> Result<Vec<JobId>, CatalogError> {
        let query = db::query(FAILED).bind(plugin).bind(RETRY_MAX as i64);
        let rows = query.fetch_all(&mut *self.tx).await?;
        rows.iter().map(|row| Ok(JobId::new(row.try_get(0)?))).collect()
    }

    async fn retry_all(
        &mut self,
        ids: &[JobId],
        retried: &mut Retried,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let jobs = self.jobs(ids).await?;
        let answered = self.answered(ids).await?;
        let spent: Vec<&Job> = jobs.values().filter(|job| is_spent(job)).collect();
        let done = self.done_by_active(&spent).await?;
        let mut files = HashSet::new();
        let mut again = Vec::new();
        for id in ids {
            let reason = match jobs.get(id) {
                None => "there is no such job",
                Some(job) if !is_spent(job) => "it is neither FAILED nor ABORTED",
                Some(job) if !job.is_current_version || job.is_deleted => {
                    "the file does not hold those bytes any more"
                }
                Some(job) if answered.contains(&job.id) => {
                    "another job of this file and plugin is under way or done"
                }
                Some(job) if done.contains(&job.id) => {
                    "the plugin's version in force has a job of its own for it; retry that one"
                }
                Some(job) if !files.insert((job.location, job.plugin.as_str())) => {
                    "another job of this file and plugin is retried"
                }
                Some(job) => {
                    again.push(job);
                    continue;
                }
            };
            retried.refused.push(RefusedJob::new(*id, reason));
        }
        let clean = "UPDATE processing_job SET failures = 0, losses = 0 WHERE id IN ";
        let again_ids = again.iter().map(|job| job.id.get());
        Bulk::list(clean, again_ids).execute(&mut self.tx).await?;
        retried.queued += self.queue_again(&again, now_us).await?;
        Ok(())
    }

    async fn answered(&mut self, ids: &[JobId]) -> Result<HashSet<JobId>, CatalogError> {
        let rows = Bulk::list(ANSWERED, ids.iter().map(|id| id.get())).fetch(&mut self.tx).await?;
        rows.iter().map(|row| Ok(JobId::new(row.try_get(0)?))).collect()
    }
}

fn is_spent(job: &Job) -> bool {
    matches!(job.state, JobState::Failed | JobState::Aborted)
}
