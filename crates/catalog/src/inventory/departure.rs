//! Locations that leave the inventory.

use crate::db::{self, Bulk, ROWS_MAX, Row};
use crate::error::CatalogError;
use crate::roles::ScoutTx;
use protocol::LocationId;

/// Whatever became of a file's jobs: what may come of one that still runs has to leave, too.
const TO_RETRACT: &str = "SELECT l.id, v.id, coalesce(c.active_manifest_id, max(j.manifest_id)), j.plugin_name, v.content_id
    FROM file_location l
    JOIN file_version v ON v.id = l.current_version_id
    JOIN file_version past ON past.location_id = l.id
    JOIN processing_job j ON j.file_version_id = past.id AND j.kind = 'process'
    JOIN plugin_config c ON c.plugin_name = j.plugin_name AND c.retract = 1
    WHERE l.deleted_at_us IS NULL AND l.id IN ";

const BY_PLUGIN: &str = " GROUP BY l.id, v.id, c.active_manifest_id, j.plugin_name, v.content_id";

/// The job of an earlier deletion serves again.
const AGAIN: &str = " ON CONFLICT (file_version_id, manifest_id, kind) DO UPDATE SET state = 'PENDING', hold = 'admit', ended_at_us = NULL
    WHERE processing_job.state IN ('COMPLETED', 'SUPERSEDED')";

impl ScoutTx {
    /// The files are gone. Where their plugin retracts deleted files, that is queued in the same transaction.
    pub async fn mark_deleted(
        &mut self,
        locations: &[LocationId],
        now_us: i64,
    ) -> Result<(), CatalogError> {
        for chunk in locations.chunks(ROWS_MAX) {
            self.queue_retractions(chunk, now_us).await?;
            self.mark_gone(chunk, now_us).await?;
        }
        Ok(())
    }

    /// The files are there, but are to be ignored: they leave the inventory, and their rows stay where they are.
    pub async fn mark_ignored(
        &mut self,
        locations: &[LocationId],
        now_us: i64,
    ) -> Result<(), CatalogError> {
        for chunk in locations.chunks(ROWS_MAX) {
            self.mark_gone(chunk, now_us).await?;
        }
        Ok(())
    }

    async fn mark_gone(
        &mut self,
        locations: &[LocationId],
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let update = Bulk::new("UPDATE file_location SET deleted_at_us = ").bind(now_us);
        let locations = locations.iter().map(|location| location.get());
        let update = update.then_list(" WHERE deleted_at_us IS NULL AND id IN ", locations);
        update.execute(&mut self.tx).await?;
        Ok(())
    }

    async fn queue_retractions(
        &mut self,
        locations: &[LocationId],
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let retracting = "SELECT EXISTS (SELECT 1 FROM plugin_config WHERE retract = 1)";
        if !db::query(retracting).fetch_one(&mut *self.tx).await?.try_get::<bool, _>(0)? {
            return Ok(());
        }
        let locations = locations.iter().map(|location| location.get());
        let rows = Bulk::list(TO_RETRACT, locations).then(BY_PLUGIN).fetch(&mut self.tx).await?;
        let retractions = rows.iter().map(Retraction::of).collect::<Result<Vec<_>, _>>()?;
        let ids = self.catalog.ids().await?;
        for chunk in retractions.chunks(ROWS_MAX) {
            let insert = "INSERT INTO processing_job (id, kind, state, hold, location_id, file_version_id, manifest_id, plugin_name,
                              content_id, priority, is_live, has_content, created_at_us) ";
            let insert = Bulk::rows(insert, chunk, |mut row, one| {
                row.push_bind(ids.next(now_us))
                    .push("'retract', 'PENDING', 'admit'")
                    .push_bind(one.location)
                    .push_bind(one.version)
                    .push_bind(one.manifest)
                    .push_bind(one.plugin.as_str())
                    .push_bind(one.content)
                    .push("0, 0, 0")
                    .push_bind(now_us);
            });
            insert.then(AGAIN).execute(&mut self.tx).await?;
        }
        self.tx.wake().await
    }
}

struct Retraction {
    location: i64,
    version: i64,
    manifest: i64,
    plugin: String,
    content: i64,
}

impl Retraction {
    fn of(row: &Row) -> Result<Self, CatalogError> {
        Ok(Self {
            location: row.try_get(0)?,
            version: row.try_get(1)?,
            manifest: row.try_get(2)?,
            plugin: row.try_get(3)?,
            content: row.try_get(4)?,
        })
    }
}
