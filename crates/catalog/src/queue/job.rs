//! A job with what decides its moves.

use crate::db::{Bulk, ROWS_MAX, Row, parsed};
use crate::error::CatalogError;
use crate::job_state::{JobState, is_legal, kind_of};
use crate::roles::SentinelTx;
use protocol::{CommitId, JobId, JobKind, LocationId, ManifestId};
use std::collections::HashMap;

#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub id: JobId,
    pub kind: JobKind,
    pub state: JobState,
    pub attempt: u32,
    pub recovery: u32,
    pub session: Option<String>,
    pub granted_session: Option<String>,
    /// What it was granted with last.
    pub commit: Option<CommitId>,
    pub location: LocationId,
    pub manifest: ManifestId,
    /// The plugin's version in force; none when there is none.
    pub active_manifest: Option<ManifestId>,
    pub plugin: String,
    /// By its number in the registry.
    pub content: i64,
    pub dedup: bool,
    pub is_current_version: bool,
    pub is_deleted: bool,
    pub waits_for_tagger: bool,
}

const JOBS: &str = "SELECT j.id, j.kind, j.state, j.attempt, j.recovery, j.session, j.granted_session, j.location_id, j.manifest_id,
        c.active_manifest_id, j.plugin_name, j.content_id, coalesce(c.dedup, 1), coalesce(l.current_version_id = j.file_version_id, FALSE),
        l.deleted_at_us IS NOT NULL, coalesce(j.hold = 'changed', FALSE), j.commit_id
    FROM processing_job j
    JOIN file_location l ON l.id = j.location_id
    LEFT JOIN plugin_config c ON c.plugin_name = j.plugin_name
    WHERE j.id IN ";

impl Job {
    fn of(row: &Row) -> Result<Self, CatalogError> {
        let (kind, state): (&str, &str) = (row.try_get(1)?, row.try_get(2)?);
        Ok(Self {
            id: JobId::new(row.try_get(0)?),
            kind: kind_of(kind).map_err(CatalogError::corrupt)?,
            state: parsed(state)?,
            attempt: row.try_get(3)?,
            recovery: row.try_get(4)?,
            session: row.try_get(5)?,
            granted_session: row.try_get(6)?,
            location: LocationId::new(row.try_get(7)?),
            manifest: ManifestId::new(row.try_get(8)?),
            active_manifest: row.try_get::<Option<i64>, _>(9)?.map(ManifestId::new),
            plugin: row.try_get(10)?,
            content: row.try_get(11)?,
            dedup: row.try_get(12)?,
            is_current_version: row.try_get(13)?,
            is_deleted: row.try_get(14)?,
            waits_for_tagger: row.try_get(15)?,
            commit: row.try_get::<Option<i64>, _>(16)?.map(CommitId::new),
        })
    }

    pub(super) fn is_held_by(&self, session: &str, attempt: u32) -> bool {
        self.attempt == attempt && self.session.as_deref() == Some(session)
    }

    /// Every move asks here first.
    pub(super) fn check_move(&self, to: JobState) -> Result<(), CatalogError> {
        if is_legal(self.kind, self.state, to) {
            return Ok(());
        }
        let (from, to) = (self.state.to_string(), to.to_string());
        Err(CatalogError::IllegalMove { job: self.id.get(), from, to })
    }
}

impl SentinelTx {
    pub(crate) async fn job(&mut self, id: JobId) -> Result<Option<Job>, CatalogError> {
        Ok(self.jobs(&[id]).await?.remove(&id))
    }

    pub(super) async fn jobs(
        &mut self,
        ids: &[JobId],
    ) -> Result<HashMap<JobId, Job>, CatalogError> {
        let mut jobs = HashMap::with_capacity(ids.len());
        for chunk in ids.chunks(ROWS_MAX) {
            let query = Bulk::list(JOBS, chunk.iter().map(|id| id.get()));
            for row in query.fetch(&mut self.tx).await? {
                let job = Job::of(&row)?;
                jobs.insert(job.id, job);
            }
        }
        Ok(jobs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_illegal_move_is_refused_by_name() {
        let job = Job {
            id: JobId::new(7),
            kind: JobKind::Process,
            state: JobState::Committing,
            attempt: 1,
            recovery: 0,
            session: None,
            granted_session: None,
            commit: None,
            location: LocationId::new(1),
            manifest: ManifestId::new(1),
            active_manifest: None,
            plugin: String::new(),
            content: 1,
            dedup: true,
            is_current_version: true,
            is_deleted: false,
            waits_for_tagger: false,
        };
        assert!(job.check_move(JobState::Completed).is_ok());
        let error = job.check_move(JobState::Aborted).unwrap_err();
        assert_eq!(error.to_string(), "job 7 cannot go from COMMITTING to ABORTED");
    }
}
