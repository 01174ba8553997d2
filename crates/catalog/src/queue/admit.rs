//! PENDING to what follows, when the reason to hold a job is gone.

use super::job::Job;
use super::supersede::Reach;
use crate::db::{self, Bulk, ROWS_MAX};
use crate::error::CatalogError;
use crate::job_state::{Hold, JobState};
use crate::roles::SentinelTx;
use protocol::{JobId, JobKind, LocationId, ManifestId};
use std::collections::{HashMap, HashSet};

/// Jobs in one transaction.
const ADMIT_MAX: i64 = 500;

const BACKOFF_DUE: &str = "SELECT id FROM processing_job WHERE held_by IS NULL AND hold = 'backoff'
    AND not_before_us <= $1 ORDER BY not_before_us LIMIT $2";

/// No back-off is so long: the clock was set back since. 80 s are more than the longest of the Sentinel's.
const BACKOFF_BEYOND: &str =
    "SELECT id FROM processing_job WHERE held_by IS NULL AND hold = 'backoff'
    AND not_before_us > $1 + 80000000 ORDER BY not_before_us LIMIT $2";

/// Looked at again by the tagger, or not to be looked at any more.
const CHANGED_DUE: &str = "SELECT j.id FROM processing_job j JOIN file_location l ON l.id = j.location_id
    WHERE j.held_by IS NULL AND j.hold = 'changed' AND $1 = $1
        AND (l.deleted_at_us IS NOT NULL OR l.current_version_id <> j.file_version_id OR l.hashed_at_us > j.ended_at_us)
    LIMIT $2";

const ADMIT_DUE: &str = "SELECT id FROM processing_job WHERE held_by IS NULL AND hold = 'admit' AND not_before_us IS NULL
    AND (SELECT pass_open_until_us FROM catalog_meta) <= $1 ORDER BY id LIMIT $2";

/// Jobs of the same file and plugin that are not at their end.
const SAME_FILE: &str = "SELECT j.id, other.id FROM processing_job j JOIN file_version v ON v.location_id = j.location_id
    JOIN processing_job other
        ON other.file_version_id = v.id AND other.plugin_name = j.plugin_name AND other.kind = 'process' AND other.id <> j.id
    WHERE other.state IN ('PENDING', 'QUEUED', 'RUNNING', 'COMMITTING') AND j.id IN ";

/// The same content by the plugin's version in force: in the topics ...
const DONE: &str = "SELECT DISTINCT j.id FROM processing_job j JOIN plugin_config c ON c.plugin_name = j.plugin_name AND c.dedup = 1
    CROSS JOIN processing_job k
    WHERE k.content_id = j.content_id AND k.plugin_name = j.plugin_name AND k.manifest_id = coalesce(c.active_manifest_id, j.manifest_id)
        AND k.has_content = 1 AND k.state = 'COMPLETED' AND k.retracted_by IS NULL AND j.id IN ";

/// ... or on its way.
const DOING: &str = "SELECT j.id, min(k.id) FROM processing_job j JOIN plugin_config c ON c.plugin_name = j.plugin_name AND c.dedup = 1
    CROSS JOIN processing_job k
    WHERE k.content_id = j.content_id AND k.plugin_name = j.plugin_name AND k.manifest_id = coalesce(c.active_manifest_id, j.manifest_id)
        AND k.has_content = 1 AND k.state <> 'COMPLETED' AND k.id <> j.id AND j.id IN ";

/// What stands in the way of the jobs of one round.
#[derive(Debug, Default)]
struct Obstacles {
    same_file: HashMap<JobId, Vec<Job>>,
    done: HashSet<JobId>,
    doing: HashMap<JobId, JobId>,
}

/// What becomes of the jobs of one round.
#[derive(Debug, Default)]
struct Round<'a> {
    queued: Vec<&'a Job>,
    superseded: Vec<&'a Job>,
    skipped: Vec<&'a Job>,
    held: Vec<(&'a Job, Hold, JobId)>,
    /// What was queued or ended in this round, so that those that come after see it.
    copies: HashMap<(i64, &'a str, ManifestId), JobId>,
    files: HashMap<(LocationId, &'a str), JobId>,
    ended: HashSet<JobId>,
}

impl SentinelTx {
    /// Looks at held jobs that may go on. Returns how many became QUEUED.
    pub async fn admit(&mut self, now_us: i64) -> Result<u64, CatalogError> {
        let mut due = Vec::new();
        for sql in [BACKOFF_DUE, BACKOFF_BEYOND, CHANGED_DUE, ADMIT_DUE] {
            let query = db::query(sql).bind(now_us).bind(ADMIT_MAX);
            for row in query.fetch_all(&mut *self.tx).await? {
                due.push(JobId::new(row.try_get(0)?));
            }
        }
        if due.is_empty() {
            return Ok(0);
        }
        due.truncate(ROWS_MAX);
        let jobs = self.jobs(&due).await?;
        let jobs = due.iter().filter_map(|id| jobs.get(id));
        let (retracts, jobs): (Vec<&Job>, Vec<&Job>) =
            jobs.partition(|job| job.kind == JobKind::Retract);
        let obstacles = self.obstacles(&due).await?;
        let mut round = Round::default();
        for job in jobs {
            round.place(job, &obstacles);
        }
        let queued = self.carry_out(&round, now_us).await?;
        self.carry_out_retracts(&retracts, now_us).await?;
        Ok(queued)
    }

    /// No wait ends later than `until_us`: the clock that set it was ahead of what the clock says now.
    pub async fn bound_waits(&mut self, until_us: i64) -> Result<(), CatalogError> {
        let backoff = "UPDATE processing_job SET not_before_us = $1 WHERE held_by IS NULL AND hold = 'backoff' AND not_before_us > $1";
        db::query(backoff).bind(until_us).execute(&mut *self.tx).await?;
        let pass = "UPDATE catalog_meta SET pass_open_until_us = $1 WHERE pass_open_until_us > $1";
        db::query(pass).bind(until_us).execute(&mut *self.tx).await?;
        Ok(())
    }

    async fn obstacles(&mut self, due: &[JobId]) -> Result<Obstacles, CatalogError> {
        let ids: Vec<i64> = due.iter().map(|id| id.get()).collect();
        let mut obstacles = Obstacles::default();
        let mut pairs = Vec::new();
        for row in Bulk::ids(SAME_FILE, &ids).fetch(&mut self.tx).await? {
            pairs.push((JobId::new(row.try_get(0)?), JobId::new(row.try_get(1)?)));
        }
        let others: Vec<JobId> = pairs.iter().map(|(_, other)| *other).collect();
        let others = self.jobs(&others).await?;
        for (job, other) in pairs {
            let other = others.get(&other).cloned();
            obstacles.same_file.entry(job).or_default().extend(other);
        }
        for row in Bulk::ids(DONE, &ids).fetch(&mut self.tx).await? {
            obstacles.done.insert(JobId::new(row.try_get(0)?));
        }
        for row in Bulk::ids(DOING, &ids).then(" GROUP BY j.id").fetch(&mut self.tx).await? {
            obstacles.doing.insert(JobId::new(row.try_get(0)?), JobId::new(row.try_get(1)?));
        }
        Ok(obstacles)
    }

    async fn carry_out(&mut self, round: &Round<'_>, now_us: i64) -> Result<u64, CatalogError> {
        // First, so that what ends in this very round releases what waits for it.
        self.hold_all(&round.held).await?;
        self.end_all(&round.superseded, JobState::Superseded, now_us).await?;
        self.end_all(&round.skipped, JobState::Skipped, now_us).await?;
        let skipped: Vec<JobId> = round.skipped.iter().map(|job| job.id).collect();
        let replaced = self.replaced_by(&skipped, Reach::EarlierContent).await?;
        self.supersede(&replaced).await?;
        self.queue_again(&round.queued, now_us).await
    }

    async fn hold_all(&mut self, held: &[(&Job, Hold, JobId)]) -> Result<(), CatalogError> {
        if held.is_empty() {
            return Ok(());
        }
        let update = "UPDATE processing_job SET hold = v.column2, held_by = v.column3, not_before_us = NULL, has_content = 0 FROM (";
        let update = Bulk::rows(update, held, |mut row, (job, hold, by)| {
            row.push_bind(job.id.get()).push_bind(hold.as_str()).push_bind(by.get());
        });
        let update = update.then(") AS v WHERE processing_job.id = v.column1");
        update.execute(&mut self.tx).await?;
        Ok(())
    }
}

impl<'a> Round<'a> {
    fn place(&mut self, job: &'a Job, obstacles: &'a Obstacles) {
        if !self.ended.insert(job.id) {
            return;
        }
        if !job.is_current_version || (job.is_deleted && job.waits_for_tagger) {
            self.superseded.push(job);
            return;
        }
        if let Some(older) = self.clear_way(job, obstacles) {
            self.held.push((job, Hold::Older, older));
            return;
        }
        let manifest = job.active_manifest.unwrap_or(job.manifest);
        let copy = (job.content, job.plugin.as_str(), manifest);
        if job.dedup && obstacles.done.contains(&job.id) {
            self.skipped.push(job);
        } else if job.dedup
            && let Some(first) = self.first_copy(job, copy, obstacles)
        {
            self.held.push((job, Hold::Copy, first));
        } else {
            self.copies.entry(copy).or_insert(job.id);
            self.files.insert((job.location, job.plugin.as_str()), job.id);
            self.queued.push(job);
        }
    }

    /// Older versions that have not started end; one that is in flight is waited for.
    fn clear_way(&mut self, job: &Job, obstacles: &'a Obstacles) -> Option<JobId> {
        let others = obstacles.same_file.get(&job.id).into_iter().flatten();
        let mut in_flight = self.files.get(&(job.location, job.plugin.as_str())).copied();
        for other in others {
            match other.state {
                JobState::Pending | JobState::Queued => {
                    if self.ended.insert(other.id) {
                        self.superseded.push(other);
                    }
                }
                _ => in_flight = Some(other.id),
            }
        }
        in_flight
    }

    fn first_copy(
        &self,
        job: &Job,
        copy: (i64, &'a str, ManifestId),
        obstacles: &Obstacles,
    ) -> Option<JobId> {
        let doing = obstacles.doing.get(&job.id).copied();
        let doing = doing.filter(|first| !self.superseded.iter().any(|job| job.id == *first));
        doing.or_else(|| self.copies.get(&copy).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::explain::slow_steps;

    #[tokio::test]
    async fn what_is_due_is_read_by_index_however_much_waits() {
        for sql in [BACKOFF_DUE, BACKOFF_BEYOND, CHANGED_DUE] {
            assert!(slow_steps(sql).await.is_empty(), "{sql}");
        }
        assert_eq!(slow_steps(ADMIT_DUE).await, ["SCAN catalog_meta"]);
        for sql in [SAME_FILE, DONE, DOING] {
            let slow = slow_steps(&format!("{sql} (1, 2)")).await;
            assert!(slow.iter().all(|step| step.contains("FOR DISTINCT")), "{slow:?}");
        }
    }
}
