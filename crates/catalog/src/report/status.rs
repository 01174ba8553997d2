//! The whole at a glance.

use crate::db::{Catalog, unsigned};
use crate::error::CatalogError;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

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

impl Catalog {
    pub async fn status(&self) -> Result<Status, CatalogError> {
        let sql =
            "SELECT count(*) AS files, coalesce(sum(deleted_at_us IS NOT NULL), 0) AS deleted,
                       coalesce(sum(dirty = 1 AND deleted_at_us IS NULL), 0) AS unhashed,
                       (SELECT count(*) FROM file_version) AS versions FROM file_location";
        let row = sqlx::query(sql).fetch_one(self.readers()).await?;
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
        let sql =
            "SELECT state, count(*) AS jobs FROM processing_job GROUP BY state ORDER BY state";
        let rows = sqlx::query(sql).fetch_all(self.readers()).await?;
        rows.iter().map(|row| Ok((row.try_get("state")?, unsigned(row, "jobs")?))).collect()
    }

    async fn workers(&self) -> Result<Vec<WorkerRow>, CatalogError> {
        let sql = "SELECT worker_id, host, pid, slots, state, started_at_us FROM worker_node WHERE state = 'ACTIVE' ORDER BY id LIMIT 1000";
        let rows = sqlx::query(sql).fetch_all(self.readers()).await?;
        let worker = |row: &SqliteRow| -> Result<WorkerRow, CatalogError> {
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
