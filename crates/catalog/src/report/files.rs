//! The inventory, file by file.

use crate::db::{self, Catalog, Row, content_hash};
use crate::error::CatalogError;
use protocol::{ContentHash, LocationId};

#[derive(Debug, Clone, Default)]
pub struct FileFilter {
    /// Only files after this one.
    pub after: Option<LocationId>,
    /// Only what is in this state, as `FileRow::status` gives it.
    pub status: Option<String>,
    pub limit: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    pub id: LocationId,
    pub root: Vec<u8>,
    /// Relative to the root.
    pub path: Vec<u8>,
    pub size: u64,
    pub mtime_ns: i64,
    /// `deleted`, `unrouted`, `new` (routed, not yet versioned), else the least happy state of its jobs.
    pub status: String,
    pub sequence: Option<u64>,
    pub hash: Option<ContentHash>,
    pub tags: String,
}

const FILES: &str = "SELECT * FROM (
    SELECT l.id, r.path AS root, d.path AS directory, l.name, l.size, l.mtime_ns, v.sequence, h.content_hash, coalesce(v.applied_tags, '') AS tags,
        CASE WHEN l.deleted_at_us IS NOT NULL THEN 'deleted'
             ELSE coalesce((SELECT CASE
                      WHEN count(*) FILTER (WHERE j.state = 'FAILED') > 0 THEN 'failed'
                      WHEN count(*) FILTER (WHERE j.state IN ('RUNNING', 'COMMITTING')) > 0 THEN 'running'
                      WHEN count(*) FILTER (WHERE j.state IN ('PENDING', 'QUEUED')) > 0 THEN 'queued'
                      WHEN count(*) FILTER (WHERE j.state = 'ABORTED') > 0 THEN 'aborted'
                      WHEN count(*) FILTER (WHERE j.state = 'COMPLETED') > 0 THEN 'completed'
                      WHEN count(*) FILTER (WHERE j.state = 'SKIPPED') > 0 THEN 'skipped' END
                  FROM processing_job j WHERE j.file_version_id = l.current_version_id AND j.kind = 'process'
                    AND NOT (j.state = 'FAILED' AND EXISTS (SELECT 1 FROM processing_job k WHERE k.file_version_id = j.file_version_id
                             AND k.plugin_name = j.plugin_name AND k.id > j.id))),
                  CASE WHEN l.current_version_id IS NULL AND l.routed_epoch < (SELECT rules_epoch FROM catalog_meta) THEN 'new' ELSE 'unrouted' END)
        END AS status
    FROM file_location l
    JOIN directory d ON d.id = l.directory_id
    JOIN source_root r ON r.id = d.source_root_id
    LEFT JOIN file_version v ON v.id = l.current_version_id
    LEFT JOIN file_hash_registry h ON h.id = v.content_id
    WHERE l.id > $1) AS files WHERE $2 IS NULL OR status = $2 ORDER BY id LIMIT $3";

impl Catalog {
    pub async fn files(&self, filter: &FileFilter) -> Result<Vec<FileRow>, CatalogError> {
        let rows = db::query(FILES)
            .bind(filter.after.map_or(0, LocationId::get))
            .bind(&filter.status)
            .bind(filter.limit as i64)
            .fetch_all(self.readers())
            .await?;
        rows.iter().map(file).collect()
    }
}

fn file(row: &Row) -> Result<FileRow, CatalogError> {
    let has_version = row.try_get::<Option<i64>, _>("sequence")?;
    Ok(FileRow {
        id: LocationId::new(row.try_get("id")?),
        root: row.try_get("root")?,
        path: joined(row.try_get("directory")?, row.try_get("name")?),
        size: row.try_get::<i64, _>("size")?.cast_unsigned(),
        mtime_ns: row.try_get("mtime_ns")?,
        status: row.try_get("status")?,
        sequence: has_version.map(i64::cast_unsigned),
        hash: has_version.map(|_| content_hash(row, 7)).transpose()?,
        tags: row.try_get("tags")?,
    })
}

/// A path below the root, from its directory and its name.
pub(crate) fn joined(directory: Vec<u8>, name: Vec<u8>) -> Vec<u8> {
    if directory.is_empty() { name } else { [directory, name].join(&b'/') }
}
