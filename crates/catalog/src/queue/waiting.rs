//! What there is to do and what is waited for, by cheap reads: for the Sentinel's next step, and for the end of a `run`.

use crate::db::Catalog;
use crate::error::CatalogError;
use sqlx::Row;

/// Counts of jobs by what they wait for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Could be claimed now.
    pub queued: u64,
    /// QUEUED, but their plugin is not ACTIVE.
    pub without_plugin: u64,
    pub running: u64,
    pub committing: u64,
    /// New ones that the Sentinel has to look at, or that wait for another job.
    pub held: u64,
    pub backing_off: u64,
    /// The bytes changed under the parser.
    pub changed: u64,
    /// Superseded files that still lie among the current ones.
    pub retirements: u64,
}

/// What the Sentinel may do now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Opportunities {
    pub queued: bool,
    pub suspects: bool,
    pub held: bool,
    pub retirements: bool,
    pub requests: bool,
}

impl Catalog {
    pub async fn opportunities(&self, now_us: i64) -> Result<Opportunities, CatalogError> {
        let sql = "SELECT
                EXISTS (SELECT 1 FROM processing_job j JOIN plugin_manifest m ON m.id = j.manifest_id AND m.status = 'ACTIVE'
                        WHERE j.state = 'QUEUED' AND j.losses = 0),
                EXISTS (SELECT 1 FROM processing_job j JOIN plugin_manifest m ON m.id = j.manifest_id AND m.status = 'ACTIVE'
                        WHERE j.state = 'QUEUED' AND j.losses > 0),
                EXISTS (SELECT 1 FROM processing_job j JOIN file_location l ON l.id = j.location_id
                        WHERE j.state = 'PENDING' AND j.held_by IS NULL AND (
                            (j.hold = 'backoff' AND j.not_before_us <= $1)
                            OR (j.hold = 'admit' AND (SELECT pass_open_until_us FROM catalog_meta) <= $1)
                            OR (j.hold = 'changed' AND (l.deleted_at_us IS NOT NULL OR l.hashed_at_us > j.ended_at_us)))),
                EXISTS (SELECT 1 FROM artifact WHERE state = 'SUPERSEDED' AND retired = 0),
                EXISTS (SELECT 1 FROM request WHERE state = 'NEW')";
        let row = sqlx::query(sql).bind(now_us).fetch_one(self.readers()).await?;
        Ok(Opportunities {
            queued: row.try_get(0)?,
            suspects: row.try_get(1)?,
            held: row.try_get(2)?,
            retirements: row.try_get(3)?,
            requests: row.try_get(4)?,
        })
    }

    pub async fn waiting(&self) -> Result<Waiting, CatalogError> {
        let sql = "SELECT
                coalesce(sum(j.state = 'QUEUED' AND m.status = 'ACTIVE'), 0),
                coalesce(sum(j.state = 'QUEUED' AND m.status <> 'ACTIVE'), 0),
                coalesce(sum(j.state = 'RUNNING'), 0),
                coalesce(sum(j.state = 'COMMITTING'), 0),
                coalesce(sum(j.state = 'PENDING' AND j.hold IN ('admit', 'older', 'copy')), 0),
                coalesce(sum(j.state = 'PENDING' AND j.hold = 'backoff'), 0),
                coalesce(sum(j.state = 'PENDING' AND j.hold = 'changed'), 0),
                (SELECT count(*) FROM artifact WHERE state = 'SUPERSEDED' AND retired = 0)
            FROM processing_job j JOIN plugin_manifest m ON m.id = j.manifest_id
            WHERE j.state IN ('PENDING', 'QUEUED', 'RUNNING', 'COMMITTING')";
        let row = sqlx::query(sql).fetch_one(self.readers()).await?;
        let count = |column: usize| -> Result<u64, CatalogError> {
            Ok(row.try_get::<i64, _>(column)?.cast_unsigned())
        };
        Ok(Waiting {
            queued: count(0)?,
            without_plugin: count(1)?,
            running: count(2)?,
            committing: count(3)?,
            held: count(4)?,
            backing_off: count(5)?,
            changed: count(6)?,
            retirements: count(7)?,
        })
    }
}
