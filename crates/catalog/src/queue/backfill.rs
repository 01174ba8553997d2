//! Files that were processed before, once more: what there is of each, and its job in the backfill lane.

use super::job::Job;
use crate::db::{self, Bulk, Catalog, ROWS_MAX, Row, parsed};
use crate::error::CatalogError;
use crate::job_state::{JobState, Lane, is_legal};
use crate::report::joined;
use crate::roles::SentinelTx;
use crate::tagging::SubscribedPlugin;
use protocol::{JobId, LocationId, ManifestId, VersionId};
use std::collections::{HashMap, HashSet};

/// What a live path holds, and the plugin's jobs for it, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackfillFile {
    pub location: LocationId,
    pub version: VersionId,
    pub root: Vec<u8>,
    pub path: Vec<u8>,
    /// Separated by commas.
    pub tags: String,
    pub detected_at_us: i64,
    pub jobs: Vec<BackfillJob>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackfillJob {
    pub id: JobId,
    /// Of the plugin's version in force.
    pub is_active: bool,
    pub state: JobState,
    /// Its rows are in the topics, or those of the same content from another path.
    pub is_done: bool,
    pub quarantined: bool,
}

/// The result of an older plugin version whose bytes lie at no live path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoneVersion {
    pub job: JobId,
    pub file: BackfillFile,
}

/// What a file of a backfill gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackfillStep {
    New(VersionId),
    /// Its job of the version in force is at its end, and its rows are not in the topics.
    Again(JobId),
}

/// Whose jobs they are to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    pub plugin: &'a str,
    pub manifest: i64,
    pub priority: i32,
}

/// What changed since it was hashed is left to the tagger.
const FILES: &str = "SELECT l.id, v.id, r.path, d.path, l.name, v.applied_tags, v.detected_at_us
    FROM file_location l CROSS JOIN file_version v CROSS JOIN directory d CROSS JOIN source_root r
    WHERE l.id > $1 AND l.deleted_at_us IS NULL AND l.dirty = 0
        AND v.id = l.current_version_id AND d.id = l.directory_id AND r.id = d.source_root_id
    ORDER BY l.id LIMIT $2";

const JOBS_OF: &str = "SELECT j.file_version_id, j.id, j.manifest_id, j.state, j.quarantined,
        CASE WHEN j.state = 'COMPLETED' AND j.has_content = 1 THEN 1
            WHEN EXISTS (SELECT 1 FROM processing_job k WHERE k.content_id = j.content_id AND k.plugin_name = j.plugin_name
                AND k.manifest_id = j.manifest_id AND k.state = 'COMPLETED' AND k.has_content = 1) THEN 2
            ELSE 0 END
    FROM processing_job j WHERE j.kind = 'process' AND j.plugin_name = ";

const GONE: &str = "SELECT l.id, v.id, r.path, d.path, l.name, v.applied_tags, v.detected_at_us, j.id, j.state, j.quarantined
    FROM processing_job j CROSS JOIN file_version v CROSS JOIN file_location l CROSS JOIN directory d CROSS JOIN source_root r
    WHERE j.id > $1 AND j.plugin_name = $2 AND j.kind = 'process' AND j.state = 'COMPLETED' AND j.has_content = 1 AND j.manifest_id <> $3
        AND v.id = j.file_version_id AND l.id = v.location_id AND d.id = l.directory_id AND r.id = d.source_root_id
        AND NOT EXISTS (SELECT 1 FROM file_version w CROSS JOIN file_location m
            WHERE w.content_id = j.content_id AND m.id = w.location_id AND m.current_version_id = w.id AND m.deleted_at_us IS NULL)
    ORDER BY j.id LIMIT $4";

/// Jobs whose file and plugin have another one on its way.
const BUSY: &str = "SELECT j.id FROM processing_job j JOIN processing_job k
        ON k.location_id = j.location_id AND k.plugin_name = j.plugin_name AND k.is_live = 1 AND k.id <> j.id
    WHERE j.id IN ";

/// Jobs whose content the same plugin version has done or has on its way, from another path.
const COPIED: &str = "SELECT j.id FROM processing_job j CROSS JOIN processing_job k
    WHERE k.content_id = j.content_id AND k.plugin_name = j.plugin_name AND k.manifest_id = j.manifest_id AND k.has_content = 1 AND k.id <> j.id
        AND j.id IN ";

const INSERT: &str = "INSERT INTO processing_job (id, kind, state, hold, file_version_id, location_id, manifest_id, plugin_name, content_id,
        lane, priority, created_at_us, is_live, has_content) ";

impl Catalog {
    /// A page of what live paths hold, whatever it is.
    pub async fn backfill_files(
        &self,
        plugin: &SubscribedPlugin,
        after: LocationId,
        limit: usize,
    ) -> Result<Vec<BackfillFile>, CatalogError> {
        let query = db::query(FILES).bind(after.get()).bind(limit as i64);
        let rows = query.fetch_all(self.readers()).await?;
        let mut files = rows.iter().map(file).collect::<Result<Vec<_>, _>>()?;
        let places: HashMap<VersionId, usize> =
            files.iter().enumerate().map(|(at, file)| (file.version, at)).collect();
        for chunk in rows.chunks(ROWS_MAX) {
            let versions = chunk.iter().map(|row| row.try_get::<i64, _>(1));
            let versions = versions.collect::<Result<Vec<_>, _>>()?;
            let query = Bulk::new(JOBS_OF).bind(plugin.name.as_str());
            let query = query.then_list(" AND j.file_version_id IN ", versions.into_iter());
            let query = query.then(" ORDER BY j.id");
            for row in query.fetch(&mut self.readers().acquire().await?).await? {
                let version = VersionId::new(row.try_get(0)?);
                let job = job(&row, plugin)?;
                if let Some(at) = places.get(&version) {
                    files[*at].jobs.push(job);
                }
            }
        }
        Ok(files)
    }

    /// A page of results that cannot be made anew.
    pub async fn gone_versions(
        &self,
        plugin: &str,
        active: ManifestId,
        after: Option<JobId>,
        limit: usize,
    ) -> Result<Vec<GoneVersion>, CatalogError> {
        let query = db::query(GONE).bind(after.map_or(0, JobId::get)).bind(plugin);
        let rows = query.bind(active.get()).bind(limit as i64).fetch_all(self.readers()).await?;
        let gone = |row: &Row| -> Result<GoneVersion, CatalogError> {
            let id = JobId::new(row.try_get(7)?);
            let state = parsed(row.try_get(8)?)?;
            let quarantined = row.try_get::<i64, _>(9)? > 0;
            let job = BackfillJob { id, is_active: false, state, is_done: true, quarantined };
            Ok(GoneVersion { job: id, file: BackfillFile { jobs: vec![job], ..file(row)? } })
        };
        rows.iter().map(gone).collect()
    }
}

impl SentinelTx {
    /// Jobs of the plugin's version in force, in the backfill lane. The admission looks at each before it is queued. Returns how many.
    pub async fn backfill(
        &mut self,
        plugin: &SubscribedPlugin,
        steps: &[BackfillStep],
        now_us: i64,
    ) -> Result<u64, CatalogError> {
        let (mut new, mut again) = (Vec::new(), Vec::new());
        for step in steps {
            match step {
                BackfillStep::New(version) => new.push(version.get()),
                BackfillStep::Again(job) => again.push(*job),
            }
        }
        let mut made = 0;
        let (name, manifest) = (plugin.name.as_str(), plugin.manifest.get());
        let target = Target { plugin: name, manifest, priority: plugin.priority };
        made += self.insert_backfill(target, &new, now_us).await?;
        for chunk in again.chunks(ROWS_MAX) {
            made += self.run_again(chunk, now_us).await?;
        }
        Ok(made)
    }

    pub(super) async fn insert_backfill(
        &mut self,
        target: Target<'_>,
        versions: &[i64],
        now_us: i64,
    ) -> Result<u64, CatalogError> {
        let mut made = 0;
        for chunk in versions.chunks(ROWS_MAX) {
            made += self.insert_chunk(target, chunk, now_us).await?;
        }
        Ok(made)
    }

    async fn insert_chunk(
        &mut self,
        target: Target<'_>,
        versions: &[i64],
        now_us: i64,
    ) -> Result<u64, CatalogError> {
        let select = "SELECT v.id, v.location_id, v.content_id FROM file_version v JOIN file_location l
            ON l.id = v.location_id AND l.current_version_id = v.id AND l.deleted_at_us IS NULL WHERE v.id IN ";
        let ids = self.catalog.ids().await?;
        let mut rows: Vec<(i64, i64, i64)> = Vec::with_capacity(versions.len());
        for row in Bulk::ids(select, versions).fetch(&mut self.tx).await? {
            rows.push((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
        }
        if rows.is_empty() {
            return Ok(0);
        }
        let insert = Bulk::rows(INSERT, &rows, |mut row, (version, location, content)| {
            row.push_bind(ids.next(now_us))
                .push("'process', 'PENDING', 'admit'")
                .push_bind(*version)
                .push_bind(*location)
                .push_bind(target.manifest)
                .push_bind(target.plugin)
                .push_bind(*content)
                .push_bind(Lane::Backfill.as_str())
                .push_bind(target.priority)
                .push_bind(now_us)
                .push("0, 0");
        });
        // Whoever made a job for it meanwhile was first.
        insert.then(" ON CONFLICT DO NOTHING").execute(&mut self.tx).await
    }

    async fn listed(
        &mut self,
        sql: &'static str,
        ids: &[JobId],
    ) -> Result<HashSet<JobId>, CatalogError> {
        let rows = Bulk::list(sql, ids.iter().map(|id| id.get())).fetch(&mut self.tx).await?;
        rows.iter().map(|row| Ok(JobId::new(row.try_get(0)?))).collect()
    }

    async fn run_again(&mut self, ids: &[JobId], now_us: i64) -> Result<u64, CatalogError> {
        let jobs = self.jobs(ids).await?;
        let busy = self.listed(BUSY, ids).await?;
        let copied = self.listed(COPIED, ids).await?;
        let may = |job: &&Job| {
            let may_move = is_legal(job.kind, job.state, JobState::Queued) && job.state.is_end();
            let is_answered = busy.contains(&job.id) || (job.dedup && copied.contains(&job.id));
            may_move && job.is_current_version && !job.is_deleted && !is_answered
        };
        // One of several copies brings the rows for all.
        let mut contents = HashSet::new();
        let mut is_first = |job: &&Job| !job.dedup || contents.insert(job.content);
        let jobs: Vec<&Job> = jobs.values().filter(may).filter(&mut is_first).collect();
        if jobs.is_empty() {
            return Ok(0);
        }
        let queued = self.queue_again(&jobs, now_us).await?;
        let clean = "UPDATE processing_job SET failures = 0, losses = 0, rows = 0, size_bytes = 0, superseded_by = NULL, retracted_by = NULL, lane = ";
        let clean = Bulk::new(clean).bind(Lane::Backfill.as_str());
        let ids = jobs.iter().map(|job| job.id.get());
        clean.then_list(" WHERE state = 'QUEUED' AND id IN ", ids).execute(&mut self.tx).await?;
        Ok(queued)
    }
}

fn file(row: &Row) -> Result<BackfillFile, CatalogError> {
    Ok(BackfillFile {
        location: LocationId::new(row.try_get(0)?),
        version: VersionId::new(row.try_get(1)?),
        root: row.try_get(2)?,
        path: joined(row.try_get(3)?, row.try_get(4)?),
        tags: row.try_get(5)?,
        detected_at_us: row.try_get(6)?,
        jobs: Vec::new(),
    })
}

fn job(row: &Row, plugin: &SubscribedPlugin) -> Result<BackfillJob, CatalogError> {
    let done: i64 = row.try_get(5)?;
    Ok(BackfillJob {
        id: JobId::new(row.try_get(1)?),
        is_active: row.try_get::<i64, _>(2)? == plugin.manifest.get(),
        state: parsed(row.try_get(3)?)?,
        quarantined: row.try_get::<i64, _>(4)? > 0,
        is_done: done == 1 || (done == 2 && plugin.dedup),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::explain::slow_steps;

    #[tokio::test]
    async fn a_page_is_read_by_index_however_much_there_is() {
        assert!(slow_steps(FILES).await.is_empty());
        assert!(slow_steps(GONE).await.is_empty());
        let jobs = format!("{JOBS_OF} $1 AND j.file_version_id IN (1, 2)");
        assert!(slow_steps(&jobs).await.is_empty());
        for sql in [BUSY, COPIED] {
            assert!(slow_steps(&format!("{sql} (1, 2)")).await.is_empty(), "{sql}");
        }
    }
}
