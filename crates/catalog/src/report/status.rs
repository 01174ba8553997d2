//! The whole at a glance.

use crate::db::{self, Catalog, Row, unsigned};
use crate::error::CatalogError;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Live files, deleted ones aside.
    pub files: u64,
    pub files_deleted: u64,
    /// Files whose content was never hashed under their present stat.
    pub files_unhashed: u64,
    pub versions: u64,
    /// State and count, in the order of the states' life.
    pub jobs: Vec<(String, u64)>,
    pub workers: Vec<WorkerRow>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerRow {
    pub worker_id: String,
    pub host: String,
    pub pid: u32,
    pub slots: u32,
    pub state: String,
    pub started_at_us: i64,
}

/// Each part by an index that holds nothing else; a held job that ended an attempt has an end, too, and is not counted by it.
const JOBS_BY_STATE: &str = "SELECT state, count(*) AS jobs FROM processing_job WHERE ended_at_us IS NOT NULL AND state <> 'PENDING' GROUP BY state
    UNION ALL SELECT 'QUEUED', count(*) FROM processing_job WHERE state = 'QUEUED' AND losses = 0
    UNION ALL SELECT 'QUEUED', count(*) FROM processing_job WHERE state = 'QUEUED' AND losses > 0
    UNION ALL SELECT state, count(*) FROM processing_job WHERE session IS NOT NULL GROUP BY state
    UNION ALL SELECT 'PENDING', count(*) FROM processing_job WHERE hold IS NOT NULL AND held_by IS NULL
    UNION ALL SELECT 'PENDING', count(*) FROM processing_job WHERE held_by IS NOT NULL";

impl Catalog {
    pub async fn status(&self) -> Result<Status, CatalogError> {
        let sql = "SELECT count(*) AS files, count(deleted_at_us) AS deleted,
                       count(*) FILTER (WHERE dirty = 1 AND deleted_at_us IS NULL) AS unhashed,
                       (SELECT count(*) FROM file_version) AS versions FROM file_location";
        let row = db::query(sql).fetch_one(self.readers()).await?;
        let deleted = unsigned(&row, "deleted")?;
        Ok(Status {
            files: unsigned(&row, "files")? - deleted,
            files_deleted: deleted,
            files_unhashed: unsigned(&row, "unhashed")?,
            versions: unsigned(&row, "versions")?,
            jobs: self.job_counts().await?,
            workers: self.workers().await?,
        })
    }

    async fn job_counts(&self) -> Result<Vec<(String, u64)>, CatalogError> {
        let rows = db::query(JOBS_BY_STATE).fetch_all(self.readers()).await?;
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for row in rows {
            *counts.entry(row.try_get("state")?).or_default() += unsigned(&row, "jobs")?;
        }
        counts.retain(|_, jobs| *jobs > 0);
        Ok(counts.into_iter().collect())
    }

    async fn workers(&self) -> Result<Vec<WorkerRow>, CatalogError> {
        let sql = "SELECT worker_id, host, pid, slots, state, started_at_us FROM worker_node WHERE state = 'ACTIVE' ORDER BY id LIMIT 1000";
        let rows = db::query(sql).fetch_all(self.readers()).await?;
        let worker = |row: &Row| -> Result<WorkerRow, CatalogError> {
            Ok(WorkerRow {
                worker_id: row.try_get(0)?,
                host: row.try_get(1)?,
                pid: row.try_get(2)?,
                slots: row.try_get(3)?,
                state: row.try_get(4)?,
                started_at_us: row.try_get(5)?,
            })
        };
        rows.iter().map(worker).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::explain::slow_steps;

    #[tokio::test]
    async fn jobs_are_counted_by_index() {
        let slow = slow_steps(JOBS_BY_STATE).await;
        assert!(slow.iter().all(|step| step.contains("FOR GROUP BY")), "{slow:?}");
    }
}
