//! COMMITTING jobs whose worker is lost: another finishes them, or finds that the staged data is gone for good.

use super::job::Job;
use crate::db::{self, Bulk, Row, content_hash, parsed};
use crate::error::CatalogError;
use crate::job_state::JobState;
use crate::roles::SentinelTx;
use protocol::{
    CommitId, JobAttempt, JobId, OutputFileId, SessionToken, StagedOutput, TopicSchema,
};

/// What was granted, as the recoverer has to find it.
pub type RecoveryOutput = StagedOutput;

/// A commit that somebody else is to finish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The how-manieth it is.
    pub number: u32,
    pub commit: CommitId,
    pub jobs: Vec<JobAttempt>,
}

impl SentinelTx {
    /// Whatever of its commit is COMMITTING is recovered with it: they share files. None when the job is not COMMITTING in that attempt any more.
    pub async fn begin_recovery(
        &mut self,
        job: JobAttempt,
        session: &SessionToken,
    ) -> Result<Option<Recovery>, CatalogError> {
        let found = self.job(job.id).await?;
        let found = found
            .filter(|found| found.state == JobState::Committing && found.attempt == job.attempt);
        let Some(Job { id, commit: Some(commit), .. }) = found else { return Ok(None) };
        let jobs = self.committing_with(commit, id).await?;
        let number = 1 + jobs.iter().map(|(_, recovery)| *recovery).max().unwrap_or(0);
        let update = Bulk::new("UPDATE processing_job SET recovery = ").bind(number);
        let update = update.then(", session = ").bind(session.as_str());
        let ids = jobs.iter().map(|(job, _)| job.id.get());
        update.then_list(" WHERE id IN ", ids).execute(&mut self.tx).await?;
        let jobs = jobs.into_iter().map(|(job, _)| job).collect();
        Ok(Some(Recovery { number, commit, jobs }))
    }

    /// With the recovery that each is in.
    async fn committing_with(
        &mut self,
        commit: CommitId,
        job: JobId,
    ) -> Result<Vec<(JobAttempt, u32)>, CatalogError> {
        let select =
            "SELECT id, attempt, recovery FROM processing_job WHERE state = 'COMMITTING' AND ";
        let select = match commit == CommitId::from(job) {
            true => Bulk::new(select).then("id = ").bind(job.get()),
            false => {
                Bulk::new(select).then("session IS NOT NULL AND commit_id = ").bind(commit.get())
            }
        };
        let rows = select.then(" ORDER BY id").fetch(&mut self.tx).await?;
        let job = |row: &Row| {
            let job = JobAttempt { id: JobId::new(row.try_get(0)?), attempt: row.try_get(1)? };
            Ok((job, row.try_get(2)?))
        };
        rows.iter().map(job).collect()
    }

    pub async fn recovery_outputs(
        &mut self,
        job: JobId,
    ) -> Result<Vec<RecoveryOutput>, CatalogError> {
        let sql =
            "SELECT a.topic, a.uri, f.staged, f.file, a.rows, f.size_bytes, f.hash, a.row_start
                   FROM artifact a JOIN output_file f ON f.id = a.file_id
                   WHERE a.job_id = $1 AND a.state = 'PROMOTING' ORDER BY a.id";
        let rows = db::query(sql).bind(job.get()).fetch_all(&mut *self.tx).await?;
        rows.iter().map(granted_output).collect()
    }

    /// The whole of a file.
    pub(super) async fn granted_output(
        &mut self,
        file: OutputFileId,
    ) -> Result<RecoveryOutput, CatalogError> {
        let sql = "SELECT topic, uri, staged, file, rows, size_bytes, hash, CAST(0 AS BIGINT) FROM output_file WHERE id = $1";
        granted_output(&db::query(sql).bind(file.get()).fetch_one(&mut *self.tx).await?)
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
        self.leave_topics_with(job.id).await?;
        // It stays in the queue even where it was overtaken; what waits for it may end it there.
        self.queue_again(&[&job], 0).await?;
        self.release(&[job.id.get()]).await?;
        Ok(true)
    }
}

fn granted_output(row: &Row) -> Result<StagedOutput, CatalogError> {
    let (topic, uri): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    Ok(StagedOutput {
        topic: parsed(&topic)?,
        uri: parsed(&uri)?,
        staged: row.try_get(2)?,
        final_name: row.try_get(3)?,
        row_start: row.try_get::<i64, _>(7)?.cast_unsigned(),
        rows: row.try_get::<i64, _>(4)?.cast_unsigned(),
        size_bytes: row.try_get::<i64, _>(5)?.cast_unsigned(),
        hash: content_hash(row, 6)?,
        // What was granted has been judged by it.
        schema: TopicSchema::default(),
        schema_version: 0,
        reasons: Vec::new(),
    })
}
