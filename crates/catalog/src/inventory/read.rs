//! What is stored of directories and their entries, to compare with the disk.

use crate::db::{self, Bulk, Catalog, ROWS_MAX, Row, stat};
use crate::error::CatalogError;
use protocol::{DirectoryId, FileStat, LocationId, SourceRootId};
use std::collections::HashMap;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryDigest {
    pub id: DirectoryId,
    /// None: its entries have to be compared.
    pub digest: Option<Vec<u8>>,
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
        let mut reader = self.readers().acquire().await?;
        for chunk in paths.chunks(ROWS_MAX) {
            let sql = "SELECT path, id, digest FROM directory WHERE source_root_id = ";
            let query = Bulk::new(sql).bind(root.get());
            let query = query.then_list(" AND path IN ", chunk.iter().copied());
            for row in query.fetch(&mut reader).await? {
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
                   WHERE directory_id = $1 AND name > $2 ORDER BY name LIMIT $3";
        let rows = db::query(sql)
            .bind(directory.get())
            // No name is empty.
            .bind(after.unwrap_or_default().to_vec())
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
        let sql = "SELECT id, name, inode, size, mtime_ns, ctime_ns, deleted_at_us IS NOT NULL, directory_id FROM file_location
                   WHERE directory_id IN ";
        let query = Bulk::list(sql, directories.iter().map(|directory| directory.get()));
        let query = query.then(" ORDER BY directory_id, name LIMIT ").bind(limit as i64);
        let rows = query.fetch(&mut self.readers().acquire().await?).await?;
        let entry = |row: &Row| Ok((DirectoryId::new(row.try_get(7)?), stored_entry(row)?));
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
        let rows = db::query(sql)
            .bind(root.get())
            .bind(first)
            .bind(last)
            .bind(from.to_vec())
            .bind(limit as i64)
            .fetch_all(self.readers())
            .await?;
        let directory = |row: &Row| -> Result<_, CatalogError> {
            let id = DirectoryId::new(row.try_get(1)?);
            Ok((row.try_get(0)?, DirectoryDigest { id, digest: row.try_get(2)? }))
        };
        rows.iter().map(directory).collect()
    }

    /// Patterns of the ignore rules that hold for a root.
    pub async fn ignore_rules(&self, root: SourceRootId) -> Result<Vec<String>, CatalogError> {
        let sql = "SELECT pattern FROM ignore_rule WHERE active = 1 AND (source_root_id IS NULL OR source_root_id = $1)
                   ORDER BY id";
        let rows = db::query(sql).bind(root.get()).fetch_all(self.readers()).await?;
        rows.iter().map(|row| row.try_get(0)).collect()
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

fn stored_entry(row: &Row) -> Result<StoredEntry, CatalogError> {
    let (id, name) = (LocationId::new(row.try_get(0)?), row.try_get(1)?);
    Ok(StoredEntry { id, name, stat: stat(row, 2)?, deleted: row.try_get(6)? })
}
