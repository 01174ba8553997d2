//! Where rows come from: from a job back to the bytes.

use crate::db::{self, Catalog, Row, content_hash, stat};
use crate::error::CatalogError;
use protocol::{ContentHash, FileStat, JobId};

/// What a job took, and where it ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginRow {
    pub sequence: u64,
    pub content_hash: ContentHash,
    pub size: u64,
    /// The location holds this very version, by the last scan.
    pub is_current: bool,
    /// Of the location, as it was scanned last.
    pub stat: FileStat,
    pub deleted_at_us: Option<i64>,
    pub environment: Option<EnvironmentRow>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentRow {
    pub host: String,
    pub user: String,
    /// Of the project; empty when it is in no repository.
    pub git_hash: String,
    pub os: String,
    /// JSON.
    pub versions: String,
}

const ORIGIN: &str = "SELECT v.sequence, h.content_hash, v.size, l.current_version_id = v.id,
        l.inode, l.size, l.mtime_ns, l.ctime_ns, l.deleted_at_us, e.host, e.user_name, e.git_hash, e.os, e.versions
    FROM processing_job j
    JOIN file_version v ON v.id = j.file_version_id
    JOIN file_hash_registry h ON h.id = v.content_id
    JOIN file_location l ON l.id = v.location_id
    LEFT JOIN environment_context e ON e.id = j.environment_id
    WHERE j.id = $1";

impl Catalog {
    pub async fn origin_of(&self, job: JobId) -> Result<Option<OriginRow>, CatalogError> {
        let row = db::query(ORIGIN).bind(job.get()).fetch_optional(self.readers()).await?;
        row.as_ref().map(origin).transpose()
    }
}

fn origin(row: &Row) -> Result<OriginRow, CatalogError> {
    let environment = match row.try_get::<Option<String>, _>(9)? {
        None => None,
        Some(host) => Some(EnvironmentRow {
            host,
            user: row.try_get(10)?,
            git_hash: row.try_get(11)?,
            os: row.try_get(12)?,
            versions: row.try_get(13)?,
        }),
    };
    Ok(OriginRow {
        sequence: row.try_get::<i64, _>(0)?.cast_unsigned(),
        content_hash: content_hash(row, 1)?,
        size: row.try_get::<i64, _>(2)?.cast_unsigned(),
        is_current: row.try_get::<Option<bool>, _>(3)? == Some(true),
        stat: stat(row, 4)?,
        deleted_at_us: row.try_get(8)?,
        environment,
    })
}
