//! RUNNING to COMMITTING: from here a job only rolls forward.

use super::supersede::Job;
use crate::db::parsed;
use crate::error::CatalogError;
use crate::job_state::JobState;
use crate::roles::SentinelTx;
use protocol::{ReadyJob, SessionToken, StagedOutput, Superseded};
use sqlx::Row;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantOutcome {
    /// The jobs' outputs that this commit will replace.
    Granted {
        supersede: Vec<Superseded>,
    },
    Refused {
        reason: String,
    },
}

impl SentinelTx {
    /// Granting the same attempt again gives the same answer.
    pub async fn grant(
        &mut self,
        ready: &ReadyJob,
        session: &SessionToken,
        now_us: i64,
    ) -> Result<GrantOutcome, CatalogError> {
        let Some(job) = self.job(ready.job).await? else {
            return Ok(refused("there is no such job"));
        };
        let ours = job.attempt == ready.attempt && job.session.as_deref() == Some(session.as_str());
        match job.state {
            JobState::Running if ours => {}
            JobState::Committing if ours => return self.granted(&job).await,
            _ => return Ok(refused("this attempt is over: the job went on without this worker")),
        }
        if !job.is_current_version {
            self.end_overtaken(&job, now_us).await?;
            return Ok(refused("a newer version of the file is there"));
        }
        let sql = "UPDATE processing_job SET state = 'COMMITTING', granted_session = session WHERE id = $1";
        sqlx::query(sql).bind(job.id.get()).execute(&mut *self.tx).await?;
        for output in &ready.outputs {
            self.insert_artifact(&job, output, now_us).await?;
        }
        self.granted(&job).await
    }

    async fn granted(&mut self, job: &Job) -> Result<GrantOutcome, CatalogError> {
        let replaced = self.replaced_by(job).await?;
        let sql = "SELECT topic, uri FROM artifact WHERE job_id = $1 AND state = 'CURRENT'";
        let mut supersede = Vec::new();
        for old in replaced {
            for row in sqlx::query(sql).bind(old.get()).fetch_all(&mut *self.tx).await? {
                let (topic, uri): (String, String) = (row.try_get(0)?, row.try_get(1)?);
                supersede.push(Superseded { topic: parsed(&topic)?, uri: parsed(&uri)?, job: old });
            }
        }
        Ok(GrantOutcome::Granted { supersede })
    }

    async fn insert_artifact(
        &mut self,
        job: &Job,
        output: &StagedOutput,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let sql = "INSERT INTO artifact (id, job_id, attempt, topic, uri, staged, file, rows, size_bytes, hash, schema, state, retired, created_at_us)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'PROMOTING', 0, $12)";
        sqlx::query(sql)
            .bind(self.next_id(now_us).await?)
            .bind(job.id.get())
            .bind(job.attempt)
            .bind(output.topic.as_str())
            .bind(output.uri.to_string())
            .bind(&output.staged)
            .bind(&output.final_name)
            .bind(output.rows.cast_signed())
            .bind(output.size_bytes.cast_signed())
            .bind(output.hash.as_bytes().to_vec())
            .bind(&output.schema)
            .bind(now_us)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }
}

fn refused(reason: &str) -> GrantOutcome {
    GrantOutcome::Refused { reason: reason.to_owned() }
}
