//! COMMITTING to COMPLETED: the new artifacts are current, what they replace is superseded, in one transaction.

use crate::error::CatalogError;
use crate::job_state::JobState;
use crate::roles::SentinelTx;
use protocol::{JobAttempt, Metrics, SessionToken};

#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    pub job: JobAttempt,
    pub metrics: Metrics,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConcludeOutcome {
    /// It is in the catalog, now or since before.
    Completed,
    Refused {
        reason: &'static str,
    },
}

impl SentinelTx {
    pub async fn conclude(
        &mut self,
        receipt: &Receipt,
        session: &SessionToken,
        now_us: i64,
    ) -> Result<ConcludeOutcome, CatalogError> {
        let Some(job) = self.job(receipt.job.id).await? else {
            return Ok(ConcludeOutcome::Refused { reason: "there is no such job" });
        };
        // Whoever was granted it, or was sent to recover it, may report it.
        let session = Some(session.as_str());
        let known = job.session.as_deref() == session || job.granted_session.as_deref() == session;
        match job.state {
            JobState::Committing if job.attempt == receipt.job.attempt && known => {}
            JobState::Completed if job.attempt == receipt.job.attempt => {
                return Ok(ConcludeOutcome::Completed);
            }
            JobState::Running => {
                return Ok(ConcludeOutcome::Refused { reason: "the job was not granted" });
            }
            _ => return Ok(ConcludeOutcome::Refused { reason: "this attempt is over" }),
        }
        let replaced = self.replaced_by(&job).await?;
        self.supersede(&replaced, &job).await?;
        let current = "UPDATE artifact SET state = 'CURRENT' WHERE job_id = $1 AND attempt = $2 AND state = 'PROMOTING'";
        let query = sqlx::query(current).bind(job.id.get()).bind(job.attempt);
        query.execute(&mut *self.tx).await?;
        self.store_metrics(receipt).await?;
        self.end(job.id, JobState::Completed, now_us).await?;
        Ok(ConcludeOutcome::Completed)
    }

    async fn store_metrics(&mut self, receipt: &Receipt) -> Result<(), CatalogError> {
        let metrics = &receipt.metrics;
        let ms = serde_json::to_string(&metrics.ms)
            .map_err(|error| CatalogError::corrupt(error.to_string()))?;
        let sql = "UPDATE processing_job SET rows = $2, bytes_in = $3, size_bytes = $4, quarantined = $5, metrics = $6,
                       losses = 0, error_class = NULL, error_message = NULL
                   WHERE id = $1";
        let query = sqlx::query(sql)
            .bind(receipt.job.id.get())
            .bind(metrics.rows.cast_signed())
            .bind(metrics.bytes_in.cast_signed())
            .bind(metrics.size_bytes.cast_signed())
            .bind(metrics.quarantined.cast_signed())
            .bind(ms);
        query.execute(&mut *self.tx).await?;
        Ok(())
    }
}
