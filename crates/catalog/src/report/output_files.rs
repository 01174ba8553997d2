//! Files of sinks as the catalog knows them, with whose rows they hold: for who reads or proves them.

use super::Snapshot;
use crate::db::{self, Bulk, Catalog, ROWS_MAX, Row, content_hash};
use crate::error::CatalogError;
use protocol::{ArtifactId, Commit, CommitId, ContentHash, JobId, OutputFileId, VersionId};
use std::collections::{BTreeMap, HashSet};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProof {
    pub id: OutputFileId,
    pub commit: Commit,
    pub topic: String,
    pub uri: String,
    pub file: String,
    pub rows: u64,
    pub size_bytes: u64,
    pub hash: ContentHash,
    /// Artifacts in it that are current, or about to be.
    pub artifacts: u64,
    pub retired: bool,
}

/// The rows of one job in a file, replaced ones included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileShare {
    pub artifact: ArtifactId,
    pub job: JobId,
    pub version: Option<VersionId>,
    pub rows: u64,
    /// PROMOTING, CURRENT or SUPERSEDED.
    pub state: String,
}

const FILES: &str = "SELECT f.id, f.commit_id, f.attempt, f.topic, f.uri, f.file, f.rows, f.size_bytes, f.hash, f.artifacts, f.retired = 1
    FROM output_file f";

const HAS_CURRENT: &str =
    " AND EXISTS (SELECT 1 FROM artifact c WHERE c.file_id = f.id AND c.state = 'CURRENT')";

const HAS_ARTIFACTS: &str = " AND (f.artifacts = 0
    OR EXISTS (SELECT 1 FROM artifact n WHERE n.file_id = f.id AND n.state <> 'SUPERSEDED'))";

impl Catalog {
    /// Those of one place that have one of these names. One that claims artifacts and has none is not known.
    pub async fn files_named(
        &self,
        uri: &str,
        names: &[&str],
    ) -> Result<Vec<FileProof>, CatalogError> {
        let mut found = Vec::new();
        let mut connection = self.readers().acquire().await?;
        for chunk in names.chunks(ROWS_MAX) {
            let query = Bulk::new(format!("{FILES} WHERE f.uri = ")).bind(uri);
            let query = query.then_list(" AND f.file IN ", chunk.iter().copied());
            let query = query.then(HAS_ARTIFACTS);
            let rows = query.fetch(&mut connection).await?;
            found.extend(rows.iter().map(file).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(found)
    }

    /// As they are now.
    pub async fn files_by_id(&self, ids: &[OutputFileId]) -> Result<Vec<FileProof>, CatalogError> {
        let mut found = Vec::new();
        let mut connection = self.readers().acquire().await?;
        for chunk in ids.chunks(ROWS_MAX) {
            let query =
                Bulk::list(format!("{FILES} WHERE f.id IN "), chunk.iter().map(|id| id.get()));
            let rows = query.fetch(&mut connection).await?;
            found.extend(rows.iter().map(file).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(found)
    }

    /// Whether a job is COMMITTING with this, or files become one by it, as it is now.
    pub async fn is_committing(&self, commit: Commit) -> Result<bool, CatalogError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM processing_job WHERE session IS NOT NULL AND state = 'COMMITTING'
                       AND commit_id = $1 AND (commit_id <> id OR attempt = $2))
                   OR EXISTS (SELECT 1 FROM compaction WHERE id = $1)";
        let query = db::query(sql).bind(commit.id.get()).bind(commit.attempt);
        query.fetch_one(self.readers()).await?.try_get(0)
    }
}

impl Snapshot {
    /// Files of one place of a topic that have rows for readers, a page at a time.
    pub async fn current_files(
        &mut self,
        topic: &str,
        uri: &str,
        after: OutputFileId,
    ) -> Result<Vec<FileProof>, CatalogError> {
        let query = Bulk::new(format!("{FILES} WHERE f.artifacts > 0 AND f.topic = ")).bind(topic);
        let query = query.then(" AND f.uri = ").bind(uri).then(" AND f.id > ").bind(after.get());
        let query = query.then(HAS_CURRENT).then(" ORDER BY f.id LIMIT ").bind(ROWS_MAX as i64);
        let rows = query.fetch(&mut self.tx).await?;
        rows.iter().map(file).collect()
    }

    /// Jobs whose rows are in these files and not for readers: replaced, or not published yet.
    pub async fn hidden_jobs(
        &mut self,
        files: &[OutputFileId],
    ) -> Result<BTreeMap<OutputFileId, HashSet<JobId>>, CatalogError> {
        let mut hidden = BTreeMap::<_, HashSet<_>>::new();
        for chunk in files.chunks(ROWS_MAX) {
            let select =
                "SELECT file_id, job_id FROM artifact WHERE state <> 'CURRENT' AND file_id IN ";
            let query = Bulk::list(select, chunk.iter().map(|file| file.get()));
            for row in query.fetch(&mut self.tx).await? {
                let of_file = hidden.entry(OutputFileId::new(row.try_get(0)?)).or_default();
                of_file.insert(JobId::new(row.try_get(1)?));
            }
        }
        Ok(hidden)
    }

    /// What has to be there for readers, a page at a time.
    pub async fn files(&mut self, after: OutputFileId) -> Result<Vec<FileProof>, CatalogError> {
        let query = Bulk::new(format!("{FILES} WHERE f.id > ")).bind(after.get());
        let query = query.then(" AND f.artifacts > 0").then(HAS_CURRENT);
        let query = query.then(" ORDER BY f.id LIMIT ").bind(ROWS_MAX as i64);
        query.fetch(&mut self.tx).await?.iter().map(file).collect()
    }

    /// Whose rows are in these files.
    pub async fn shares(
        &mut self,
        files: &[OutputFileId],
    ) -> Result<BTreeMap<OutputFileId, Vec<FileShare>>, CatalogError> {
        let mut shares = BTreeMap::<_, Vec<_>>::new();
        for chunk in files.chunks(ROWS_MAX) {
            let select = "SELECT a.file_id, a.id, a.job_id, j.file_version_id, a.rows, a.state
                          FROM artifact a LEFT JOIN processing_job j ON j.id = a.job_id WHERE a.file_id IN ";
            let query = Bulk::list(select, chunk.iter().map(|file| file.get()));
            for row in query.fetch(&mut self.tx).await? {
                shares.entry(OutputFileId::new(row.try_get(0)?)).or_default().push(FileShare {
                    artifact: ArtifactId::new(row.try_get(1)?),
                    job: JobId::new(row.try_get(2)?),
                    version: row.try_get::<Option<i64>, _>(3)?.map(VersionId::new),
                    rows: row.try_get::<i64, _>(4)?.cast_unsigned(),
                    state: row.try_get(5)?,
                });
            }
        }
        Ok(shares)
    }
}

fn file(row: &Row) -> Result<FileProof, CatalogError> {
    let number = |at: usize| Ok::<_, CatalogError>(row.try_get::<i64, _>(at)?.cast_unsigned());
    Ok(FileProof {
        id: OutputFileId::new(row.try_get(0)?),
        commit: Commit { id: CommitId::new(row.try_get(1)?), attempt: row.try_get(2)? },
        topic: row.try_get(3)?,
        uri: row.try_get(4)?,
        file: row.try_get(5)?,
        rows: number(6)?,
        size_bytes: number(7)?,
        hash: content_hash(row, 8)?,
        artifacts: number(9)?,
        retired: row.try_get(10)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::explain::slow_steps;

    #[tokio::test]
    async fn files_are_found_by_index() {
        for filter in [
            "f.uri = 'x' AND f.file IN ('a', 'b')".to_owned(),
            format!(
                "f.artifacts > 0 AND f.topic = 't' AND f.uri = 'x' AND f.id > 1{HAS_CURRENT} ORDER BY f.id"
            ),
        ] {
            assert!(slow_steps(&format!("{FILES} WHERE {filter}")).await.is_empty(), "{filter}");
        }
    }
}
