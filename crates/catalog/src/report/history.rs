//! All that the catalog knows of one path.

use super::files::joined;
use crate::db::{self, Catalog, Row, content_hash, stat, unsigned};
use crate::error::CatalogError;
use protocol::{ContentHash, FileStat, JobId, LocationId, SourceRootId, VersionId};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocationRow {
    pub id: LocationId,
    /// As it was scanned last.
    pub stat: FileStat,
    pub dirty: bool,
    pub racy: bool,
    /// Not routed since the rules changed.
    pub is_unrouted: bool,
    pub discovered_at_us: i64,
    pub hashed_at_us: Option<i64>,
    pub deleted_at_us: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRow {
    pub id: VersionId,
    pub sequence: u64,
    pub hash: ContentHash,
    pub size: u64,
    pub detected_at_us: i64,
    pub tags: String,
    pub is_current: bool,
}

/// The files of a directory and below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DirectoryCounts {
    pub files: u64,
    pub deleted: u64,
    pub unhashed: u64,
    /// Jobs of what the files hold now, by state.
    pub jobs: Vec<(String, u64)>,
}

const IN_DIRECTORY: &str = "FROM directory d JOIN file_location l ON l.directory_id = d.id";
/// Bytes are compared: what lies below begins with the path and a slash, and `0` comes after the slash.
const BELOW: &str =
    "WHERE d.source_root_id = $1 AND ($2 = 1 OR d.path = $3 OR (d.path > $4 AND d.path < $5))";

impl Catalog {
    pub async fn location_at(
        &self,
        root: SourceRootId,
        directory: &[u8],
        name: &[u8],
    ) -> Result<Option<LocationRow>, CatalogError> {
        let sql = "SELECT l.id, l.inode, l.size, l.mtime_ns, l.ctime_ns, l.dirty, l.racy, l.discovered_at_us, l.hashed_at_us, l.deleted_at_us,
                       l.routed_epoch < (SELECT rules_epoch FROM catalog_meta)
                   FROM directory d JOIN file_location l ON l.directory_id = d.id
                   WHERE d.source_root_id = $1 AND d.path = $2 AND l.name = $3";
        let query = db::query(sql).bind(root.get()).bind(directory.to_vec()).bind(name.to_vec());
        let location = |row: &Row| {
            Ok(LocationRow {
                id: LocationId::new(row.try_get(0)?),
                stat: stat(row, 1)?,
                dirty: row.try_get(5)?,
                racy: row.try_get(6)?,
                discovered_at_us: row.try_get(7)?,
                hashed_at_us: row.try_get(8)?,
                deleted_at_us: row.try_get(9)?,
                is_unrouted: row.try_get(10)?,
            })
        };
        query.fetch_optional(self.readers()).await?.as_ref().map(location).transpose()
    }

    /// The newest first.
    pub async fn versions_of(
        &self,
        location: LocationId,
        limit: usize,
    ) -> Result<Vec<VersionRow>, CatalogError> {
        let sql = "SELECT v.id, v.sequence, h.content_hash, v.size, v.detected_at_us, v.applied_tags,
                       l.current_version_id = v.id
                   FROM file_version v JOIN file_hash_registry h ON h.id = v.content_id JOIN file_location l ON l.id = v.location_id
                   WHERE v.location_id = $1 ORDER BY v.sequence DESC LIMIT $2";
        let rows = db::query(sql).bind(location.get()).bind(limit as i64);
        let version = |row: &Row| {
            Ok(VersionRow {
                id: VersionId::new(row.try_get(0)?),
                sequence: row.try_get::<i64, _>(1)?.cast_unsigned(),
                hash: content_hash(row, 2)?,
                size: row.try_get::<i64, _>(3)?.cast_unsigned(),
                detected_at_us: row.try_get(4)?,
                tags: row.try_get(5)?,
                is_current: row.try_get::<Option<bool>, _>(6)? == Some(true),
            })
        };
        rows.fetch_all(self.readers()).await?.iter().map(version).collect()
    }

    /// The job that has the content of a skipped one in the topics, and its path.
    pub async fn content_holder(
        &self,
        skipped: JobId,
    ) -> Result<Option<(JobId, Vec<u8>, Vec<u8>)>, CatalogError> {
        let sql = "SELECT k.id, r.path, d.path, l.name FROM processing_job j CROSS JOIN processing_job k
                   JOIN file_location l ON l.id = k.location_id JOIN directory d ON d.id = l.directory_id
                   JOIN source_root r ON r.id = d.source_root_id
                   WHERE j.id = $1 AND k.content_id = j.content_id AND k.plugin_name = j.plugin_name AND k.has_content = 1
                       AND k.state = 'COMPLETED' ORDER BY k.id LIMIT 1";
        let row = db::query(sql).bind(skipped.get()).fetch_optional(self.readers()).await?;
        let holder = |row: Row| {
            let path = joined(row.try_get(2)?, row.try_get(3)?);
            Ok((JobId::new(row.try_get(0)?), row.try_get(1)?, path))
        };
        row.map(holder).transpose()
    }

    /// `path` is relative to the root; empty for all of it.
    pub async fn directory_counts(
        &self,
        root: SourceRootId,
        path: &[u8],
    ) -> Result<DirectoryCounts, CatalogError> {
        let (after, before) = ([path, b"/"].concat(), [path, b"0"].concat());
        let sql = format!(
            "SELECT count(*) AS files, count(l.deleted_at_us) AS deleted,
                 count(CASE WHEN l.dirty = 1 AND l.deleted_at_us IS NULL THEN 1 END) AS unhashed {IN_DIRECTORY} {BELOW}"
        );
        let jobs = format!(
            "SELECT j.state, count(*) AS jobs {IN_DIRECTORY}
             JOIN processing_job j ON j.file_version_id = l.current_version_id AND j.kind = 'process'
             {BELOW} AND l.deleted_at_us IS NULL GROUP BY j.state ORDER BY j.state"
        );
        let bound = |sql: String| {
            let query = db::query(sql).bind(root.get());
            let query = query.bind(i64::from(path.is_empty())).bind(path.to_vec());
            query.bind(after.clone()).bind(before.clone())
        };
        let row = bound(sql).fetch_one(self.readers()).await?;
        let deleted = unsigned(&row, "deleted")?;
        let rows = bound(jobs).fetch_all(self.readers()).await?;
        let count = |row: &Row| Ok((row.try_get(0)?, unsigned(row, "jobs")?));
        Ok(DirectoryCounts {
            files: unsigned(&row, "files")? - deleted,
            deleted,
            unhashed: unsigned(&row, "unhashed")?,
            jobs: rows.iter().map(count).collect::<Result<_, CatalogError>>()?,
        })
    }
}
