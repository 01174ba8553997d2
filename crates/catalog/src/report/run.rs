//! What one run did: counts over what ended since it began.

use crate::db::{self, Catalog, unsigned};
use crate::error::CatalogError;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunTotals {
    pub jobs_completed: u64,
    pub jobs_failed: u64,
    pub jobs_skipped: u64,
    pub jobs_aborted: u64,
    pub rows: u64,
    pub rows_quarantined: u64,
    pub bytes_in: u64,
}

/// Each part by an index that holds nothing else.
const UNFINISHED: &str = "SELECT
    (SELECT count(*) FROM processing_job j CROSS JOIN plugin_manifest m
        WHERE j.is_live = 1 AND j.created_at_us <= $1 AND m.id = j.manifest_id AND NOT (j.state = 'QUEUED' AND m.status <> 'ACTIVE'))
    + (SELECT count(*) FROM processing_job WHERE hold IS NOT NULL AND held_by IS NULL AND created_at_us <= $1)
    + (SELECT count(*) FROM processing_job WHERE held_by IS NOT NULL AND created_at_us <= $1) AS jobs";

impl Catalog {
    pub async fn run_totals(&self, since_us: i64) -> Result<RunTotals, CatalogError> {
        let sql = "SELECT count(*) FILTER (WHERE state = 'COMPLETED') AS completed, count(*) FILTER (WHERE state = 'FAILED') AS failed,
                          count(*) FILTER (WHERE state = 'SKIPPED') AS skipped, count(*) FILTER (WHERE state = 'ABORTED') AS aborted,
                          CAST(coalesce(sum(CASE state WHEN 'COMPLETED' THEN rows ELSE 0 END), 0) AS BIGINT) AS rows,
                          CAST(coalesce(sum(CASE state WHEN 'COMPLETED' THEN quarantined ELSE 0 END), 0) AS BIGINT) AS quarantined,
                          CAST(coalesce(sum(CASE state WHEN 'COMPLETED' THEN bytes_in ELSE 0 END), 0) AS BIGINT) AS bytes_in
                   FROM processing_job WHERE ended_at_us >= $1 AND kind = 'process'";
        let row = db::query(sql).bind(since_us).fetch_one(self.readers()).await?;
        Ok(RunTotals {
            jobs_completed: unsigned(&row, "completed")?,
            jobs_failed: unsigned(&row, "failed")?,
            jobs_skipped: unsigned(&row, "skipped")?,
            jobs_aborted: unsigned(&row, "aborted")?,
            rows: unsigned(&row, "rows")?,
            rows_quarantined: unsigned(&row, "quarantined")?,
            bytes_in: unsigned(&row, "bytes_in")?,
        })
    }

    /// Jobs made until then that are not at their end and could come to it without a person.
    pub async fn unfinished_jobs(&self, created_until_us: i64) -> Result<u64, CatalogError> {
        let row = db::query(UNFINISHED).bind(created_until_us).fetch_one(self.readers()).await?;
        unsigned(&row, "jobs")
    }

    /// Files whose present content failed, and that nothing has dealt with since.
    pub async fn failed_files(&self) -> Result<u64, CatalogError> {
        let sql = "SELECT count(*) AS jobs FROM processing_job j
                   JOIN file_location l ON l.id = j.location_id AND l.current_version_id = j.file_version_id AND l.deleted_at_us IS NULL
                   WHERE j.state IN ('FAILED', 'ABORTED') AND j.state = 'FAILED' AND j.kind = 'process'
                     AND NOT EXISTS (SELECT 1 FROM processing_job k WHERE k.file_version_id = j.file_version_id AND k.plugin_name = j.plugin_name
                                     AND k.id <> j.id AND k.state NOT IN ('FAILED', 'ABORTED', 'SUPERSEDED'))";
        let row = db::query(sql).fetch_one(self.readers()).await?;
        unsigned(&row, "jobs")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::explain::slow_steps;

    #[tokio::test]
    async fn what_is_left_is_counted_by_index() {
        assert!(slow_steps(UNFINISHED).await.is_empty());
    }
}
