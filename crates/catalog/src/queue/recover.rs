//! COMMITTING jobs whose worker is lost: another finishes them, or finds that the staged data is gone for good.

use crate::db::{self, Row, content_hash, parsed};
use crate::error::CatalogError;
use crate::job_state::JobState;
use crate::roles::SentinelTx;
use protocol::{JobAttempt, JobId, SessionToken, StagedOutput, TopicSchema};

/// What was granted, as the recoverer has to find it.
pub type RecoveryOutput = StagedOutput;

impl SentinelTx {
    /// The number of this recovery; none when the job is not COMMITTING in that attempt any more.
    pub async fn begin_recovery(
        &mut self,
        job: JobAttempt,
        session: &SessionToken,
    ) -> Result<Option<u32>, CatalogError> {
        let sql = "UPDATE processing_job SET recovery = recovery + 1, session = $3
                   WHERE id = $1 AND attempt = $2 AND state = 'COMMITTING' RETURNING recovery";
        let query = db::query(sql).bind(job.id.get()).bind(job.attempt).bind(session.as_str());
        let row = query.fetch_optional(&mut *self.tx).await?;
        row.map(|row| row.try_get(0)).transpose()
    }

    pub async fn recovery_outputs(
        &mut self,
        job: JobId,
    ) -> Result<Vec<RecoveryOutput>, CatalogError> {
        let sql = "SELECT topic, uri, staged, file, rows, size_bytes, hash FROM artifact
                   WHERE job_id = $1 AND state = 'PROMOTING' ORDER BY id";
        let rows = db::query(sql).bind(job.get()).fetch_all(&mut *self.tx).await?;
        let output = |row: &Row| -> Result<StagedOutput, CatalogError> {
            let (topic, uri): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            Ok(StagedOutput {
                topic: parsed(&topic)?,
                uri: parsed(&uri)?,
                staged: row.try_get(2)?,
                final_name: row.try_get(3)?,
                rows: row.try_get::<i64, _>(4)?.cast_unsigned(),
                size_bytes: row.try_get::<i64, _>(5)?.cast_unsigned(),
                hash: content_hash(row, 6)?,
                // What was granted has been judged by it.
                schema: TopicSchema::default(),
                reasons: Vec::new(),
            })
        };
        rows.iter().map(output).collect()
    }

    /// Neither staged nor final data is there: the file has to run again.
    pub async fn lost(&mut self, job: JobAttempt, recovery: u32) -> Result<bool, CatalogError> {
        let attempt = job;
        let job = self.job(attempt.id).await?.filter(|job| {
            job.state == JobState::Committing
                && job.attempt == attempt.attempt
                && job.recovery == recovery
        });
        let Some(job) = job else { return Ok(false) };
        // Of what was promoted already, nothing stays: it is moved away as what is replaced is.
        let artifacts =
            "UPDATE artifact SET state = 'SUPERSEDED' WHERE job_id = $1 AND state = 'PROMOTING'";
        db::query(artifacts).bind(job.id.get()).execute(&mut *self.tx).await?;
        // It stays in the queue even where it was overtaken; what waits for it may end it there.
        self.queue_again(&[&job], 0).await?;
        self.release(&[job.id.get()]).await?;
        Ok(true)
    }
}
