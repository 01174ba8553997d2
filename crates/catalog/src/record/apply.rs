//! A plan, written in a few statements.

use super::plan::{HashedLocation, NewContent, NewJob, NewVersion, Plan};
use crate::db::{Bulk, ROWS_MAX};
use crate::error::CatalogError;
use crate::job_state::{Hold, JobState};
use crate::roles::ScoutTx;
use protocol::LocationId;

impl ScoutTx {
    pub(super) async fn apply(
        &mut self,
        plan: &Plan,
        epoch: i64,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        self.insert_contents(&plan.contents, now_us).await?;
        self.insert_versions(&plan.versions, now_us).await?;
        self.set_hashed(&plan.hashed, epoch, now_us).await?;
        self.forget_digests(&plan.hashed).await?;
        self.set_routed(&plan.routed, epoch).await?;
        let tags = "UPDATE file_version SET applied_tags = v.column2 FROM (";
        if !plan.tags.is_empty() {
            let tags = Bulk::rows(tags, &plan.tags, |mut row, (version, tags)| {
                row.push_bind(version.get()).push_bind(tags.as_str());
            });
            tags.then(") AS v WHERE file_version.id = v.column1").execute(&mut self.tx).await?;
        }
        for chunk in plan.jobs.chunks(ROWS_MAX) {
            self.insert_jobs(chunk, now_us).await?;
        }
        Ok(())
    }

    async fn insert_contents(
        &mut self,
        contents: &[NewContent],
        now_us: i64,
    ) -> Result<(), CatalogError> {
        if contents.is_empty() {
            return Ok(());
        }
        let insert = "INSERT INTO file_hash_registry (id, content_hash, size, first_seen_us) ";
        let insert = Bulk::rows(insert, contents, |mut row, new| {
            row.push_bind(new.id)
                .push_bind(new.hash.as_bytes().as_slice())
                .push_bind(new.size.cast_signed())
                .push_bind(now_us);
        });
        insert.execute(&mut self.tx).await?;
        Ok(())
    }

    async fn insert_versions(
        &mut self,
        versions: &[NewVersion],
        now_us: i64,
    ) -> Result<(), CatalogError> {
        if versions.is_empty() {
            return Ok(());
        }
        let insert = "INSERT INTO file_version (id, location_id, sequence, content_id, size, mtime_ns, detected_at_us, applied_tags) ";
        let insert = Bulk::rows(insert, versions, |mut row, new| {
            row.push_bind(new.version.id.get())
                .push_bind(new.location.get())
                .push_bind(new.version.sequence.cast_signed())
                .push_bind(new.content)
                .push_bind(new.stat.size.cast_signed())
                .push_bind(new.stat.mtime_ns)
                .push_bind(now_us)
                .push_bind(new.version.tags.as_str());
        });
        insert.execute(&mut self.tx).await?;
        Ok(())
    }

    async fn set_hashed(
        &mut self,
        hashed: &[HashedLocation],
        epoch: i64,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        if hashed.is_empty() {
            return Ok(());
        }
        let update = "UPDATE file_location SET inode = v.column2, size = v.column3, mtime_ns = v.column4, ctime_ns = v.column5,
                          racy = v.column6, current_version_id = v.column7, dirty = 0, hashed_at_us = ";
        let update = Bulk::new(update).bind(now_us).then(", routed_epoch = ").bind(epoch);
        let update = update.then(" FROM (").then_rows(hashed, |mut row, one| {
            row.push_bind(one.location.get())
                .push_bind(one.stat.inode.cast_signed())
                .push_bind(one.stat.size.cast_signed())
                .push_bind(one.stat.mtime_ns)
                .push_bind(one.stat.ctime_ns)
                .push_bind(one.racy)
                .push_bind(one.version.get());
        });
        update.then(") AS v WHERE file_location.id = v.column1").execute(&mut self.tx).await?;
        Ok(())
    }

    /// The digest of a directory is not of what is stored now: the next inventory compares its entries.
    async fn forget_digests(&mut self, hashed: &[HashedLocation]) -> Result<(), CatalogError> {
        let moved = hashed.iter().filter(|one| one.has_moved).map(|one| one.location.get());
        let moved: Vec<i64> = moved.collect();
        if !moved.is_empty() {
            let sql = "UPDATE directory SET digest = NULL WHERE id IN (SELECT directory_id FROM file_location WHERE id IN ";
            Bulk::ids(sql, &moved).then(")").execute(&mut self.tx).await?;
        }
        Ok(())
    }

    async fn set_routed(&mut self, routed: &[LocationId], epoch: i64) -> Result<(), CatalogError> {
        if routed.is_empty() {
            return Ok(());
        }
        let update = Bulk::new("UPDATE file_location SET routed_epoch = ").bind(epoch);
        let routed = routed.iter().map(|location| location.get());
        update.then_list(" WHERE id IN ", routed).execute(&mut self.tx).await?;
        Ok(())
    }

    async fn insert_jobs(&mut self, jobs: &[NewJob], now_us: i64) -> Result<(), CatalogError> {
        let insert = "INSERT INTO processing_job (id, kind, state, hold, file_version_id, location_id, manifest_id, plugin_name, content_id,
                          priority, created_at_us, ended_at_us, is_live, has_content) ";
        let insert = Bulk::rows(insert, jobs, |mut row, job| {
            row.push_bind(job.id)
                .push("'process'")
                .push_bind(job.state.as_str())
                .push_bind(job.hold.map(Hold::as_str))
                .push_bind(job.version.get())
                .push_bind(job.location.get())
                .push_bind(job.manifest.get())
                .push_bind(job.plugin.as_str())
                .push_bind(job.content)
                .push_bind(job.priority)
                .push_bind(now_us)
                .push_bind((job.state == JobState::Skipped).then_some(now_us))
                .push_bind(job.state == JobState::Queued)
                .push_bind(job.state == JobState::Queued);
        });
        insert.execute(&mut self.tx).await?;
        Ok(())
    }
}
