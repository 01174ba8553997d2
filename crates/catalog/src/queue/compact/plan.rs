//! What there is to compact: files with rows that nobody needs any more, and small files that could be one.

use super::choose::{FILES_MAX, Small, choose};
use crate::db::{self, Bulk, ROWS_MAX, Row, content_hash, parsed};
use crate::error::CatalogError;
use crate::roles::SentinelTx;
use protocol::{ArtifactId, CommitId, Compaction, CompactionSource, OutputFileId};
use std::collections::HashSet;

/// What a worker is to write, and what that means for the catalog. Nothing is stored of it before it is granted.
#[derive(Debug, Clone, PartialEq)]
pub struct CompactionPlan {
    pub order: Compaction,
    pub files: Vec<OutputFileId>,
    /// The artifacts in it, in the order of their rows, and how many rows each has.
    pub parts: Vec<(ArtifactId, u64)>,
    pub schema_version: i64,
}

/// A file that is to be written anew.
struct Candidate {
    id: OutputFileId,
    topic: String,
    uri: String,
    file: String,
    size_bytes: u64,
    hash: protocol::ContentHash,
    artifacts: u64,
    schema_version: i64,
}

const FILES: &str = "SELECT f.id, f.topic, f.uri, f.file, f.size_bytes, f.hash, f.artifacts, f.schema_version FROM output_file f
    WHERE f.artifacts > 0 AND f.compact_after_us <= $1
        AND f.commit_id NOT IN (SELECT j.commit_id FROM processing_job j
                                WHERE j.session IS NOT NULL AND j.state = 'COMMITTING' AND j.commit_id IS NOT NULL)
        AND f.id NOT IN (SELECT s.file_id FROM compaction_source s) AND f.id NOT IN (SELECT c.file_id FROM compaction c)";

const HIDDEN: &str = " AND f.needed_rows < f.rows ORDER BY f.id LIMIT $2";

const SMALL: &str = " AND f.is_small = 1 AND f.uri = $3 AND f.topic = $4 AND f.schema_version = $5 ORDER BY f.size_bytes LIMIT $2";

/// Files of the same columns.
pub(super) const GROUPS: &str = "SELECT uri, topic, schema_version FROM output_file
    WHERE is_small = 1 AND artifacts > 0 AND compact_after_us <= $1
    GROUP BY uri, topic, schema_version HAVING count(*) >= $2 ORDER BY count(*) DESC LIMIT 100";

const RESUME: &str = "UPDATE output_file SET compact_after_us = 0 WHERE artifacts > 0 AND needed_rows < rows AND compact_after_us > 0";

impl SentinelTx {
    /// `but` are files that somebody is at. Without `hidden` only small files count.
    pub async fn plan_compaction(
        &mut self,
        but: &HashSet<OutputFileId>,
        hidden: bool,
        now_us: i64,
    ) -> Result<Option<CompactionPlan>, CatalogError> {
        if hidden {
            let query = db::query(format!("{FILES}{HIDDEN}"));
            let query = query.bind(now_us).bind(but.len() as i64 + 1);
            let rows = query.fetch_all(&mut *self.tx).await?;
            if let Some(file) = free(&rows, but)?.into_iter().next() {
                return self.plan_of(vec![file], now_us).await;
            }
        }
        let query = db::query(GROUPS).bind(now_us).bind(super::choose::FILES_MIN as i64);
        for group in query.fetch_all(&mut *self.tx).await? {
            let query = db::query(format!("{FILES}{SMALL}"));
            let query = query.bind(now_us).bind((2 * FILES_MAX + but.len()) as i64);
            let (uri, topic): (String, String) = (group.try_get(0)?, group.try_get(1)?);
            let query = query.bind(uri).bind(topic).bind(group.try_get::<i64, _>(2)?);
            let mut files = free(&query.fetch_all(&mut *self.tx).await?, but)?;
            let sizes = files.iter().map(Candidate::small).collect::<Vec<_>>();
            if let Some(chosen) = choose(&sizes) {
                return self.plan_of(files.drain(chosen).collect(), now_us).await;
            }
        }
        Ok(None)
    }

    /// Rows stay in the order in which they came.
    async fn plan_of(
        &mut self,
        mut files: Vec<Candidate>,
        now_us: i64,
    ) -> Result<Option<CompactionPlan>, CatalogError> {
        files.sort_unstable_by_key(|file| file.id);
        let (mut parts, mut sources) = (Vec::new(), Vec::with_capacity(files.len()));
        for file in &files {
            let (of_file, rows) = self.needed_rows(file.id).await?;
            parts.extend(of_file);
            sources.push(CompactionSource {
                file: file.file.clone(),
                size_bytes: file.size_bytes,
                hash: file.hash,
                rows,
            });
        }
        let (Some(first), false) = (files.first(), parts.is_empty()) else { return Ok(None) };
        let order = Compaction {
            id: CommitId::new(self.next_id(now_us).await?),
            topic: parsed(&first.topic)?,
            uri: parsed(&first.uri)?,
            sources,
            recovery: 0,
            output: None,
        };
        let schema_version = first.schema_version;
        let files = files.iter().map(|file| file.id).collect();
        Ok(Some(CompactionPlan { order, files, parts, schema_version }))
    }

    /// Artifacts in a file that readers see, and the rows of the file that they are together.
    async fn needed_rows(
        &mut self,
        file: OutputFileId,
    ) -> Result<(Vec<(ArtifactId, u64)>, Vec<(u64, u64)>), CatalogError> {
        let sql = "SELECT id, row_start, rows FROM artifact WHERE file_id = $1 AND state = 'CURRENT' ORDER BY row_start, id";
        let (mut parts, mut rows) = (Vec::new(), Vec::<(u64, u64)>::new());
        for row in db::query(sql).bind(file.get()).fetch_all(&mut *self.tx).await? {
            let (first, len) = (number(&row, 1)?, number(&row, 2)?);
            parts.push((ArtifactId::new(row.try_get(0)?), len));
            match rows.last_mut() {
                Some((start, so_far)) if *start + *so_far == first => *so_far += len,
                _ => rows.push((first, len)),
            }
        }
        Ok((parts, rows))
    }

    /// They cannot be made one just now, and others come first. Where one of them was not needed any more that was the reason.
    pub async fn put_off_compaction(
        &mut self,
        files: &[OutputFileId],
        until_us: i64,
    ) -> Result<(), CatalogError> {
        if self.free_files(files).await? < files.len() {
            return Ok(());
        }
        for chunk in files.chunks(ROWS_MAX) {
            let update = Bulk::new("UPDATE output_file SET compact_after_us = ").bind(until_us);
            let ids = chunk.iter().map(|file| file.get());
            update.then_list(" WHERE id IN ", ids).execute(&mut self.tx).await?;
        }
        Ok(())
    }
}

impl SentinelTx {
    /// What made files impossible to write anew may be over.
    pub async fn resume_compactions(&mut self) -> Result<(), CatalogError> {
        db::query(RESUME).execute(&mut *self.tx).await?;
        Ok(())
    }
}

impl Candidate {
    fn of(row: &Row) -> Result<Self, CatalogError> {
        Ok(Self {
            id: OutputFileId::new(row.try_get(0)?),
            topic: row.try_get(1)?,
            uri: row.try_get(2)?,
            file: row.try_get(3)?,
            size_bytes: number(row, 4)?,
            hash: content_hash(row, 5)?,
            artifacts: number(row, 6)?,
            schema_version: row.try_get(7)?,
        })
    }

    fn small(&self) -> Small {
        Small { size_bytes: self.size_bytes, artifacts: self.artifacts }
    }
}

fn free(rows: &[Row], but: &HashSet<OutputFileId>) -> Result<Vec<Candidate>, CatalogError> {
    let files = rows.iter().map(Candidate::of).collect::<Result<Vec<_>, _>>()?;
    Ok(files.into_iter().filter(|file| !but.contains(&file.id)).collect())
}

fn number(row: &Row, at: usize) -> Result<u64, CatalogError> {
    Ok(row.try_get::<i64, _>(at)?.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::explain::slow_steps;

    #[tokio::test]
    async fn what_is_to_be_compacted_is_found_by_index() {
        for sql in [format!("{FILES}{HIDDEN}"), format!("{FILES}{SMALL}"), RESUME.to_owned()] {
            let slow = slow_steps(&sql).await;
            assert!(
                slow.iter().all(|step| step.contains("output_file_hidden")
                    || step == "SCAN c"
                    || step == "SCAN s"),
                "{slow:?}"
            );
        }
    }
}
