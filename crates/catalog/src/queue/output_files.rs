//! Files of sinks, and the artifacts in them. A file is needed as long as one artifact in it is.

use super::compact::{SMALL_ARTIFACTS_MAX, SMALL_BYTES_MAX};
use super::schemas::Schemas;
use crate::db::{Bulk, ROWS_MAX};
use crate::error::CatalogError;
use crate::roles::SentinelTx;
use protocol::{Commit, CommitId, JobAttempt, JobId, ReadyJob, SinkUri, StagedOutput};
use std::collections::{BTreeMap, HashSet};

/// A file that a commit is about to publish.
struct NewFile<'a> {
    id: i64,
    commit: Commit,
    output: &'a StagedOutput,
    schema_version: i64,
    artifacts: u64,
    rows: u64,
}

impl NewFile<'_> {
    fn is_small(&self) -> bool {
        matches!(self.output.uri, SinkUri::Parquet { .. })
            && self.output.size_bytes < SMALL_BYTES_MAX
            && self.artifacts < SMALL_ARTIFACTS_MAX
    }
}

struct NewArtifact<'a> {
    job: JobAttempt,
    file_id: i64,
    output: &'a StagedOutput,
}

const FILES: &str = "INSERT INTO output_file (id, commit_id, attempt, topic, uri, staged, file, rows, size_bytes, hash, schema_version, artifacts,
    needed_rows, retired, is_small, created_at_us) ";

const ARTIFACTS: &str = "INSERT INTO artifact (id, job_id, attempt, topic, uri, file_id, row_start, rows, in_quarantine, state,
    created_at_us) ";

/// What artifacts take with them out of the files that they are in.
const LEFT: &str = "UPDATE output_file SET artifacts = artifacts - v.number, needed_rows = needed_rows - v.rows FROM (
        SELECT file_id, count(*) AS number, CAST(sum(rows) AS BIGINT) AS rows FROM artifact WHERE state <> 'SUPERSEDED' AND id IN ";

impl SentinelTx {
    /// The outputs of jobs that were granted just now.
    pub(super) async fn insert_outputs(
        &mut self,
        ready: &[&ReadyJob],
        schemas: &Schemas,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let ids = self.catalog.ids().await?;
        let mut files: BTreeMap<(CommitId, &SinkUri), NewFile<'_>> = BTreeMap::new();
        let mut artifacts = Vec::with_capacity(ready.len());
        for one in ready {
            let job = JobAttempt { id: one.job, attempt: one.attempt };
            for output in &one.outputs {
                let commit = one.commit();
                let file = files.entry((commit.id, &output.uri)).or_insert_with(|| NewFile {
                    id: ids.next(now_us),
                    commit,
                    output,
                    schema_version: schema_version(schemas, output),
                    artifacts: 0,
                    rows: 0,
                });
                file.artifacts += 1;
                file.rows += output.rows;
                artifacts.push(NewArtifact { job, file_id: file.id, output });
            }
        }
        let files: Vec<_> = files.into_values().collect();
        for chunk in files.chunks(ROWS_MAX) {
            self.insert_files(chunk, now_us).await?;
        }
        for chunk in artifacts.chunks(ROWS_MAX) {
            self.insert_artifacts(chunk, now_us).await?;
        }
        Ok(())
    }

    async fn insert_artifacts(
        &mut self,
        artifacts: &[NewArtifact<'_>],
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let ids = self.catalog.ids().await?;
        let insert =
            Bulk::rows(ARTIFACTS, artifacts, |mut row, NewArtifact { job, file_id, output }| {
                row.push_bind(ids.next(now_us))
                    .push_bind(job.id.get())
                    .push_bind(job.attempt)
                    .push_bind(output.topic.as_str())
                    .push_bind(output.uri.to_string())
                    .push_bind(*file_id)
                    .push_bind(output.row_start.cast_signed())
                    .push_bind(output.rows.cast_signed())
                    .push_bind(i64::from(output.uri.is_quarantine()))
                    .push("'PROMOTING'")
                    .push_bind(now_us);
            });
        insert.execute(&mut self.tx).await?;
        Ok(())
    }

    async fn insert_files(
        &mut self,
        files: &[NewFile<'_>],
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let insert = Bulk::rows(FILES, files, |mut row, file| {
            let output = file.output;
            row.push_bind(file.id)
                .push_bind(file.commit.id.get())
                .push_bind(file.commit.attempt)
                .push_bind(output.topic.as_str())
                .push_bind(output.uri.to_string())
                .push_bind(output.staged.as_str())
                .push_bind(output.final_name.as_str())
                .push_bind(file.rows.cast_signed())
                .push_bind(output.size_bytes.cast_signed())
                .push_bind(output.hash.as_bytes().as_slice())
                .push_bind(file.schema_version)
                .push_bind(file.artifacts.cast_signed())
                .push_bind(file.rows.cast_signed())
                .push("0")
                .push_bind(file.is_small())
                .push_bind(now_us);
        });
        insert.execute(&mut self.tx).await?;
        Ok(())
    }

    /// The file that others are made one of. Until they are, its artifacts are in those.
    pub(super) async fn insert_compacted(
        &mut self,
        commit: Commit,
        output: &StagedOutput,
        artifacts: usize,
        schema_version: i64,
        now_us: i64,
    ) -> Result<i64, CatalogError> {
        let (id, artifacts) = (self.next_id(now_us).await?, artifacts as u64);
        let file = NewFile { id, commit, output, schema_version, artifacts, rows: output.rows };
        self.insert_files(&[file], now_us).await?;
        Ok(id)
    }

    /// Commits of which some file has a name that was given before.
    pub(super) async fn with_known_names(
        &mut self,
        ready: &[ReadyJob],
    ) -> Result<HashSet<CommitId>, CatalogError> {
        let mut names = BTreeMap::new();
        for one in ready {
            for output in &one.outputs {
                names.insert((output.uri.to_string(), output.final_name.as_str()), one.commit_id);
            }
        }
        let names: Vec<_> = names.into_iter().collect();
        let mut known = HashSet::new();
        for chunk in names.chunks(ROWS_MAX) {
            let select = "SELECT v.column3 FROM (";
            let select = Bulk::rows(select, chunk, |mut row, ((uri, file), commit)| {
                row.push_bind(uri.as_str()).push_bind(*file).push_bind(commit.get());
            });
            let select = select
                .then(") AS v JOIN output_file f ON f.uri = v.column1 AND f.file = v.column2");
            for row in select.fetch(&mut self.tx).await? {
                known.insert(CommitId::new(row.try_get(0)?));
            }
        }
        Ok(known)
    }

    /// These artifacts are superseded. A file that nobody needs any more is moved away.
    pub(super) async fn leave_topics(&mut self, artifacts: &[i64]) -> Result<(), CatalogError> {
        for chunk in artifacts.chunks(ROWS_MAX) {
            let left = Bulk::ids(LEFT, chunk);
            let left = left.then(" GROUP BY file_id) AS v WHERE output_file.id = v.file_id");
            left.execute(&mut self.tx).await?;
            let update = "UPDATE artifact SET state = 'SUPERSEDED' WHERE id IN ";
            Bulk::ids(update, chunk).execute(&mut self.tx).await?;
        }
        Ok(())
    }

    /// The same of all that a job has published or is publishing.
    pub(super) async fn leave_topics_with(&mut self, job: JobId) -> Result<(), CatalogError> {
        let select = "SELECT id FROM artifact WHERE state <> 'SUPERSEDED' AND job_id IN ";
        let rows = Bulk::ids(select, &[job.get()]).fetch(&mut self.tx).await?;
        let ids = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
        self.leave_topics(&ids).await
    }
}

fn schema_version(schemas: &Schemas, output: &StagedOutput) -> i64 {
    let version = schemas.version(&output.topic).unwrap_or(0);
    if output.uri.is_quarantine() { 0 } else { version }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::explain::slow_steps;

    #[tokio::test]
    async fn what_leaves_a_file_is_found_by_index() {
        let sql = format!("{LEFT}(1, 2) GROUP BY file_id) AS v WHERE output_file.id = v.file_id");
        let slow = slow_steps(&sql).await;
        assert!(slow.iter().all(|step| step == "SCAN v" || step.contains("GROUP BY")), "{slow:?}");
    }
}
