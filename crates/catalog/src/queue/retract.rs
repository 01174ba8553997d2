//! Rows of deleted files leave the topics that say so, unless a live path still holds the content.

use super::job::Job;
use super::supersede::Reach;
use crate::db::{self, Bulk, Row};
use crate::error::CatalogError;
use crate::job_state::{Hold, JobState};
use crate::roles::SentinelTx;
use protocol::{JobId, JobKind};
use std::collections::HashMap;

/// Jobs of the same file and plugin that may still publish.
const IN_FLIGHT: &str = "SELECT r.id, min(j.id) FROM processing_job r JOIN file_version v ON v.location_id = r.location_id
    JOIN processing_job j ON j.file_version_id = v.id AND j.plugin_name = r.plugin_name AND j.kind = 'process'
    WHERE j.state IN ('RUNNING', 'COMMITTING') AND r.id IN ";

/// Those that have not started will not: their bytes are gone.
const NOT_STARTED: &str = "SELECT j.id FROM processing_job r JOIN file_version v ON v.location_id = r.location_id
    JOIN processing_job j ON j.file_version_id = v.id AND j.plugin_name = r.plugin_name AND j.kind = 'process'
    WHERE j.state IN ('PENDING', 'QUEUED') AND r.id IN ";

impl SentinelTx {
    pub(super) async fn carry_out_retracts(
        &mut self,
        retracts: &[&Job],
        now_us: i64,
    ) -> Result<(), CatalogError> {
        if retracts.is_empty() {
            return Ok(());
        }
        let (gone, back): (Vec<&Job>, Vec<&Job>) = retracts.iter().partition(|job| job.is_deleted);
        self.end_all(&back, JobState::Superseded, now_us).await?;
        let in_flight = self.in_flight_of(&gone).await?;
        let (waiting, now): (Vec<&Job>, Vec<&Job>) =
            gone.into_iter().partition(|job| in_flight.contains_key(&job.id));
        for job in waiting {
            let update = "UPDATE processing_job SET hold = $2, held_by = $3 WHERE id = $1";
            let query = db::query(update).bind(job.id.get()).bind(Hold::Older.as_str());
            query.bind(in_flight[&job.id].get()).execute(&mut *self.tx).await?;
        }
        self.end_not_started(&now, now_us).await?;
        let ids: Vec<JobId> = now.iter().map(|job| job.id).collect();
        for reach in [Reach::Whole, Reach::History] {
            let replaced = self.replaced_by(&ids, reach).await?;
            self.retract(&replaced).await?;
        }
        self.end_all(&now, JobState::Completed, now_us).await
    }

    async fn in_flight_of(
        &mut self,
        retracts: &[&Job],
    ) -> Result<HashMap<JobId, JobId>, CatalogError> {
        let ids: Vec<i64> = retracts.iter().map(|job| job.id.get()).collect();
        let rows = Bulk::ids(IN_FLIGHT, &ids).then(" GROUP BY r.id").fetch(&mut self.tx).await?;
        let pair = |row: &Row| Ok((JobId::new(row.try_get(0)?), JobId::new(row.try_get(1)?)));
        rows.iter().map(pair).collect()
    }

    async fn end_not_started(
        &mut self,
        retracts: &[&Job],
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let ids: Vec<i64> = retracts.iter().map(|job| job.id.get()).collect();
        let mut jobs = Vec::new();
        for row in Bulk::ids(NOT_STARTED, &ids).fetch(&mut self.tx).await? {
            jobs.push(JobId::new(row.try_get(0)?));
        }
        let jobs = self.jobs(&jobs).await?;
        let jobs: Vec<&Job> = jobs.values().filter(|job| job.kind == JobKind::Process).collect();
        self.end_all(&jobs, JobState::Superseded, now_us).await
    }
}
