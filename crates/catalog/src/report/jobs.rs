//! Jobs, and what each published.

use super::files::joined;
use crate::db::{self, Bulk, Catalog, Row, parsed, unsigned};
use crate::error::CatalogError;
use crate::job_state::{JobState, Lane};
use protocol::{ArtifactId, JobId, LocationId, VersionId};

#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    pub id: Option<JobId>,
    pub state: Option<JobState>,
    pub plugin: Option<String>,
    /// Only jobs of what lay there at any time.
    pub location: Option<LocationId>,
    /// Only jobs that ended at this time or later, in microseconds.
    pub ended_since_us: Option<i64>,
    /// Only jobs before this one: the newest come first.
    pub before: Option<JobId>,
    pub limit: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct JobRow {
    pub id: JobId,
    pub kind: String,
    pub lane: Lane,
    pub state: JobState,
    pub hold: Option<String>,
    pub held_by: Option<JobId>,
    pub plugin: String,
    /// SHA-256 of its source.
    pub plugin_version: Vec<u8>,
    pub root: Vec<u8>,
    pub path: Vec<u8>,
    pub version: VersionId,
    pub attempt: u32,
    pub rows: u64,
    pub bytes_in: u64,
    pub size_bytes: u64,
    pub quarantined: u64,
    pub error_class: Option<String>,
    pub error: Option<String>,
    pub worker: Option<String>,
    pub created_at_us: i64,
    pub claimed_at_us: Option<i64>,
    pub ended_at_us: Option<i64>,
    pub not_before_us: Option<i64>,
    pub superseded_by: Option<JobId>,
    /// user@host; `ended_at_us` is when.
    pub aborted_by: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactRow {
    pub id: ArtifactId,
    pub topic: String,
    pub uri: String,
    pub file: String,
    pub rows: u64,
    /// Of the file, which may hold rows of other jobs, too.
    pub size_bytes: u64,
    /// SHA-256 of the file.
    pub hash: Vec<u8>,
    pub state: String,
}

const JOBS: &str = "SELECT j.id, j.kind, j.state, j.hold, j.held_by, j.plugin_name, m.source_hash, r.path AS root, d.path AS directory, l.name,
        j.file_version_id, j.attempt, j.rows, j.bytes_in, j.size_bytes, j.quarantined, j.error_class, j.error_message, w.worker_id,
        j.created_at_us, j.claimed_at_us, j.ended_at_us, j.not_before_us, j.superseded_by, j.aborted_by, j.lane
    FROM processing_job j
    JOIN plugin_manifest m ON m.id = j.manifest_id
    JOIN file_location l ON l.id = j.location_id
    JOIN directory d ON d.id = l.directory_id
    JOIN source_root r ON r.id = d.source_root_id
    LEFT JOIN worker_node w ON w.id = j.worker_node_id
    WHERE j.id < ";

impl Catalog {
    pub async fn jobs(&self, filter: &JobFilter) -> Result<Vec<JobRow>, CatalogError> {
        let before = filter.before.map_or(i64::MAX, JobId::get);
        let mut query = Bulk::new(JOBS).bind(before);
        if let Some(id) = filter.id {
            query = query.then(" AND j.id = ").bind(id.get());
        }
        if let Some(state) = filter.state {
            // What people ask for most has an index of its own.
            if matches!(state, JobState::Failed | JobState::Aborted) {
                query = query.then(" AND j.state IN ('FAILED', 'ABORTED')");
            }
            query = query.then(" AND j.state = ").bind(state.as_str());
        }
        if let Some(plugin) = &filter.plugin {
            query = query.then(" AND j.plugin_name = ").bind(plugin.as_str());
        }
        if let Some(location) = filter.location {
            let versions =
                " AND j.file_version_id IN (SELECT id FROM file_version WHERE location_id = ";
            query = query.then(versions).bind(location.get()).then(")");
        }
        if let Some(since_us) = filter.ended_since_us {
            query = query.then(" AND j.ended_at_us >= ").bind(since_us);
        }
        let query = query.then(" ORDER BY j.id DESC LIMIT ").bind(filter.limit as i64);
        let rows = query.fetch(&mut self.readers().acquire().await?).await?;
        rows.iter().map(job).collect()
    }

    pub async fn artifacts_of(&self, job: JobId) -> Result<Vec<ArtifactRow>, CatalogError> {
        let sql = "SELECT a.id, a.topic, a.uri, f.file, a.rows, f.size_bytes, f.hash, a.state
                   FROM artifact a JOIN output_file f ON f.id = a.file_id WHERE a.job_id = $1 ORDER BY a.id";
        let rows = db::query(sql).bind(job.get()).fetch_all(self.readers()).await?;
        let artifact = |row: &Row| -> Result<ArtifactRow, CatalogError> {
            Ok(ArtifactRow {
                id: ArtifactId::new(row.try_get("id")?),
                topic: row.try_get("topic")?,
                uri: row.try_get("uri")?,
                file: row.try_get("file")?,
                rows: unsigned(row, "rows")?,
                size_bytes: unsigned(row, "size_bytes")?,
                hash: row.try_get("hash")?,
                state: row.try_get("state")?,
            })
        };
        rows.iter().map(artifact).collect()
    }
}

fn job(row: &Row) -> Result<JobRow, CatalogError> {
    let state: String = row.try_get("state")?;
    Ok(JobRow {
        id: JobId::new(row.try_get("id")?),
        kind: row.try_get("kind")?,
        lane: parsed(row.try_get("lane")?)?,
        state: state.parse().map_err(CatalogError::corrupt)?,
        hold: row.try_get("hold")?,
        held_by: row.try_get::<Option<i64>, _>("held_by")?.map(JobId::new),
        plugin: row.try_get("plugin_name")?,
        plugin_version: row.try_get("source_hash")?,
        root: row.try_get("root")?,
        path: joined(row.try_get("directory")?, row.try_get("name")?),
        version: VersionId::new(row.try_get("file_version_id")?),
        attempt: row.try_get("attempt")?,
        rows: unsigned(row, "rows")?,
        bytes_in: unsigned(row, "bytes_in")?,
        size_bytes: unsigned(row, "size_bytes")?,
        quarantined: unsigned(row, "quarantined")?,
        error_class: row.try_get("error_class")?,
        error: row.try_get("error_message")?,
        worker: row.try_get("worker_id")?,
        created_at_us: row.try_get("created_at_us")?,
        claimed_at_us: row.try_get("claimed_at_us")?,
        ended_at_us: row.try_get("ended_at_us")?,
        not_before_us: row.try_get("not_before_us")?,
        superseded_by: row.try_get::<Option<i64>, _>("superseded_by")?.map(JobId::new),
        aborted_by: row.try_get("aborted_by")?,
    })
}
