//! RUNNING to whatever follows an attempt that did not succeed.

use crate::error::CatalogError;
use crate::job_state::JobState;
use crate::roles::SentinelTx;
use protocol::{ErrorClass, JobAttempt, Metrics, SessionToken};

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

impl SentinelTx {
    /// Whether the attempt was still the session's to fail.
    pub async fn fail(
        &mut self,
        failure: &Failure,
        session: &SessionToken,
        now_us: i64,
    ) -> Result<bool, CatalogError> {
        let Some(job) = self.job(failure.job.id).await? else { return Ok(false) };
        let ours = job.attempt == failure.job.attempt
            && job.session.as_deref() == Some(session.as_str())
            && job.state == JobState::Running;
        if !ours {
            return Ok(false);
        }
        // A newer version is there: this one need not be tried again.
        let overtaken = !job.is_current_version;
        match failure.next {
            _ if overtaken => self.end_overtaken(&job, now_us).await?,
            FailNext::Failed => self.end(job.id, JobState::Failed, now_us).await?,
            FailNext::Backoff { not_before_us } => {
                self.hold(failure, "backoff", Some(not_before_us), now_us).await?;
            }
            FailNext::Changed => self.hold(failure, "changed", None, now_us).await?,
            FailNext::Requeue => self.back_to_queue(failure.job).await?,
        }
        if failure.next != FailNext::Requeue {
            self.store_error(failure).await?;
        }
        Ok(true)
    }

    async fn hold(
        &mut self,
        failure: &Failure,
        hold: &'static str,
        not_before_us: Option<i64>,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let sql = "UPDATE processing_job SET state = 'PENDING', hold = $2, not_before_us = $3, ended_at_us = $4, session = NULL WHERE id = $1";
        let query = sqlx::query(sql).bind(failure.job.id.get()).bind(hold);
        query.bind(not_before_us).bind(now_us).execute(&mut *self.tx).await?;
        Ok(())
    }

    async fn back_to_queue(&mut self, job: JobAttempt) -> Result<(), CatalogError> {
        let sql = "UPDATE processing_job SET state = 'QUEUED', session = NULL WHERE id = $1";
        sqlx::query(sql).bind(job.id.get()).execute(&mut *self.tx).await?;
        Ok(())
    }

    async fn store_error(&mut self, failure: &Failure) -> Result<(), CatalogError> {
        let costs = !matches!(failure.next, FailNext::Changed);
        let sql = "UPDATE processing_job SET error_class = $2, error_message = $3, bytes_in = $4, failures = failures + $5 WHERE id = $1";
        sqlx::query(sql)
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
        let queued = "UPDATE processing_job SET state = 'QUEUED', session = NULL, losses = $3
                      WHERE id = $1 AND attempt = $2 AND state = 'RUNNING'";
        for loss in losses {
            let id = loss.job.id;
            let query = sqlx::query(queued).bind(id.get()).bind(loss.job.attempt).bind(loss.losses);
            let moved = query.execute(&mut *self.tx).await?.rows_affected() > 0;
            if moved && loss.spent {
                let sql =
                    "UPDATE processing_job SET error_class = $2, error_message = $3 WHERE id = $1";
                let message = "its worker was lost three times while it ran this job alone; look at the job's log, then `casparian jobs retry`";
                let query = sqlx::query(sql).bind(id.get()).bind(ErrorClass::WorkerLost.as_str());
                query.bind(message).execute(&mut *self.tx).await?;
                self.end(id, JobState::Failed, now_us).await?;
            }
        }
        Ok(())
    }
}
