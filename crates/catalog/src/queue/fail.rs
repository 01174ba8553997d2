//! RUNNING to whatever follows an attempt that did not succeed.

use super::job::Job;
use crate::db;
use crate::error::CatalogError;
use crate::job_state::{Hold, JobState};
use crate::roles::SentinelTx;
use protocol::{ErrorClass, JobAttempt, JobId, Metrics, SessionToken};

#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub job: JobAttempt,
    pub class: ErrorClass,
    pub message: String,
    pub metrics: Metrics,
    pub next: FailNext,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailNext {
    Failed,
    Backoff {
        not_before_us: i64,
    },
    /// The tagger has to look at the file again.
    Changed,
    /// Costs no attempt.
    Requeue,
}

/// A job whose worker was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    pub job: JobAttempt,
    pub losses: u32,
    /// Lost too often: FAILED.
    pub spent: bool,
}

const SPENT: &str = "its worker was lost again and again while it ran this job alone; look at the job's log, then `casparian jobs retry`";

impl SentinelTx {
    /// Whether the attempt was still the session's to fail.
    pub async fn fail(
        &mut self,
        failure: &Failure,
        session: &SessionToken,
        now_us: i64,
    ) -> Result<bool, CatalogError> {
        let Some(job) = self.job(failure.job.id).await? else { return Ok(false) };
        let is_ours = job.is_held_by(session.as_str(), failure.job.attempt);
        if !is_ours || job.state != JobState::Running {
            return Ok(false);
        }
        if failure.next != FailNext::Requeue {
            self.store_error(failure).await?;
        }
        match failure.next {
            // A newer version is there: this one need not be tried again.
            _ if !job.is_current_version => {
                self.end_all(&[&job], JobState::Superseded, now_us).await?;
            }
            FailNext::Failed => self.end_all(&[&job], JobState::Failed, now_us).await?,
            FailNext::Backoff { not_before_us } => {
                self.hold(&job, Hold::Backoff, Some(not_before_us), now_us).await?;
            }
            FailNext::Changed => self.hold(&job, Hold::Changed, None, now_us).await?,
            FailNext::Requeue => {
                self.queue_again(&[&job], now_us).await?;
            }
        }
        Ok(true)
    }

    async fn hold(
        &mut self,
        job: &Job,
        hold: Hold,
        not_before_us: Option<i64>,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        job.check_move(JobState::Pending)?;
        let sql = "UPDATE processing_job SET state = 'PENDING', hold = $2, not_before_us = $3, ended_at_us = $4, session = NULL,
                       is_live = 0, has_content = $5 WHERE id = $1";
        let query = db::query(sql).bind(job.id.get()).bind(hold.as_str());
        let query = query.bind(not_before_us).bind(now_us).bind(hold == Hold::Backoff);
        query.execute(&mut *self.tx).await?;
        Ok(())
    }

    async fn store_error(&mut self, failure: &Failure) -> Result<(), CatalogError> {
        let costs = failure.class.costs_attempt();
        let sql = "UPDATE processing_job SET error_class = $2, error_message = $3, bytes_in = $4, failures = failures + $5 WHERE id = $1";
        db::query(sql)
            .bind(failure.job.id.get())
            .bind(failure.class.as_str())
            .bind(&failure.message)
            .bind(failure.metrics.bytes_in.cast_signed())
            .bind(costs)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Jobs whose lease ended go back to the queue; one that was lost too often is FAILED.
    pub async fn requeue(&mut self, losses: &[Loss], now_us: i64) -> Result<(), CatalogError> {
        let ids: Vec<JobId> = losses.iter().map(|loss| loss.job.id).collect();
        let jobs = self.jobs(&ids).await?;
        let (mut spent, mut again) = (Vec::new(), Vec::new());
        for loss in losses {
            let job = jobs.get(&loss.job.id);
            let job = job.filter(|job| job.attempt == loss.job.attempt);
            let Some(job) = job.filter(|job| job.state == JobState::Running) else { continue };
            let sql = "UPDATE processing_job SET losses = $2 WHERE id = $1";
            db::query(sql).bind(job.id.get()).bind(loss.losses).execute(&mut *self.tx).await?;
            if loss.spent {
                self.store_loss(job.id).await?;
                spent.push(job);
            } else {
                again.push(job);
            }
        }
        self.end_all(&spent, JobState::Failed, now_us).await?;
        self.queue_again(&again, now_us).await?;
        Ok(())
    }

    async fn store_loss(&mut self, job: JobId) -> Result<(), CatalogError> {
        let sql = "UPDATE processing_job SET error_class = $2, error_message = $3 WHERE id = $1";
        let query = db::query(sql).bind(job.get()).bind(ErrorClass::WorkerLost.as_str());
        query.bind(SPENT).execute(&mut *self.tx).await?;
        Ok(())
    }
}
