//! What a job's result replaces. One rule, for the grant (as a preview), the receipt and the admission.

use crate::error::CatalogError;
use crate::job_state::JobState;
use crate::roles::SentinelTx;
use protocol::{JobId, LocationId, ManifestId};
use sqlx::Row;
use std::collections::BTreeSet;

/// A job with what decides its moves.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub id: JobId,
    pub state: JobState,
    pub is_retract: bool,
    pub attempt: u32,
    pub recovery: u32,
    pub session: Option<String>,
    pub granted_session: Option<String>,
    pub location: LocationId,
    pub sequence: i64,
    pub manifest: ManifestId,
    pub plugin: String,
    pub content: Vec<u8>,
    pub dedup: bool,
    pub is_current_version: bool,
    pub is_deleted: bool,
    pub ended_at_us: i64,
    pub hashed_at_us: i64,
}

const JOB: &str = "SELECT j.state, j.kind = 'retract' AS is_retract, j.attempt, j.recovery, j.session, j.granted_session, j.location_id,
        v.sequence, j.manifest_id, j.plugin_name, j.content_hash, coalesce(c.dedup, 1) AS dedup,
        l.current_version_id IS j.file_version_id AS is_current, l.deleted_at_us IS NOT NULL AS is_deleted,
        coalesce(j.ended_at_us, 0) AS ended_at_us, coalesce(l.hashed_at_us, 0) AS hashed_at_us
    FROM processing_job j
    JOIN file_version v ON v.id = j.file_version_id
    JOIN file_location l ON l.id = j.location_id
    LEFT JOIN plugin_config c ON c.plugin_name = j.plugin_name
    WHERE j.id = $1";

/// Current results of the same plugin for the same content, from whatever path.
const SAME_CONTENT: &str = "SELECT j.id FROM processing_job j WHERE j.content_hash = $1 AND j.plugin_name = $2 AND j.kind = 'process'
        AND j.state = 'COMPLETED' AND j.superseded_by IS NULL AND j.id <> $3";

/// Current results of what the location held before, unless another live path still holds it.
const EARLIER_CONTENT: &str = "SELECT DISTINCT j.id FROM file_version old
    JOIN processing_job j ON j.content_hash = old.content_hash AND j.plugin_name = $2 AND j.kind = 'process'
        AND j.state = 'COMPLETED' AND j.superseded_by IS NULL AND j.id <> $3
    WHERE old.location_id = $4 AND old.sequence < $5 AND old.content_hash <> $1
        AND NOT EXISTS (SELECT 1 FROM file_version v
            JOIN file_location l ON l.current_version_id = v.id AND l.deleted_at_us IS NULL AND l.id <> $4
            JOIN processing_job k ON k.file_version_id = v.id AND k.plugin_name = $2
            WHERE v.content_hash = old.content_hash)";

/// With dedup off a result belongs to its path alone.
const SAME_PATH: &str = "SELECT j.id FROM processing_job j WHERE j.location_id = $1 AND j.plugin_name = $2 AND j.kind = 'process'
        AND j.state = 'COMPLETED' AND j.superseded_by IS NULL AND j.id <> $3";

impl SentinelTx {
    pub(crate) async fn job(&mut self, id: JobId) -> Result<Option<Job>, CatalogError> {
        let Some(row) = sqlx::query(JOB).bind(id.get()).fetch_optional(&mut *self.tx).await? else {
            return Ok(None);
        };
        let state: String = row.try_get("state")?;
        Ok(Some(Job {
            id,
            state: state.parse().map_err(CatalogError::corrupt)?,
            is_retract: row.try_get("is_retract")?,
            attempt: row.try_get("attempt")?,
            recovery: row.try_get("recovery")?,
            session: row.try_get("session")?,
            granted_session: row.try_get("granted_session")?,
            location: LocationId::new(row.try_get("location_id")?),
            sequence: row.try_get("sequence")?,
            manifest: ManifestId::new(row.try_get("manifest_id")?),
            plugin: row.try_get("plugin_name")?,
            content: row.try_get("content_hash")?,
            dedup: row.try_get("dedup")?,
            is_current_version: row.try_get("is_current")?,
            is_deleted: row.try_get("is_deleted")?,
            ended_at_us: row.try_get("ended_at_us")?,
            hashed_at_us: row.try_get("hashed_at_us")?,
        }))
    }

    pub(crate) async fn replaced_by(&mut self, job: &Job) -> Result<Vec<JobId>, CatalogError> {
        let mut replaced = BTreeSet::new();
        if !job.dedup {
            let query = sqlx::query(SAME_PATH).bind(job.location.get());
            let rows = query.bind(&job.plugin).bind(job.id.get()).fetch_all(&mut *self.tx).await?;
            for row in rows {
                replaced.insert(JobId::new(row.try_get(0)?));
            }
            return Ok(replaced.into_iter().collect());
        }
        let query = sqlx::query(SAME_CONTENT).bind(&job.content).bind(&job.plugin);
        let mut rows = query.bind(job.id.get()).fetch_all(&mut *self.tx).await?;
        if job.sequence > 1 {
            rows.extend(self.earlier_content(job).await?);
        }
        for row in rows {
            replaced.insert(JobId::new(row.try_get(0)?));
        }
        Ok(replaced.into_iter().collect())
    }

    async fn earlier_content(
        &mut self,
        job: &Job,
    ) -> Result<Vec<sqlx::sqlite::SqliteRow>, CatalogError> {
        let query = sqlx::query(EARLIER_CONTENT)
            .bind(&job.content)
            .bind(&job.plugin)
            .bind(job.id.get())
            .bind(job.location.get())
            .bind(job.sequence);
        Ok(query.fetch_all(&mut *self.tx).await?)
    }

    /// What the location held before leaves, though the job itself has nothing to publish: its content is in the topic already.
    pub(crate) async fn supersede_earlier(&mut self, job: &Job) -> Result<(), CatalogError> {
        if !job.dedup || job.sequence <= 1 {
            return Ok(());
        }
        let rows = self.earlier_content(job).await?;
        let ids = rows.iter().map(|row| Ok(JobId::new(row.try_get(0)?)));
        let ids = ids.collect::<Result<Vec<_>, CatalogError>>()?;
        self.supersede(&ids, job).await
    }

    /// Marks results as replaced; the artifacts of topics that keep all history stay current.
    pub(crate) async fn supersede(
        &mut self,
        replaced: &[JobId],
        by: &Job,
    ) -> Result<(), CatalogError> {
        if replaced.is_empty() {
            return Ok(());
        }
        let kept = self.topics_with(&by.plugin, |options| options.history_all).await?;
        let job = "UPDATE processing_job SET superseded_by = $2 WHERE id = $1";
        for old in replaced {
            sqlx::query(job).bind(old.get()).bind(by.id.get()).execute(&mut *self.tx).await?;
            self.leave(*old, |topic| !kept.contains(topic)).await?;
        }
        Ok(())
    }

    /// Current artifacts of a job become superseded, where the topic says so.
    pub(crate) async fn leave(
        &mut self,
        job: JobId,
        leaves: impl Fn(&str) -> bool,
    ) -> Result<(), CatalogError> {
        let current = "SELECT id, topic FROM artifact WHERE job_id = $1 AND state = 'CURRENT'";
        let update = "UPDATE artifact SET state = 'SUPERSEDED' WHERE id = $1";
        for row in sqlx::query(current).bind(job.get()).fetch_all(&mut *self.tx).await? {
            let (id, topic): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
            if leaves(&topic) {
                sqlx::query(update).bind(id).execute(&mut *self.tx).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn topics_with(
        &mut self,
        plugin: &str,
        holds: impl Fn(&protocol::TopicOptions) -> bool,
    ) -> Result<BTreeSet<String>, CatalogError> {
        let sql = "SELECT topic_name, options FROM topic_config WHERE plugin_name = $1";
        let mut topics = BTreeSet::new();
        for row in sqlx::query(sql).bind(plugin).fetch_all(&mut *self.tx).await? {
            let options: String = row.try_get(1)?;
            let options = serde_json::from_str(&options)
                .map_err(|error| CatalogError::corrupt(error.to_string()))?;
            if holds(&options) {
                topics.insert(row.try_get(0)?);
            }
        }
        Ok(topics)
    }

    /// A newer version took the job's place before it was published.
    pub(crate) async fn end_overtaken(
        &mut self,
        job: &Job,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        self.end(job.id, JobState::Superseded, now_us).await
    }

    /// The end of a job, and the release of those that wait for it.
    pub(crate) async fn end(
        &mut self,
        job: JobId,
        state: JobState,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let sql = "UPDATE processing_job SET state = $2, ended_at_us = $3, hold = NULL, held_by = NULL, not_before_us = NULL WHERE id = $1";
        let query = sqlx::query(sql).bind(job.get()).bind(state.as_str()).bind(now_us);
        query.execute(&mut *self.tx).await?;
        self.release_held_by(job).await
    }

    pub(crate) async fn release_held_by(&mut self, job: JobId) -> Result<(), CatalogError> {
        let sql = "UPDATE processing_job SET hold = 'admit', held_by = NULL WHERE held_by = $1 AND state = 'PENDING'";
        sqlx::query(sql).bind(job.get()).execute(&mut *self.tx).await?;
        Ok(())
    }
}
