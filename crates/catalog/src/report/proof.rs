//! What the catalog says of files in sinks, for who proves it: a snapshot, page by page, and fresh looks at what differs.

use super::files::joined;
use crate::db::{self, Bulk, Catalog, Connection, ROWS_MAX, Row, Tx, content_hash, stat, unsigned};
use crate::error::CatalogError;
use crate::job_state::JobState;
use protocol::{ArtifactId, ContentHash, FileStat, JobId, OutputFileId, VersionId};

/// All reads of one moment.
#[derive(Debug)]
pub struct Snapshot {
    pub(super) tx: Tx,
}

/// How much there is to prove.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProofSize {
    /// Files that are current, or about to be.
    pub files: u64,
    pub bytes: u64,
    pub jobs: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkRow {
    pub topic: String,
    pub uri: String,
    /// A plugin declares it.
    pub is_declared: bool,
    /// Current ones.
    pub files: u64,
}

/// An artifact, and its job as far as there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactProof {
    pub id: ArtifactId,
    pub job: JobId,
    pub attempt: u32,
    pub topic: String,
    pub uri: String,
    pub file_id: OutputFileId,
    pub file: String,
    /// Of the job, in this file.
    pub rows: u64,
    /// Of the whole file.
    pub size_bytes: u64,
    pub hash: ContentHash,
    /// PROMOTING, CURRENT or SUPERSEDED.
    pub state: String,
    pub retired: bool,
    pub job_state: Option<JobState>,
    pub version: Option<VersionId>,
}

/// A job that is done, and what it published to each topic and place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobProof {
    pub id: JobId,
    pub attempt: u32,
    pub rows: u64,
    pub quarantined: u64,
    /// Topic, URI, rows.
    pub published: Vec<(String, String, u64)>,
    /// Rows that lie in quarantine, of all topics.
    pub in_quarantine: u64,
}

/// Where the bytes of a job still lie, as far as the catalog knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LivePlace {
    pub root: Vec<u8>,
    /// Relative to the root.
    pub path: Vec<u8>,
    pub stat: FileStat,
    /// The job that would process them: the same, or one that was skipped because of it.
    pub job: JobId,
    /// The plugin has a version in force.
    pub is_active: bool,
}

const ARTIFACTS: &str = "SELECT a.id, a.job_id, a.attempt, a.topic, a.uri, f.file, a.rows, f.size_bytes, f.hash, a.state, f.retired = 1,
        j.state, j.file_version_id, a.file_id
    FROM artifact a JOIN output_file f ON f.id = a.file_id LEFT JOIN processing_job j ON j.id = a.job_id";

/// The job itself where its path still holds the bytes; else one that was skipped for the same bytes elsewhere.
const LIVE_PLACES: &str = "SELECT j.id, k.id, r.path, d.path, l.name, l.inode, l.size, l.mtime_ns, l.ctime_ns, c.active_manifest_id IS NOT NULL
    FROM processing_job j
    CROSS JOIN file_version v
    CROSS JOIN file_location l
    CROSS JOIN processing_job k
    JOIN directory d ON d.id = l.directory_id
    JOIN source_root r ON r.id = d.source_root_id
    JOIN plugin_config c ON c.plugin_name = j.plugin_name
    WHERE v.content_id = j.content_id AND l.id = v.location_id AND l.current_version_id = v.id AND l.deleted_at_us IS NULL
        AND k.file_version_id = v.id AND k.plugin_name = j.plugin_name AND k.kind = 'process'
        AND (k.id = j.id OR (c.dedup = 1 AND k.state = 'SKIPPED')) AND j.id IN ";

impl Catalog {
    /// As long as it is held the database keeps what it shows.
    pub async fn snapshot(&self) -> Result<Snapshot, CatalogError> {
        let mut tx = self.readers().begin_reading().await?;
        // A transaction sees the moment of its first read.
        db::query("SELECT id FROM catalog_meta").fetch_one(&mut *tx).await?;
        Ok(Snapshot { tx })
    }

    /// As they are now.
    pub async fn artifacts_by_id(
        &self,
        ids: &[ArtifactId],
    ) -> Result<Vec<ArtifactProof>, CatalogError> {
        let sql = format!("{ARTIFACTS} WHERE a.id IN ");
        self.artifacts_where(sql, ids.iter().map(|id| id.get())).await
    }

    /// All that these jobs published or are publishing, as it is now.
    pub async fn artifacts_by_job(
        &self,
        jobs: &[JobId],
    ) -> Result<Vec<ArtifactProof>, CatalogError> {
        let sql = format!("{ARTIFACTS} WHERE a.job_id IN ");
        self.artifacts_where(sql, jobs.iter().map(|id| id.get())).await
    }

    async fn artifacts_where(
        &self,
        sql: String,
        ids: impl Iterator<Item = i64>,
    ) -> Result<Vec<ArtifactProof>, CatalogError> {
        let ids: Vec<i64> = ids.collect();
        let mut found = Vec::new();
        for chunk in ids.chunks(ROWS_MAX) {
            let mut connection = self.readers().acquire().await?;
            let rows = Bulk::ids(sql.clone(), chunk).fetch(&mut connection).await?;
            found.extend(rows.iter().map(artifact).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(found)
    }

    /// State and attempt of a job, as they are now.
    pub async fn job_moment(&self, job: JobId) -> Result<Option<(JobState, u32)>, CatalogError> {
        let sql = "SELECT state, attempt FROM processing_job WHERE id = $1";
        let row = db::query(sql).bind(job.get()).fetch_optional(self.readers()).await?;
        row.map(|row| Ok((job_state(row.try_get(0)?)?, row.try_get(1)?))).transpose()
    }

    pub async fn live_place(&self, job: JobId) -> Result<Option<LivePlace>, CatalogError> {
        let mut connection = self.readers().acquire().await?;
        live_place(&mut connection, job).await
    }
}

pub(crate) async fn live_place(
    connection: &mut Connection,
    job: JobId,
) -> Result<Option<LivePlace>, CatalogError> {
    let order = " ORDER BY CASE WHEN k.id = j.id THEN 0 ELSE 1 END, k.id LIMIT 1";
    let rows = Bulk::ids(LIVE_PLACES, &[job.get()]).then(order).fetch(connection).await?;
    let place = |row: &Row| {
        Ok(LivePlace {
            job: JobId::new(row.try_get(1)?),
            root: row.try_get(2)?,
            path: joined(row.try_get(3)?, row.try_get(4)?),
            stat: stat(row, 5)?,
            is_active: row.try_get(9)?,
        })
    };
    rows.first().map(place).transpose()
}

impl Snapshot {
    pub async fn size(&mut self) -> Result<ProofSize, CatalogError> {
        let sql = "SELECT count(*) AS files, CAST(coalesce(sum(size_bytes), 0) AS BIGINT) AS bytes,
                       (SELECT count(*) FROM processing_job) AS jobs
                   FROM output_file WHERE artifacts > 0";
        let row = db::query(sql).fetch_one(&mut *self.tx).await?;
        let (files, bytes) = (unsigned(&row, "files")?, unsigned(&row, "bytes")?);
        Ok(ProofSize { files, bytes, jobs: unsigned(&row, "jobs")? })
    }

    /// Every place that a topic goes to, or that has files of one.
    pub async fn sinks(&mut self) -> Result<Vec<SinkRow>, CatalogError> {
        let sql = "SELECT topic, uri, CAST(max(declared) AS BIGINT), CAST(sum(files) AS BIGINT) FROM (
                       SELECT t.topic_name AS topic, t.uri, CASE WHEN p.active_manifest_id IS NULL THEN 0 ELSE 1 END AS declared, 0 AS files
                       FROM topic_config t LEFT JOIN plugin_config p ON p.plugin_name = t.plugin_name
                       UNION ALL SELECT topic, uri, 0 AS declared, count(*) AS files FROM output_file
                                 WHERE artifacts > 0 GROUP BY topic, uri) AS places
                   GROUP BY topic, uri ORDER BY uri, topic";
        let rows = db::query(sql).fetch_all(&mut *self.tx).await?;
        let sink = |row: &Row| {
            let (topic, uri) = (row.try_get(0)?, row.try_get(1)?);
            let is_declared = row.try_get::<i64, _>(2)? == 1;
            let files = row.try_get::<i64, _>(3)?.cast_unsigned();
            Ok(SinkRow { topic, uri, is_declared, files })
        };
        rows.iter().map(sink).collect()
    }

    /// What is or is about to be among the current files, and what has no job.
    pub async fn artifacts(
        &mut self,
        after: ArtifactId,
    ) -> Result<Vec<ArtifactProof>, CatalogError> {
        let filter = " AND (a.state <> 'SUPERSEDED' OR j.id IS NULL) ORDER BY a.id LIMIT ";
        let query = Bulk::new(format!("{ARTIFACTS} WHERE a.id > ")).bind(after.get());
        let query = query.then(filter).bind(ROWS_MAX as i64);
        query.fetch(&mut self.tx).await?.iter().map(artifact).collect()
    }

    /// Jobs that are done, with their receipts.
    pub async fn jobs(&mut self, after: JobId) -> Result<Vec<JobProof>, CatalogError> {
        let sql = "SELECT id, attempt, rows, quarantined FROM processing_job WHERE id > $1 AND state = 'COMPLETED' AND kind = 'process'
                   ORDER BY id LIMIT $2";
        let rows = db::query(sql).bind(after.get()).bind(ROWS_MAX as i64);
        let mut jobs = Vec::with_capacity(ROWS_MAX);
        for row in rows.fetch_all(&mut *self.tx).await? {
            let (id, attempt) = (JobId::new(row.try_get(0)?), row.try_get::<u32, _>(1)?);
            jobs.push(JobProof {
                id,
                attempt,
                rows: unsigned(&row, "rows")?,
                quarantined: unsigned(&row, "quarantined")?,
                published: Vec::new(),
                in_quarantine: 0,
            });
        }
        if jobs.is_empty() {
            return Ok(jobs);
        }
        let ids: Vec<i64> = jobs.iter().map(|job| job.id.get()).collect();
        let select = "SELECT job_id, attempt, topic, uri, rows, in_quarantine FROM artifact WHERE job_id IN ";
        for row in Bulk::ids(select, &ids).fetch(&mut self.tx).await? {
            let (job, attempt) = (JobId::new(row.try_get(0)?), row.try_get::<u32, _>(1)?);
            let place = jobs.binary_search_by_key(&job, |job| job.id);
            if let Some(job) =
                place.ok().map(|at| &mut jobs[at]).filter(|job| job.attempt == attempt)
            {
                let rows = unsigned(&row, "rows")?;
                match row.try_get(5)? {
                    true => job.in_quarantine += rows,
                    false => job.published.push((row.try_get(2)?, row.try_get(3)?, rows)),
                }
            }
        }
        Ok(jobs)
    }
}

fn job_state(text: &str) -> Result<JobState, CatalogError> {
    text.parse().map_err(CatalogError::corrupt)
}

fn artifact(row: &Row) -> Result<ArtifactProof, CatalogError> {
    Ok(ArtifactProof {
        id: ArtifactId::new(row.try_get(0)?),
        job: JobId::new(row.try_get(1)?),
        attempt: row.try_get(2)?,
        topic: row.try_get(3)?,
        uri: row.try_get(4)?,
        file: row.try_get(5)?,
        rows: row.try_get::<i64, _>(6)?.cast_unsigned(),
        size_bytes: row.try_get::<i64, _>(7)?.cast_unsigned(),
        hash: content_hash(row, 8)?,
        state: row.try_get(9)?,
        retired: row.try_get(10)?,
        file_id: OutputFileId::new(row.try_get(13)?),
        job_state: row.try_get::<Option<&str>, _>(11)?.map(job_state).transpose()?,
        version: row.try_get::<Option<i64>, _>(12)?.map(VersionId::new),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::explain::slow_steps;

    #[tokio::test]
    async fn where_the_bytes_of_a_job_lie_is_found_by_index() {
        assert!(slow_steps(&format!("{LIVE_PLACES} (1, 2)")).await.is_empty());
        assert!(slow_steps(&format!("{ARTIFACTS} WHERE a.job_id IN (1, 2)")).await.is_empty());
    }
}
