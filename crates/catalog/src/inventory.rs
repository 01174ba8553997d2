//! What lies where: roots, directories, locations. Written by the scout, read to compare with the disk.

use crate::db::Catalog;
use crate::error::CatalogError;
use crate::roles::ScoutTx;
use protocol::{DirectoryId, FileStat, LocationId, SourceRootId};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};
use std::collections::HashMap;

/// Rows in one statement.
const ROWS_MAX: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryDigest {
    pub id: DirectoryId,
    /// None: its entries have to be compared.
    pub digest: Option<Vec<u8>>,
}

/// A directory as it is to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewDirectory<'a> {
    pub path: &'a [u8],
    /// None: its entries are not all stored yet.
    pub digest: Option<&'a [u8]>,
}

/// A location that is new, or whose stat changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLocation {
    pub directory: DirectoryId,
    pub name: Vec<u8>,
    pub stat: FileStat,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    pub id: LocationId,
    pub name: Vec<u8>,
    pub stat: FileStat,
    pub deleted: bool,
}

impl Catalog {
    /// What is stored of these directories, in their order.
    pub async fn directory_digests(
        &self,
        root: SourceRootId,
        paths: &[&[u8]],
    ) -> Result<Vec<Option<DirectoryDigest>>, CatalogError> {
        let mut found = HashMap::with_capacity(paths.len());
        for chunk in paths.chunks(ROWS_MAX) {
            let mut query = QueryBuilder::<Sqlite>::new(
                "SELECT path, id, digest FROM directory WHERE source_root_id = ",
            );
            query.push_bind(root.get()).push(" AND path IN (");
            let mut list = query.separated(", ");
            chunk.iter().for_each(|path| {
                list.push_bind(*path);
            });
            query.push(")");
            for row in query.build().fetch_all(self.readers()).await? {
                let path: Vec<u8> = row.try_get(0)?;
                let id = DirectoryId::new(row.try_get(1)?);
                found.insert(path, DirectoryDigest { id, digest: row.try_get(2)? });
            }
        }
        Ok(paths.iter().map(|path| found.remove(*path)).collect())
    }

    /// The entries of a directory by name, after one, a page at a time; deleted ones too.
    pub async fn entries_of(
        &self,
        directory: DirectoryId,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<StoredEntry>, CatalogError> {
        let sql = "SELECT id, name, inode, size, mtime_ns, ctime_ns, deleted_at_us IS NOT NULL FROM file_location
                   WHERE directory_id = $1 AND ($2 IS NULL OR name > $2) ORDER BY name LIMIT $3";
        let rows = sqlx::query(sql)
            .bind(directory.get())
            .bind(after.map(<[u8]>::to_vec))
            .bind(limit as i64)
            .fetch_all(self.readers())
            .await?;
        rows.iter().map(stored_entry).collect()
    }

    /// The first `limit` entries of these directories together, by directory and name; deleted ones too.
    pub async fn first_entries_of(
        &self,
        directories: &[DirectoryId],
        limit: usize,
    ) -> Result<Vec<(DirectoryId, StoredEntry)>, CatalogError> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT id, name, inode, size, mtime_ns, ctime_ns, deleted_at_us IS NOT NULL, directory_id FROM file_location
             WHERE directory_id IN (",
        );
        let mut list = query.separated(", ");
        directories.iter().for_each(|directory| {
            list.push_bind(directory.get());
        });
        query.push(") ORDER BY directory_id, name LIMIT ").push_bind(limit as i64);
        let rows = query.build().fetch_all(self.readers()).await?;
        let entry = |row: &SqliteRow| Ok((DirectoryId::new(row.try_get(7)?), stored_entry(row)?));
        rows.iter().map(entry).collect()
    }

    /// Directories below one (not itself), by path, from one on, a page at a time.
    pub async fn directories_below(
        &self,
        root: SourceRootId,
        parent: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, DirectoryDigest)>, CatalogError> {
        let (first, last) = below(parent);
        let sql = "SELECT path, id, digest FROM directory WHERE source_root_id = $1 AND path >= $2 AND path < $3 AND path >= $4
                   ORDER BY path LIMIT $5";
        let rows = sqlx::query(sql)
            .bind(root.get())
            .bind(first)
            .bind(last)
            .bind(from.to_vec())
            .bind(limit as i64)
            .fetch_all(self.readers())
            .await?;
        let directory = |row: &SqliteRow| -> Result<_, CatalogError> {
            let id = DirectoryId::new(row.try_get(1)?);
            Ok((row.try_get(0)?, DirectoryDigest { id, digest: row.try_get(2)? }))
        };
        rows.iter().map(directory).collect()
    }

    pub async fn root_of(&self, path: &[u8]) -> Result<Option<SourceRootId>, CatalogError> {
        let sql = "SELECT id FROM source_root WHERE path = $1";
        let row = sqlx::query(sql).bind(path.to_vec()).fetch_optional(self.readers()).await?;
        row.map(|row| Ok(SourceRootId::new(row.try_get(0)?))).transpose()
    }

    /// Patterns of the ignore rules that hold for a root.
    pub async fn ignore_rules(&self, root: SourceRootId) -> Result<Vec<String>, CatalogError> {
        let sql = "SELECT pattern FROM ignore_rule WHERE active = 1 AND (source_root_id IS NULL OR source_root_id = $1)
                   ORDER BY id";
        let rows = sqlx::query(sql).bind(root.get()).fetch_all(self.readers()).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}

/// The half-open range of paths below a directory; everything but the root itself below the root, whose path is empty.
fn below(parent: &[u8]) -> (Vec<u8>, Vec<u8>) {
    if parent.is_empty() {
        // No path has a byte 0; a path of 256 times 0xff and more sorts after every other.
        return (vec![1], vec![0xff; 256]);
    }
    // '0' is the byte after '/'.
    ([parent, b"/"].concat(), [parent, b"0"].concat())
}

fn stored_entry(row: &SqliteRow) -> Result<StoredEntry, CatalogError> {
    let (id, name) = (LocationId::new(row.try_get(0)?), row.try_get(1)?);
    Ok(StoredEntry { id, name, stat: stat(row, 2)?, deleted: row.try_get(6)? })
}

pub(crate) fn stat(row: &SqliteRow, first: usize) -> Result<FileStat, CatalogError> {
    // Stored bit for bit; SQL has no unsigned numbers.
    Ok(FileStat {
        inode: row.try_get::<i64, _>(first)?.cast_unsigned(),
        size: row.try_get::<i64, _>(first + 1)?.cast_unsigned(),
        mtime_ns: row.try_get(first + 2)?,
        ctime_ns: row.try_get(first + 3)?,
    })
}

impl ScoutTx {
    pub async fn register_root(
        &mut self,
        path: &[u8],
        now_us: i64,
    ) -> Result<SourceRootId, CatalogError> {
        let id = self.next_id(now_us).await?;
        let sql = "INSERT INTO source_root (id, path, kind, active, added_at_us) VALUES ($1, $2, 'local', 1, $3)
                   ON CONFLICT (path) DO UPDATE SET active = 1 RETURNING id";
        let query = sqlx::query(sql).bind(id).bind(path.to_vec()).bind(now_us);
        Ok(SourceRootId::new(query.fetch_one(&mut *self.tx).await?.try_get(0)?))
    }

    /// Ids of these directories, in their order; new ones are made. Their digests are stored.
    pub async fn upsert_directories(
        &mut self,
        root: SourceRootId,
        directories: &[NewDirectory<'_>],
        now_us: i64,
    ) -> Result<Vec<DirectoryId>, CatalogError> {
        let mut stored = Vec::with_capacity(directories.len());
        for chunk in directories.chunks(ROWS_MAX) {
            let ids = self.catalog.ids().await?;
            let mut query = QueryBuilder::<Sqlite>::new(
                "INSERT INTO directory (id, source_root_id, path, digest) ",
            );
            query.push_values(chunk, |mut row, directory| {
                row.push_bind(ids.next(now_us))
                    .push_bind(root.get())
                    .push_bind(directory.path)
                    .push_bind(directory.digest);
            });
            query.push(
                " ON CONFLICT (source_root_id, path) DO UPDATE SET digest = excluded.digest RETURNING path, id",
            );
            let rows = query.build().fetch_all(&mut *self.tx).await?;
            stored.extend(in_order(chunk, &rows)?);
        }
        Ok(stored)
    }

    /// Only when all entries of the directories are stored, in this transaction or before.
    pub async fn set_digests(
        &mut self,
        digests: &[(DirectoryId, Option<&[u8]>)],
    ) -> Result<(), CatalogError> {
        for chunk in digests.chunks(ROWS_MAX) {
            let mut query =
                QueryBuilder::<Sqlite>::new("UPDATE directory SET digest = v.column2 FROM (");
            query.push_values(chunk, |mut row, (directory, digest)| {
                row.push_bind(directory.get()).push_bind(*digest);
            });
            query.push(") AS v WHERE directory.id = v.column1");
            query.build().execute(&mut *self.tx).await?;
        }
        Ok(())
    }

    /// They are dirty now, and have to be routed.
    pub async fn upsert_locations(
        &mut self,
        locations: &[NewLocation],
        now_us: i64,
    ) -> Result<(), CatalogError> {
        for chunk in locations.chunks(ROWS_MAX) {
            let ids = self.catalog.ids().await?;
            let mut query = QueryBuilder::<Sqlite>::new(
                "INSERT INTO file_location (id, directory_id, name, inode, size, mtime_ns, ctime_ns, dirty, racy, routed_epoch, discovered_at_us) ",
            );
            query.push_values(chunk, |mut row, location| {
                let stat = location.stat;
                row.push_bind(ids.next(now_us))
                    .push_bind(location.directory.get())
                    .push_bind(location.name.as_slice())
                    .push_bind(stat.inode.cast_signed())
                    .push_bind(stat.size.cast_signed())
                    .push_bind(stat.mtime_ns)
                    .push_bind(stat.ctime_ns)
                    .push("1, 0, 0")
                    .push_bind(now_us);
            });
            query.push(
                " ON CONFLICT (directory_id, name) DO UPDATE SET inode = excluded.inode, size = excluded.size,
                  mtime_ns = excluded.mtime_ns, ctime_ns = excluded.ctime_ns, dirty = 1, routed_epoch = 0, deleted_at_us = NULL",
            );
            query.build().execute(&mut *self.tx).await?;
        }
        Ok(())
    }

    /// The files are gone. Where their plugin retracts deleted files, that is queued in the same transaction.
    pub async fn mark_deleted(
        &mut self,
        locations: &[LocationId],
        now_us: i64,
    ) -> Result<(), CatalogError> {
        for chunk in locations.chunks(ROWS_MAX) {
            self.queue_retractions(chunk, now_us).await?;
            self.mark_gone(chunk, now_us).await?;
        }
        Ok(())
    }

    /// The files are there, but are to be ignored: they leave the inventory, and their rows stay where they are.
    pub async fn mark_ignored(
        &mut self,
        locations: &[LocationId],
        now_us: i64,
    ) -> Result<(), CatalogError> {
        for chunk in locations.chunks(ROWS_MAX) {
            self.mark_gone(chunk, now_us).await?;
        }
        Ok(())
    }

    async fn mark_gone(
        &mut self,
        locations: &[LocationId],
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let mut query = QueryBuilder::<Sqlite>::new("UPDATE file_location SET deleted_at_us = ");
        query.push_bind(now_us).push(" WHERE deleted_at_us IS NULL AND id IN (");
        let mut list = query.separated(", ");
        locations.iter().for_each(|location| {
            list.push_bind(location.get());
        });
        query.push(")").build().execute(&mut *self.tx).await?;
        Ok(())
    }

    async fn queue_retractions(
        &mut self,
        locations: &[LocationId],
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT j.file_version_id, j.manifest_id, j.plugin_name, j.content_hash, l.id
             FROM file_location l
             JOIN processing_job j ON j.file_version_id = l.current_version_id AND j.kind = 'process'
             JOIN plugin_config c ON c.plugin_name = j.plugin_name AND c.retract = 1
             WHERE l.deleted_at_us IS NULL AND j.state IN ('COMPLETED', 'SKIPPED') AND l.id IN (",
        );
        let mut list = query.separated(", ");
        locations.iter().for_each(|location| {
            list.push_bind(location.get());
        });
        let rows = query.push(")").build().fetch_all(&mut *self.tx).await?;
        for row in rows {
            let insert = "INSERT INTO processing_job (id, kind, state, hold, file_version_id, location_id, manifest_id, plugin_name,
                              content_hash, priority, attempt, failures, losses, recovery, created_at_us, rows, bytes_in, size_bytes, quarantined)
                          VALUES ($1, 'retract', 'PENDING', 'admit', $2, $3, $4, $5, $6, 0, 0, 0, 0, 0, $7, 0, 0, 0, 0)
                          ON CONFLICT (file_version_id, manifest_id, kind)
                          DO UPDATE SET state = 'PENDING', hold = 'admit' WHERE state = 'SUPERSEDED'";
            sqlx::query(insert)
                .bind(self.next_id(now_us).await?)
                .bind(row.try_get::<i64, _>(0)?)
                .bind(row.try_get::<i64, _>(4)?)
                .bind(row.try_get::<i64, _>(1)?)
                .bind(row.try_get::<String, _>(2)?)
                .bind(row.try_get::<Vec<u8>, _>(3)?)
                .bind(now_us)
                .execute(&mut *self.tx)
                .await?;
        }
        Ok(())
    }
}

/// The database answers in an order of its own choice.
fn in_order(
    directories: &[NewDirectory<'_>],
    rows: &[SqliteRow],
) -> Result<Vec<DirectoryId>, CatalogError> {
    let mut ids = HashMap::with_capacity(rows.len());
    for row in rows {
        ids.insert(row.try_get::<&[u8], _>(0)?, DirectoryId::new(row.try_get(1)?));
    }
    let id = |directory: &NewDirectory<'_>| {
        let id = ids.get(directory.path).copied();
        id.ok_or_else(|| CatalogError::corrupt("a directory was stored and has no id"))
    };
    directories.iter().map(id).collect()
}
