//! A new version of a plugin gets the files that have rows in quarantine, whole, in the backfill lane.

use super::backfill::Target;
use crate::db;
use crate::error::CatalogError;
use crate::roles::SentinelTx;

/// What live paths hold of the contents that have rows in quarantine of other versions of the plugin.
const QUARANTINED: &str = "SELECT DISTINCT w.id FROM artifact a CROSS JOIN processing_job j CROSS JOIN file_version w CROSS JOIN file_location l
    WHERE a.in_quarantine = 1 AND a.state = 'CURRENT' AND j.id = a.job_id AND j.plugin_name = $1 AND j.manifest_id <> $2
        AND w.content_id = j.content_id AND l.id = w.location_id AND l.current_version_id = w.id AND l.deleted_at_us IS NULL";

impl SentinelTx {
    pub(crate) async fn heal(
        &mut self,
        target: Target<'_>,
        now_us: i64,
    ) -> Result<u64, CatalogError> {
        let query = db::query(QUARANTINED).bind(target.plugin).bind(target.manifest);
        let rows = query.fetch_all(&mut *self.tx).await?;
        let versions = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
        self.insert_backfill(target, &versions, now_us).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::explain::slow_steps;

    #[tokio::test]
    async fn what_is_in_quarantine_is_found_by_index() {
        let slow = slow_steps(QUARANTINED).await;
        assert!(
            slow.iter()
                .all(|step| step.contains("artifact_quarantine") || step.starts_with("USE TEMP")),
            "{slow:?}"
        );
    }
}
