//! What there is to do and what is waited for, by cheap reads: for the Sentinel's next step, and for the end of a `run`.

use crate::db::{self, Catalog};
use crate::error::CatalogError;

/// Counts of jobs by what they wait for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Could be claimed now.
    pub queued: u64,
    /// Those of them that are in the backfill lane.
    pub queued_backfill: u64,
    /// QUEUED, but their plugin is not ACTIVE.
    pub without_plugin: u64,
    pub running: u64,
    pub committing: u64,
    /// New ones that the Sentinel has to look at, or that wait for another job.
    pub held: u64,
    pub backing_off: u64,
    /// The bytes changed under the parser.
    pub changed: u64,
    /// Files that nobody needs and that still lie among the current ones.
    pub retirements: u64,
    /// Files with rows that nobody needs, to be written anew; places with many small files; and files that are becoming one.
    pub compactions: u64,
    /// Files with rows that nobody needs, which could not be written anew: the next Sentinel tries it again, or this one later.
    pub compactions_put_off: u64,
}

/// What the Sentinel may do now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Opportunities {
    pub fresh: bool,
    pub backfill: bool,
    pub suspects: bool,
    pub held: bool,
    pub retirements: bool,
    /// Files with rows that nobody needs any more.
    pub compactions: bool,
    pub requests: bool,
}

const OPPORTUNITIES: &str = "SELECT
    EXISTS (SELECT 1 FROM plugin_config c CROSS JOIN processing_job j
            WHERE j.manifest_id = c.active_manifest_id AND j.lane = 'fresh' AND j.state = 'QUEUED' AND j.losses = 0),
    EXISTS (SELECT 1 FROM plugin_config c CROSS JOIN processing_job j
            WHERE j.manifest_id = c.active_manifest_id AND j.lane = 'backfill' AND j.state = 'QUEUED' AND j.losses = 0),
    EXISTS (SELECT 1 FROM processing_job j JOIN plugin_config c ON c.active_manifest_id = j.manifest_id
            WHERE j.state = 'QUEUED' AND j.losses > 0),
    EXISTS (SELECT 1 FROM processing_job WHERE held_by IS NULL AND hold = 'backoff' AND not_before_us <= $1)
        OR EXISTS (SELECT 1 FROM processing_job WHERE held_by IS NULL AND hold = 'backoff' AND not_before_us > $1 + 80000000)
        OR ((SELECT pass_open_until_us FROM catalog_meta) <= $1
            AND EXISTS (SELECT 1 FROM processing_job WHERE held_by IS NULL AND hold = 'admit' AND not_before_us IS NULL))
        OR EXISTS (SELECT 1 FROM processing_job j CROSS JOIN file_location l
            WHERE j.held_by IS NULL AND j.hold = 'changed' AND l.id = j.location_id
                AND (l.deleted_at_us IS NOT NULL OR l.current_version_id <> j.file_version_id OR l.hashed_at_us > j.ended_at_us)),
    EXISTS (SELECT 1 FROM output_file WHERE artifacts = 0 AND retired = 0),
    EXISTS (SELECT 1 FROM output_file WHERE artifacts > 0 AND needed_rows < rows AND compact_after_us <= $1),
    EXISTS (SELECT 1 FROM request WHERE state = 'NEW')";

/// What waits, each by an index that holds nothing else.
const WAITING: &str = "SELECT j.lane, count(*) FROM plugin_config c CROSS JOIN processing_job j
        WHERE j.manifest_id = c.active_manifest_id AND j.lane IN ('fresh', 'backfill') AND j.state = 'QUEUED' AND j.losses = 0
        GROUP BY j.lane
    UNION ALL SELECT 'fresh', count(*) FROM processing_job j JOIN plugin_config c ON c.active_manifest_id = j.manifest_id
        WHERE j.state = 'QUEUED' AND j.losses > 0
    UNION ALL SELECT 'queued', count(*) FROM processing_job WHERE state = 'QUEUED' AND losses = 0
    UNION ALL SELECT 'queued', count(*) FROM processing_job WHERE state = 'QUEUED' AND losses > 0
    UNION ALL SELECT state, count(*) FROM processing_job WHERE session IS NOT NULL GROUP BY state
    UNION ALL SELECT hold, count(*) FROM processing_job WHERE hold IS NOT NULL AND held_by IS NULL GROUP BY hold
    UNION ALL SELECT 'held', count(*) FROM processing_job WHERE held_by IS NOT NULL
    UNION ALL SELECT 'retire', count(*) FROM output_file WHERE artifacts = 0 AND retired = 0
    UNION ALL SELECT 'compact', count(*) FROM output_file WHERE artifacts > 0 AND needed_rows < rows AND compact_after_us = 0
    UNION ALL SELECT 'put off', count(*) FROM output_file WHERE artifacts > 0 AND needed_rows < rows AND compact_after_us > 0
    UNION ALL SELECT 'compact', count(*) FROM compaction";

impl Catalog {
    pub async fn opportunities(&self, now_us: i64) -> Result<Opportunities, CatalogError> {
        let row = db::query(OPPORTUNITIES).bind(now_us).fetch_one(self.readers()).await?;
        Ok(Opportunities {
            fresh: row.try_get(0)?,
            backfill: row.try_get(1)?,
            suspects: row.try_get(2)?,
            held: row.try_get(3)?,
            retirements: row.try_get(4)?,
            compactions: row.try_get(5)?,
            requests: row.try_get(6)?,
        })
    }

    pub async fn waiting(&self) -> Result<Waiting, CatalogError> {
        let mut waiting = Waiting::default();
        let mut queued = 0;
        for row in db::query(WAITING).fetch_all(self.readers()).await? {
            let count = row.try_get::<i64, _>(1)?.cast_unsigned();
            let place = match row.try_get(0)? {
                "fresh" => &mut waiting.queued,
                "backfill" => &mut waiting.queued_backfill,
                "queued" => &mut queued,
                "RUNNING" => &mut waiting.running,
                "COMMITTING" => &mut waiting.committing,
                "backoff" => &mut waiting.backing_off,
                "changed" => &mut waiting.changed,
                "retire" => &mut waiting.retirements,
                "compact" => &mut waiting.compactions,
                "put off" => &mut waiting.compactions_put_off,
                _ => &mut waiting.held,
            };
            *place += count;
        }
        waiting.compactions += self.small_files_pending().await?;
        waiting.queued += waiting.queued_backfill;
        waiting.without_plugin = queued - waiting.queued;
        Ok(waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::explain::slow_steps;

    #[tokio::test]
    async fn a_look_reads_no_table_from_its_beginning() {
        let slow = slow_steps(OPPORTUNITIES).await;
        let small = ["SCAN c", "SCAN catalog_meta"];
        assert!(slow.iter().all(|step| small.contains(&step.as_str())), "{slow:?}");
    }
}
