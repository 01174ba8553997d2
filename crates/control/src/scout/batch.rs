//! What one short write transaction of the inventory will store.

use super::digest::DIGEST_LEN;
use catalog::{Catalog, CatalogError, NewDirectory, NewLocation};
use protocol::{DirectoryId, FileStat, LocationId, SourceRootId};
use std::sync::Arc;
use std::time::Duration;

/// Rows in one transaction: a few milliseconds each, far below what would starve leases.
pub(crate) const ROWS_MAX: usize = 4_000;
/// How far ahead a pass says that it is still open. Each of its transactions says it again.
pub(crate) const PASS_OPEN: Duration = Duration::from_secs(30);
/// The digest of a directory that is gone, and whose files are all marked so.
pub(crate) const GONE: &[u8] = b"";

/// None: the entries are not all stored yet.
type Digest = Option<[u8; DIGEST_LEN]>;

#[derive(Debug, Default)]
pub(crate) struct Batch {
    directories: Vec<(Arc<[u8]>, Digest)>,
    /// To be routed, and perhaps hashed.
    locations: Vec<Location>,
    /// New ones that nobody wants by the rules of the epoch.
    unrouted: Vec<Location>,
    unrouted_epoch: i64,
    deleted: Vec<LocationId>,
    ignored: Vec<LocationId>,
    digests: Vec<(DirectoryId, Option<Vec<u8>>)>,
}

#[derive(Debug)]
struct Location {
    home: Home,
    name: Vec<u8>,
    stat: FileStat,
}

/// The directory of a location.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Home {
    Known(DirectoryId),
    /// Made in the same transaction.
    New(usize),
}

/// Why a location leaves the inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Departure {
    Deleted,
    /// The file is there, and an ignore rule says that it is none of ours: its rows stay.
    Ignored,
}

impl Batch {
    pub(crate) fn len(&self) -> usize {
        self.directories.len()
            + self.locations.len()
            + self.unrouted.len()
            + self.deleted.len()
            + self.ignored.len()
            + self.digests.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len() >= ROWS_MAX
    }

    /// How many locations come, in whatever way.
    pub(crate) fn locations(&self) -> u64 {
        (self.locations.len() + self.unrouted.len()) as u64
    }

    pub(crate) fn new_directory(&mut self, path: Arc<[u8]>, digest: Digest) -> Home {
        self.directories.push((path, digest));
        Home::New(self.directories.len() - 1)
    }

    pub(crate) fn store(&mut self, home: Home, name: &[u8], stat: FileStat) {
        self.locations.push(Location { home, name: name.to_vec(), stat });
    }

    /// A new location that nobody wants by the rules of `epoch`.
    pub(crate) fn store_unrouted(&mut self, home: Home, name: &[u8], stat: FileStat, epoch: i64) {
        self.unrouted.push(Location { home, name: name.to_vec(), stat });
        // One pass has one set of rules.
        self.unrouted_epoch = epoch;
    }

    pub(crate) fn leave(&mut self, location: LocationId, departure: Departure) {
        match departure {
            Departure::Deleted => self.deleted.push(location),
            Departure::Ignored => self.ignored.push(location),
        }
    }

    /// What is pushed later holds.
    pub(crate) fn digest(&mut self, directory: DirectoryId, digest: Option<&[u8]>) {
        self.digests.push((directory, digest.map(<[u8]>::to_vec)));
    }

    /// Everything or nothing.
    pub(crate) async fn write(
        &mut self,
        catalog: &Catalog,
        root: SourceRootId,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let mut tx = catalog.begin_scout().await?;
        let directories = self.directories.iter();
        let directories: Vec<_> = directories
            .map(|(path, digest)| NewDirectory { path, digest: digest.as_ref().map(|d| &d[..]) })
            .collect();
        let ids = tx.upsert_directories(root, &directories, now_us).await?;
        tx.upsert_locations(&resolved(&mut self.locations, &ids), now_us).await?;
        let unrouted = resolved(&mut self.unrouted, &ids);
        tx.insert_unrouted(&unrouted, self.unrouted_epoch, now_us).await?;
        tx.mark_deleted(&self.deleted, now_us).await?;
        tx.mark_ignored(&self.ignored, now_us).await?;
        tx.set_digests(&self.last_digests()).await?;
        tx.set_pass_open_until(pass_open_until(now_us)).await?;
        tx.commit().await?;
        *self = Self::default();
        Ok(())
    }

    /// One per directory: a statement that updates a row twice may keep either.
    fn last_digests(&self) -> Vec<(DirectoryId, Option<&[u8]>)> {
        let mut digests: Vec<_> =
            self.digests.iter().rev().map(|(id, digest)| (*id, digest.as_deref())).collect();
        digests.sort_by_key(|(id, _)| *id);
        digests.dedup_by_key(|(id, _)| *id);
        digests
    }
}

fn resolved(locations: &mut Vec<Location>, new: &[DirectoryId]) -> Vec<NewLocation> {
    let resolve =
        |it: Location| NewLocation { directory: it.home.id(new), name: it.name, stat: it.stat };
    locations.drain(..).map(resolve).collect()
}

impl Home {
    fn id(self, new: &[DirectoryId]) -> DirectoryId {
        match self {
            Self::Known(id) => id,
            Self::New(index) => new[index],
        }
    }
}

pub(crate) fn pass_open_until(now_us: i64) -> i64 {
    now_us.saturating_add(i64::try_from(PASS_OPEN.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_digest_of_a_directory_holds() {
        let mut batch = Batch::default();
        let (a, b) = (DirectoryId::new(1), DirectoryId::new(2));
        batch.digest(b, Some(b"old"));
        batch.digest(a, None);
        batch.digest(b, Some(b"new"));
        assert_eq!(batch.last_digests(), [(a, None), (b, Some(b"new".as_slice()))]);
    }
}
