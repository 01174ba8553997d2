//! What a job's result replaces. One rule, for the grant (as a preview), the receipt, the admission and the retraction.

use crate::db::{self, Bulk, ROWS_MAX, Row, from_json};
use crate::error::CatalogError;
use crate::roles::SentinelTx;
use protocol::{JobId, TopicOptions};
use std::collections::HashSet;

/// One job's result takes the place of another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Replacement {
    pub by: JobId,
    pub old: JobId,
}

/// How far a job's result reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Whole,
    /// Its own content is in the topic already, and stays.
    EarlierContent,
    /// What was replaced before, and stayed all the same.
    History,
}

const BY: &str = "WITH by_job AS (SELECT j.id, j.kind, j.content_id, j.plugin_name, j.location_id, v.sequence, coalesce(c.dedup, 1) AS dedup
        FROM processing_job j JOIN file_version v ON v.id = j.file_version_id LEFT JOIN plugin_config c ON c.plugin_name = j.plugin_name
        WHERE j.id IN ";

/// What a location held before, unless another live path still holds it. That is settled by the first result of each version: what was
/// left then for another path's sake is that path's, so a later version or another source of the plugin does not come back to it.
const EARLIER_CONTENT: &str = ") SELECT b.id, old.id FROM by_job b CROSS JOIN file_version past CROSS JOIN processing_job old
    WHERE b.dedup = 1 AND past.location_id = b.location_id AND past.sequence < b.sequence AND past.content_id <> b.content_id
        AND old.content_id = past.content_id AND old.plugin_name = b.plugin_name AND old.kind = 'process'
        AND old.has_content = 1 AND old.state = 'COMPLETED' AND old.id <> b.id
        AND NOT EXISTS (SELECT 1 FROM file_version since
            JOIN processing_job done ON done.file_version_id = since.id AND done.plugin_name = b.plugin_name AND done.kind = 'process'
            WHERE since.location_id = b.location_id AND since.sequence > past.sequence AND since.sequence <= b.sequence
                AND done.state IN ('COMPLETED', 'SKIPPED') AND done.id <> b.id)
        AND NOT EXISTS (SELECT 1 FROM file_version v
            JOIN file_location l ON l.id = v.location_id AND l.current_version_id = v.id AND l.deleted_at_us IS NULL AND l.id <> b.location_id
            JOIN processing_job k ON k.file_version_id = v.id AND k.plugin_name = b.plugin_name AND k.kind = 'process'
            WHERE v.content_id = old.content_id)";

/// The same content, from whatever path. A retraction leaves it where another live path holds it.
const SAME_CONTENT: &str = " UNION SELECT b.id, old.id FROM by_job b CROSS JOIN processing_job old
    WHERE b.dedup = 1 AND old.content_id = b.content_id AND old.plugin_name = b.plugin_name AND old.kind = 'process'
        AND old.has_content = 1 AND old.state = 'COMPLETED' AND old.id <> b.id
        AND (b.kind <> 'retract' OR NOT EXISTS (SELECT 1 FROM file_version v
            JOIN file_location l ON l.id = v.location_id AND l.current_version_id = v.id AND l.deleted_at_us IS NULL AND l.id <> b.location_id
            JOIN processing_job k ON k.file_version_id = v.id AND k.plugin_name = b.plugin_name AND k.kind = 'process'
            WHERE v.content_id = old.content_id))";

/// With dedup off a result belongs to its path alone.
const SAME_PATH: &str = " UNION SELECT b.id, old.id FROM by_job b CROSS JOIN file_version past CROSS JOIN processing_job old
    WHERE b.dedup = 0 AND past.location_id = b.location_id AND old.file_version_id = past.id AND old.plugin_name = b.plugin_name
        AND old.has_content = 1 AND old.state = 'COMPLETED' AND old.id <> b.id";

/// What the location's earlier versions left in topics that keep all history, unless another live path holds it.
const HISTORY: &str = ") SELECT b.id, old.id FROM by_job b CROSS JOIN file_version past CROSS JOIN processing_job old
    WHERE past.location_id = b.location_id AND old.file_version_id = past.id AND old.plugin_name = b.plugin_name AND old.kind = 'process'
        AND old.state = 'COMPLETED' AND old.superseded_by IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM file_version v
            JOIN file_location l ON l.id = v.location_id AND l.current_version_id = v.id AND l.deleted_at_us IS NULL AND l.id <> b.location_id
            JOIN processing_job k ON k.file_version_id = v.id AND k.plugin_name = b.plugin_name AND k.kind = 'process'
            WHERE b.dedup = 1 AND v.content_id = old.content_id)";

impl SentinelTx {
    pub(super) async fn replaced_by(
        &mut self,
        jobs: &[JobId],
        reach: Reach,
    ) -> Result<Vec<Replacement>, CatalogError> {
        let mut replaced = Vec::new();
        for chunk in jobs.chunks(ROWS_MAX) {
            let query = Bulk::list(BY, chunk.iter().map(|id| id.get()));
            let query = match reach {
                Reach::Whole => query.then(EARLIER_CONTENT).then(SAME_CONTENT).then(SAME_PATH),
                Reach::EarlierContent => query.then(EARLIER_CONTENT),
                Reach::History => query.then(HISTORY),
            };
            for row in query.fetch(&mut self.tx).await? {
                let (by, old) = (JobId::new(row.try_get(0)?), JobId::new(row.try_get(1)?));
                replaced.push(Replacement { by, old });
            }
        }
        replaced.sort_unstable();
        replaced.dedup();
        Ok(replaced)
    }

    /// The artifacts of topics that keep all history stay current.
    pub(super) async fn supersede(&mut self, replaced: &[Replacement]) -> Result<(), CatalogError> {
        for chunk in replaced.chunks(ROWS_MAX) {
            let update =
                "UPDATE processing_job SET has_content = 0, superseded_by = v.column2 FROM (";
            let update = Bulk::rows(update, chunk, |mut row, one| {
                row.push_bind(one.old.get()).push_bind(one.by.get());
            });
            let update = update.then(") AS v WHERE processing_job.id = v.column1");
            update.execute(&mut self.tx).await?;
        }
        let old: Vec<JobId> = replaced.iter().map(|one| one.old).collect();
        self.take_from_topics(&old, |options| !options.history_all).await
    }

    /// A retraction takes the rows out of the topics that say so. Those of the plugin's other topics stay, as results that a later
    /// version of the file replaces.
    pub(super) async fn retract(&mut self, replaced: &[Replacement]) -> Result<(), CatalogError> {
        for chunk in replaced.chunks(ROWS_MAX) {
            let update = "UPDATE processing_job SET retracted_by = v.column2 FROM (";
            let update = Bulk::rows(update, chunk, |mut row, one| {
                row.push_bind(one.old.get()).push_bind(one.by.get());
            });
            let update = update.then(") AS v WHERE processing_job.id = v.column1");
            update.execute(&mut self.tx).await?;
        }
        let old: Vec<JobId> = replaced.iter().map(|one| one.old).collect();
        self.take_from_topics(&old, |options| options.retract_on_delete).await
    }

    /// Current artifacts of these jobs become superseded, in topics whose options say so.
    async fn take_from_topics(
        &mut self,
        jobs: &[JobId],
        leaves: impl Fn(TopicOptions) -> bool,
    ) -> Result<(), CatalogError> {
        if jobs.is_empty() {
            return Ok(());
        }
        let stay = self.topics_but(leaves).await?;
        for chunk in jobs.chunks(ROWS_MAX) {
            let select = "SELECT a.id, j.plugin_name, a.topic FROM processing_job j JOIN artifact a ON a.job_id = j.id
                          WHERE a.state = 'CURRENT' AND j.id IN ";
            let rows =
                Bulk::list(select, chunk.iter().map(|id| id.get())).fetch(&mut self.tx).await?;
            let mut leaving = Vec::with_capacity(rows.len());
            for row in rows {
                if !stay.contains(&(row.try_get(1)?, row.try_get(2)?)) {
                    leaving.push(row.try_get::<i64, _>(0)?);
                }
            }
            self.leave_topics(&leaving).await?;
        }
        Ok(())
    }

    /// Plugin and topic where nothing leaves. A topic that no plugin declares any more has no wishes.
    pub(super) async fn topics_but(
        &mut self,
        leaves: impl Fn(TopicOptions) -> bool,
    ) -> Result<HashSet<(String, String)>, CatalogError> {
        let sql = "SELECT plugin_name, topic_name, options FROM topic_config";
        let rows = db::query(sql).fetch_all(&mut *self.tx).await?;
        let topic = |row: &Row| -> Result<_, CatalogError> {
            let options = from_json(row.try_get(2)?)?;
            Ok((!leaves(options)).then_some((row.try_get(0)?, row.try_get(1)?)))
        };
        rows.iter().filter_map(|row| topic(row).transpose()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::explain::slow_steps;

    #[tokio::test]
    async fn what_a_result_replaces_is_found_by_index() {
        let sql = format!("{BY} (1, 2){EARLIER_CONTENT}{SAME_CONTENT}{SAME_PATH}");
        let slow = slow_steps(&sql).await;
        assert!(slow.iter().all(|step| step == "SCAN b" || step.starts_with("UNION")), "{slow:?}");
    }
}
