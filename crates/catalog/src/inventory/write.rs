//! Roots, directories and locations, as the scout found them.

use crate::db::{Bulk, ROWS_MAX, Row};
use crate::error::CatalogError;
use crate::roles::ScoutTx;
use protocol::{DirectoryId, FileStat, SourceRootId};
use std::collections::HashMap;

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

const UPSERT_LOCATIONS: &str = " ON CONFLICT (directory_id, name) DO UPDATE SET inode = excluded.inode, size = excluded.size,
    mtime_ns = excluded.mtime_ns, ctime_ns = excluded.ctime_ns, dirty = 1, routed_epoch = excluded.routed_epoch, deleted_at_us = NULL";

impl ScoutTx {
    /// Ids of these directories, in their order; new ones are made. Their digests are stored.
    pub async fn upsert_directories(
        &mut self,
        root: SourceRootId,
        directories: &[NewDirectory<'_>],
        now_us: i64,
    ) -> Result<Vec<DirectoryId>, CatalogError> {
        let ids = self.catalog.ids().await?;
        let mut stored = Vec::with_capacity(directories.len());
        for chunk in directories.chunks(ROWS_MAX) {
            let insert = "INSERT INTO directory (id, source_root_id, path, digest) ";
            let insert = Bulk::rows(insert, chunk, |mut row, directory| {
                row.push_bind(ids.next(now_us))
                    .push_bind(root.get())
                    .push_bind(directory.path)
                    .push_bind(directory.digest);
            });
            let insert = insert.then(
                " ON CONFLICT (source_root_id, path) DO UPDATE SET digest = excluded.digest RETURNING path, id",
            );
            let rows = insert.fetch(&mut self.tx).await?;
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
            let update = "UPDATE directory SET digest = v.column2 FROM (";
            let update = Bulk::rows(update, chunk, |mut row, (directory, digest)| {
                row.push_bind(directory.get()).push_bind(*digest);
            });
            let update = update.then(") AS v WHERE directory.id = v.column1");
            update.execute(&mut self.tx).await?;
        }
        Ok(())
    }

    /// They are dirty now, and have to be routed.
    pub async fn upsert_locations(
        &mut self,
        locations: &[NewLocation],
        now_us: i64,
    ) -> Result<(), CatalogError> {
        self.upsert(locations, 0, now_us).await
    }

    /// New ones that no plugin wants by the rules of this epoch: they are routed with that.
    pub async fn insert_unrouted(
        &mut self,
        locations: &[NewLocation],
        epoch: i64,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        self.upsert(locations, epoch, now_us).await
    }

    async fn upsert(
        &mut self,
        locations: &[NewLocation],
        routed_epoch: i64,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let ids = self.catalog.ids().await?;
        for chunk in locations.chunks(ROWS_MAX) {
            let insert = "INSERT INTO file_location (id, directory_id, name, inode, size, mtime_ns, ctime_ns, dirty, racy, routed_epoch, discovered_at_us) ";
            let insert = Bulk::rows(insert, chunk, |mut row, location| {
                let stat = location.stat;
                row.push_bind(ids.next(now_us))
                    .push_bind(location.directory.get())
                    .push_bind(location.name.as_slice())
                    .push_bind(stat.inode.cast_signed())
                    .push_bind(stat.size.cast_signed())
                    .push_bind(stat.mtime_ns)
                    .push_bind(stat.ctime_ns)
                    .push("1, 0")
                    .push_bind(routed_epoch)
                    .push_bind(now_us);
            });
            insert.then(UPSERT_LOCATIONS).execute(&mut self.tx).await?;
        }
        Ok(())
    }
}

/// The database answers in an order of its own choice.
fn in_order(
    directories: &[NewDirectory<'_>],
    rows: &[Row],
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
