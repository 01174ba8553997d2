//! What one run did: counts over what ended since it began.

use super::jobs::unsigned;
use crate::db::Catalog;
use crate::error::CatalogError;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunTotals {
    pub jobs_completed: u64,
    pub jobs_failed: u64,
    pub jobs_skipped: u64,
    pub rows: u64,
    pub rows_quarantined: u64,
    pub bytes_in: u64,
}

impl Catalog {
    pub async fn run_totals(&self, since_us: i64) -> Result<RunTotals, CatalogError> {
        let sql = "SELECT coalesce(sum(state = 'COMPLETED'), 0) AS completed, coalesce(sum(state = 'FAILED'), 0) AS failed,
                          coalesce(sum(state = 'SKIPPED'), 0) AS skipped,
                          coalesce(sum(CASE state WHEN 'COMPLETED' THEN rows ELSE 0 END), 0) AS rows,
                          coalesce(sum(CASE state WHEN 'COMPLETED' THEN quarantined ELSE 0 END), 0) AS quarantined,
                          coalesce(sum(CASE state WHEN 'COMPLETED' THEN bytes_in ELSE 0 END), 0) AS bytes_in
                   FROM processing_job WHERE ended_at_us >= $1 AND kind = 'process'";
        let row = sqlx::query(sql).bind(since_us).fetch_one(self.readers()).await?;
        Ok(RunTotals {
            jobs_completed: unsigned(&row, "completed")?,
            jobs_failed: unsigned(&row, "failed")?,
            jobs_skipped: unsigned(&row, "skipped")?,
            rows: unsigned(&row, "rows")?,
            rows_quarantined: unsigned(&row, "quarantined")?,
            bytes_in: unsigned(&row, "bytes_in")?,
        })
    }
}
