//! The two ways out of a state that several moves share: to an end, and back to the queue.

use super::job::Job;
use crate::db::{Bulk, ROWS_MAX};
use crate::error::CatalogError;
use crate::job_state::JobState;
use crate::roles::SentinelTx;
use protocol::JobId;
use std::collections::HashSet;

/// Jobs whose plugin has another version in force, by which the same bytes were processed before.
const DONE_BY_ACTIVE: &str = "SELECT j.id FROM processing_job j
    JOIN plugin_config c ON c.plugin_name = j.plugin_name AND c.active_manifest_id <> j.manifest_id
    JOIN processing_job k ON k.file_version_id = j.file_version_id AND k.manifest_id = c.active_manifest_id AND k.kind = j.kind
    WHERE j.id IN ";

/// With the plugin's version that is in force now.
const TO_QUEUE: &str = "UPDATE processing_job SET state = 'QUEUED', session = NULL, granted_session = NULL, recovery = 0, hold = NULL,
        held_by = NULL, not_before_us = NULL, ended_at_us = NULL, aborted_by = NULL, is_live = 1, has_content = 1,
        manifest_id = coalesce((SELECT c.active_manifest_id FROM plugin_config c WHERE c.plugin_name = processing_job.plugin_name), manifest_id)
    WHERE id IN ";

impl SentinelTx {
    pub(crate) async fn end(
        &mut self,
        job: JobId,
        to: JobState,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        match self.job(job).await? {
            Some(job) => self.end_all(&[&job], to, now_us).await,
            None => Ok(()),
        }
    }

    /// The end of jobs, and the release of those that wait for them.
    pub(super) async fn end_all(
        &mut self,
        jobs: &[&Job],
        to: JobState,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        jobs.iter().try_for_each(|job| job.check_move(to))?;
        for chunk in jobs.chunks(ROWS_MAX) {
            let ids: Vec<i64> = chunk.iter().map(|job| job.id.get()).collect();
            let update = Bulk::new("UPDATE processing_job SET state = ").bind(to.as_str());
            let update = update.then(", ended_at_us = ").bind(now_us);
            let rest = ", hold = NULL, held_by = NULL, not_before_us = NULL, session = NULL, is_live = 0, has_content = 0 WHERE id IN ";
            update.then_list(rest, ids.iter().copied()).execute(&mut self.tx).await?;
            self.release(&ids).await?;
        }
        Ok(())
    }

    /// Those that wait for one of these jobs are looked at again.
    pub(super) async fn release(&mut self, jobs: &[i64]) -> Result<(), CatalogError> {
        let update = "UPDATE processing_job SET hold = 'admit', held_by = NULL WHERE held_by IN ";
        Bulk::ids(update, jobs).execute(&mut self.tx).await?;
        Ok(())
    }

    /// Back to the queue; what was overtaken meanwhile, or was done by the plugin's version in force, ends. Returns how many are QUEUED.
    pub(super) async fn queue_again(
        &mut self,
        jobs: &[&Job],
        now_us: i64,
    ) -> Result<u64, CatalogError> {
        let done = self.done_by_active(jobs).await?;
        let is_over = |job: &&&Job| !job.is_current_version || done.contains(&job.id);
        // A grant is a promise: that job only goes forward, and the worker will see that the file is another one.
        let may_end = |job: &&&Job| job.state != JobState::Committing;
        let (over, queued): (Vec<&Job>, Vec<&Job>) =
            jobs.iter().partition(|job| is_over(job) && may_end(job));
        self.end_all(&over, JobState::Superseded, now_us).await?;
        queued.iter().try_for_each(|job| job.check_move(JobState::Queued))?;
        for chunk in queued.chunks(ROWS_MAX) {
            let ids: Vec<i64> = chunk.iter().map(|job| job.id.get()).collect();
            Bulk::ids(TO_QUEUE, &ids).execute(&mut self.tx).await?;
        }
        Ok(queued.len() as u64)
    }

    pub(super) async fn done_by_active(
        &mut self,
        jobs: &[&Job],
    ) -> Result<HashSet<JobId>, CatalogError> {
        let moved = jobs
            .iter()
            .filter(|job| job.active_manifest.is_some_and(|active| active != job.manifest));
        let moved: Vec<i64> = moved.map(|job| job.id.get()).collect();
        let mut done = HashSet::new();
        for chunk in moved.chunks(ROWS_MAX) {
            for row in Bulk::ids(DONE_BY_ACTIVE, chunk).fetch(&mut self.tx).await? {
                done.insert(JobId::new(row.try_get(0)?));
            }
        }
        Ok(done)
    }
}
