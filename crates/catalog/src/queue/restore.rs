//! COMPLETED to QUEUED, because what the job published is lost: the file runs again, whole, under a new attempt.

use super::job::Job;
use crate::db::{self, Bulk, ROWS_MAX};
use crate::error::CatalogError;
use crate::job_state::JobState;
use crate::report::live_place;
use crate::requests::RefusedJob;
use crate::roles::SentinelTx;
use protocol::{ArtifactId, JobId, JobKind};
use std::collections::HashSet;

/// What came of a restoration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    pub queued: u64,
    /// Artifacts without a job: their files leave the topic.
    pub dropped: u64,
    pub refused: Vec<RefusedJob>,
}

/// Files and plugins that have another job on its way.
const BUSY: &str = "SELECT k.id FROM processing_job j JOIN processing_job k
        ON k.location_id = j.location_id AND k.plugin_name = j.plugin_name AND k.is_live = 1 AND k.id <> j.id
    WHERE j.id IN ";

impl SentinelTx {
    /// Everything else that the job published leaves the topics now: all of its topics come from one attempt.
    pub async fn restore(
        &mut self,
        jobs: &[JobId],
        artifacts: &[ArtifactId],
        now_us: i64,
    ) -> Result<Restored, CatalogError> {
        let mut restored = Restored::default();
        let mut seen = HashSet::new();
        for id in jobs.iter().filter(|id| seen.insert(**id)) {
            match self.restore_one(*id, now_us).await? {
                Ok(()) => restored.queued += 1,
                Err(reason) => restored.refused.push(RefusedJob::new(*id, reason)),
            }
        }
        restored.dropped = self.drop_jobless(artifacts).await?;
        if restored.dropped > 0 {
            self.route_again().await?;
        }
        Ok(restored)
    }

    async fn restore_one(
        &mut self,
        id: JobId,
        now_us: i64,
    ) -> Result<Result<(), &'static str>, CatalogError> {
        let Some(job) = self.job(id).await? else { return Ok(Err("there is no such job")) };
        if job.kind != JobKind::Process || job.state != JobState::Completed {
            return Ok(Err("it is not COMPLETED"));
        }
        let Some(place) = live_place(&mut self.tx, id).await? else {
            return Ok(Err("its bytes lie at no live path any more: what it published is lost"));
        };
        if !place.is_active {
            return Ok(Err("its plugin is not active: put it back into the plugins directory"));
        }
        let Some(runner) = self.job(place.job).await? else {
            return Ok(Err("there is no such job"));
        };
        if self.is_busy(&runner).await? {
            return Ok(Err("another job of this file and plugin is under way"));
        }
        if self.done_by_active(&[&runner]).await?.contains(&runner.id) {
            return Ok(Err(
                "the plugin's version in force has a job of its own for it; retry that one",
            ));
        }
        self.take_back_all(&job, &runner).await?;
        self.queue_again(&[&runner], now_us).await?;
        Ok(Ok(()))
    }

    async fn is_busy(&mut self, job: &Job) -> Result<bool, CatalogError> {
        Ok(!Bulk::ids(BUSY, &[job.id.get()]).fetch(&mut self.tx).await?.is_empty())
    }

    /// `runner` takes the place of `job`, be it the same.
    async fn take_back_all(&mut self, job: &Job, runner: &Job) -> Result<(), CatalogError> {
        self.leave_topics_with(job.id).await?;
        if job.id != runner.id {
            let update =
                "UPDATE processing_job SET has_content = 0, superseded_by = $2 WHERE id = $1";
            let query = db::query(update).bind(job.id.get()).bind(runner.id.get());
            query.execute(&mut *self.tx).await?;
        }
        let clean = "UPDATE processing_job SET failures = 0, losses = 0, rows = 0, size_bytes = 0, superseded_by = NULL, retracted_by = NULL
                     WHERE id = $1";
        db::query(clean).bind(runner.id.get()).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Their files are moved to `_history` like others that were replaced.
    async fn drop_jobless(&mut self, artifacts: &[ArtifactId]) -> Result<u64, CatalogError> {
        let mut dropped = 0;
        for chunk in artifacts.chunks(ROWS_MAX) {
            let select = "SELECT a.id FROM artifact a LEFT JOIN processing_job j ON j.id = a.job_id
                          WHERE (j.id IS NULL OR (a.state <> 'SUPERSEDED' AND j.state <> 'COMPLETED' AND j.state <> 'COMMITTING')) AND a.id IN ";
            let ids = chunk.iter().map(|id| id.get());
            let rows = Bulk::list(select, ids).fetch(&mut self.tx).await?;
            let ids = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
            if !ids.is_empty() {
                self.leave_topics(&ids).await?;
                let update = "UPDATE output_file SET retired = 0 WHERE artifacts = 0 AND id IN (SELECT file_id FROM artifact WHERE id IN ";
                Bulk::ids(update, &ids).then(")").execute(&mut self.tx).await?;
                dropped += ids.len() as u64;
            }
        }
        Ok(dropped)
    }

    /// The tagger looks at every file once more, and gives those a job that have none.
    async fn route_again(&mut self) -> Result<(), CatalogError> {
        let sql = "UPDATE catalog_meta SET rules_epoch = rules_epoch + 1";
        db::query(sql).execute(&mut *self.tx).await?;
        Ok(())
    }
}
