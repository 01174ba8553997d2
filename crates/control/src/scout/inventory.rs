//! Compares what the walk lists with what the catalog knows, and writes the difference: nothing where nothing changed.
//!
//! A directory's digest is stored in the transaction that stores the last of its entries, or in a later one; so a kill
//! in between costs a comparison, never a file. A name counts as deleted only when `lstat` says so too.

use super::batch::{Batch, Departure, GONE, Home, ROWS_MAX};
use super::below;
use super::listing::{Entry, Listing};
use super::progress::Progress;
use super::routes::Routes;
use super::scout_error::ScoutError;
use super::source::{OpenRoot, is_file};
use super::stored::StoredEntries;
use super::vanished::{self, Fate};
use super::walk::{Bunch, Walk};
use crate::clock::Clock;
use crate::stop::Stop;
use catalog::{Catalog, DirectoryDigest, NewDirectory, StoredEntry};
use protocol::{DirectoryId, SourceRootId};
use rustix::io::Errno;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::sync::Arc;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct InventoryCounts {
    pub(crate) directories_seen: u64,
    pub(crate) files_seen: u64,
    pub(crate) files_new: u64,
    pub(crate) files_changed: u64,
    pub(crate) files_deleted: u64,
    /// Files that are not there, and were not taken away.
    pub(crate) missing: u64,
    pub(crate) transactions: u64,
}

/// What becomes of files that are not there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deletions {
    Taken,
    /// They are counted, and stay: the root may not be what it was.
    Withheld,
}

impl InventoryCounts {
    /// Of a walk over what another one has just walked.
    pub(crate) fn after(self, first: &Self) -> Self {
        Self {
            files_new: self.files_new + first.files_new,
            files_changed: self.files_changed + first.files_changed,
            files_deleted: self.files_deleted + first.files_deleted,
            transactions: self.transactions + first.transactions,
            ..self
        }
    }
}

pub(crate) struct Inventory<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) progress: &'a Progress,
    pub(crate) root: &'a OpenRoot,
    pub(crate) root_id: SourceRootId,
    /// None: nothing is routed here.
    routes: Option<&'a Routes>,
    deletions: Deletions,
    pub(crate) counts: InventoryCounts,
    batch: Batch,
}

impl<'a> Inventory<'a> {
    pub(crate) fn new(
        catalog: &'a Catalog,
        clock: &'a dyn Clock,
        progress: &'a Progress,
        root: &'a OpenRoot,
        root_id: SourceRootId,
        routes: Option<&'a Routes>,
        deletions: Deletions,
    ) -> Self {
        let (counts, batch) = (InventoryCounts::default(), Batch::default());
        Self { catalog, clock, progress, root, root_id, routes, deletions, counts, batch }
    }

    /// Takes the walk's listings until its end, or until stopped: then what was seen is stored, and nothing else.
    pub(crate) async fn run(&mut self, mut walk: Walk, stop: &Stop) -> Result<(), ScoutError> {
        while let Some(Bunch { listings, share }) = walk.next().await {
            if stop.is_wanted() {
                break;
            }
            self.take(listings).await?;
            drop(share);
        }
        self.flush().await
    }

    /// One file that was named by itself: nothing is said of its neighbours.
    pub(crate) async fn run_one(&mut self, listing: Listing) -> Result<(), ScoutError> {
        self.know_above(&[&listing.path]).await?;
        self.take(vec![listing]).await?;
        self.flush().await
    }

    /// Makes the rows of all directories above some, so that whoever lists one of them asks what was known below it.
    pub(crate) async fn know_above(&mut self, paths: &[&[u8]]) -> Result<(), ScoutError> {
        let above: BTreeSet<&[u8]> = paths.iter().flat_map(|path| below::above(path)).collect();
        let above: Vec<_> = above.into_iter().collect();
        let stored = self.catalog.directory_digests(self.root_id, &above).await?;
        for (path, _) in above.iter().zip(stored).filter(|(_, stored)| stored.is_none()) {
            self.batch.new_directory((*path).into(), None);
            self.flush_if_full().await?;
        }
        self.flush().await
    }

    async fn take(&mut self, listings: Vec<Listing>) -> Result<(), ScoutError> {
        let paths: Vec<&[u8]> = listings.iter().map(|listing| &*listing.path).collect();
        let stored = self.catalog.directory_digests(self.root_id, &paths).await?;
        let mut changed = Vec::new();
        for (mut listing, stored) in listings.into_iter().zip(stored) {
            self.counts.directories_seen += 1;
            self.counts.files_seen += listing.files.len() as u64;
            match stored {
                Some(stored) if is_same(&listing, &stored) => {}
                Some(stored) => changed.push((listing, stored)),
                None => {
                    listing.sort();
                    self.store_new(&listing).await?;
                }
            }
        }
        // In the order in which the catalog reads their entries; and each once, if the kernel listed one twice.
        changed.sort_by_key(|(_, stored)| stored.id);
        changed.dedup_by_key(|(_, stored)| stored.id);
        let ids = changed.iter().map(|(_, stored)| stored.id).collect();
        let mut entries = StoredEntries::new(self.catalog, ids);
        for (mut listing, stored) in changed {
            listing.sort();
            self.compare(&listing, &stored, &mut entries).await?;
        }
        Ok(())
    }

    /// A directory that the catalog does not know, so that there is nothing to compare with.
    async fn store_new(&mut self, listing: &Listing) -> Result<(), ScoutError> {
        let digest = listing.complete.then(|| listing.digest.to_bytes());
        self.counts.files_new += listing.files.len() as u64;
        if self.batch.len() + listing.files.len() > ROWS_MAX {
            self.flush().await?;
        }
        if listing.files.len() < ROWS_MAX {
            let home = self.batch.new_directory(Arc::clone(&listing.path), digest);
            listing.files.iter().for_each(|file| self.store_file(home, listing, file));
            return Ok(());
        }
        let id = self.make_directory(&listing.path).await?;
        for file in &listing.files {
            self.store_file(Home::Known(id), listing, file);
            self.flush_if_full().await?;
        }
        self.batch.digest(id, digest.as_ref().map(|digest| &digest[..]));
        Ok(())
    }

    /// A file that the catalog does not know. What nobody wants is routed with that, and the tagger never sees it.
    fn store_file(&mut self, home: Home, listing: &Listing, file: &Entry) {
        let name = listing.name(file);
        let unwanted = |routes: &&Routes| !routes.want(&below::join(&listing.path, name));
        match self.routes.filter(unwanted) {
            Some(routes) => self.batch.store_unrouted(home, name, file.stat, routes.epoch()),
            None => self.batch.store(home, name, file.stat),
        }
    }

    /// The row of a directory whose entries take more than one transaction.
    async fn make_directory(&mut self, path: &[u8]) -> Result<DirectoryId, ScoutError> {
        let now_us = self.clock.now_us();
        let mut tx = self.catalog.begin_scout().await?;
        let directory = NewDirectory { path, digest: None };
        let ids = tx.upsert_directories(self.root_id, &[directory], now_us).await?;
        tx.commit().await?;
        Ok(ids[0])
    }

    /// Merges the sorted listing with the stored entries.
    async fn compare(
        &mut self,
        listing: &Listing,
        stored: &DirectoryDigest,
        entries: &mut StoredEntries<'_>,
    ) -> Result<(), ScoutError> {
        let mut compared = Compared::new(stored);
        let mut files = listing.files.iter().peekable();
        let mut entry = entries.next(stored.id).await?;
        loop {
            let order = match (files.peek(), &entry) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(file), Some(entry)) => listing.name(file).cmp(&entry.name),
            };
            let known = if order == Ordering::Less { None } else { entry.take() };
            let file = if order == Ordering::Greater { None } else { files.next() };
            match (file, &known) {
                (Some(file), Some(known)) if known.stat == file.stat && !known.deleted => {}
                (Some(file), Some(known)) => {
                    self.counts.files_changed += u64::from(!known.deleted);
                    self.counts.files_new += u64::from(known.deleted);
                    compared.wrote = true;
                    self.batch.store(Home::Known(stored.id), listing.name(file), file.stat);
                }
                (Some(file), None) => {
                    self.counts.files_new += 1;
                    compared.wrote = true;
                    self.store_file(Home::Known(stored.id), listing, file);
                }
                (None, Some(known)) if !known.deleted && listing.complete => {
                    self.miss(listing, known, &mut compared);
                }
                (None, _) => {}
            }
            if known.is_some() {
                entry = entries.next(stored.id).await?;
            }
            if self.batch.is_full() {
                self.flush_within(&mut compared).await?;
            }
        }
        self.finish_compare(listing, stored, compared).await
    }

    /// A stored name that the directory does not list any more.
    fn miss(&mut self, listing: &Listing, known: &StoredEntry, compared: &mut Compared) {
        let path = below::join(&listing.path, &known.name);
        let departure = match below::lstat(self.root.fd.as_fd(), &path) {
            Err(Errno::NOENT | Errno::NOTDIR) => Departure::Deleted,
            Ok(stat) if !is_file(&stat) => Departure::Deleted,
            Ok(stat) if self.root.own.have(&stat) || self.root.own.have_path(&path) => {
                Departure::Ignored
            }
            Ok(_) if listing.ignores.has(&path, false) => Departure::Ignored,
            // It is there: the directory was read while names moved in it. Or nobody can say.
            Ok(_) | Err(_) => {
                compared.sure = false;
                return;
            }
        };
        if self.withholds(departure) {
            self.counts.missing += 1;
            compared.sure = false;
            return;
        }
        self.counts.files_deleted += 1;
        self.batch.leave(known.id, departure);
    }

    fn withholds(&self, departure: Departure) -> bool {
        self.deletions == Deletions::Withheld && departure == Departure::Deleted
    }

    /// In the middle of a directory: it has no digest until all is stored.
    async fn flush_within(&mut self, compared: &mut Compared) -> Result<(), ScoutError> {
        if compared.had_digest {
            self.batch.digest(compared.id, None);
            compared.had_digest = false;
        }
        self.flush().await
    }

    async fn finish_compare(
        &mut self,
        listing: &Listing,
        stored: &DirectoryDigest,
        mut compared: Compared,
    ) -> Result<(), ScoutError> {
        let before = stored.digest.as_deref();
        let may_lack = !before.is_some_and(|digest| listing.digest.has_directories_of(digest));
        if listing.complete && may_lack {
            compared.sure &= self.leave_vanished(listing).await?;
        }
        if listing.complete && compared.sure {
            self.batch.digest(compared.id, Some(&listing.digest.to_bytes()));
        } else if compared.had_digest && (compared.wrote || listing.complete) {
            self.batch.digest(compared.id, None);
        }
        self.flush_if_full().await
    }

    /// Directories of the catalog that are not in the listing any more, with all below them. False: not sure of all.
    async fn leave_vanished(&mut self, listing: &Listing) -> Result<bool, ScoutError> {
        let mut sure = true;
        let mut below = vanished::Below::of(self.catalog, self.root_id, listing);
        while let Some((path, directory)) = below.next().await? {
            match vanished::fate(self.root, listing, &path) {
                Fate::Leaves(departure) if self.withholds(departure) => {
                    self.count_missing(directory).await?;
                    sure = false;
                }
                Fate::Leaves(departure) => self.leave_directory(directory, departure).await?,
                Fate::Unknown => sure = false,
            }
        }
        Ok(sure)
    }

    async fn count_missing(&mut self, directory: DirectoryId) -> Result<(), ScoutError> {
        let mut entries = StoredEntries::new(self.catalog, vec![directory]);
        while let Some(entry) = entries.next(directory).await? {
            self.counts.missing += u64::from(!entry.deleted);
        }
        Ok(())
    }

    async fn leave_directory(
        &mut self,
        directory: DirectoryId,
        departure: Departure,
    ) -> Result<(), ScoutError> {
        let mut entries = StoredEntries::new(self.catalog, vec![directory]);
        // Without a digest until its last file has left.
        self.batch.digest(directory, None);
        while let Some(entry) = entries.next(directory).await? {
            if !entry.deleted {
                self.counts.files_deleted += 1;
                self.batch.leave(entry.id, departure);
            }
            self.flush_if_full().await?;
        }
        self.batch.digest(directory, Some(GONE));
        self.flush_if_full().await
    }

    async fn flush_if_full(&mut self) -> Result<(), ScoutError> {
        if self.batch.is_full() { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), ScoutError> {
        if self.batch.len() == 0 {
            return Ok(());
        }
        let stored = self.batch.locations();
        self.batch.write(self.catalog, self.root_id, self.clock.now_us()).await?;
        self.counts.transactions += 1;
        self.progress.files_stored.add(stored);
        Ok(())
    }
}

/// What is known of a directory while it is compared.
struct Compared {
    id: DirectoryId,
    /// Its old digest still stands in the catalog.
    had_digest: bool,
    /// Everything that is missing is known to be gone.
    sure: bool,
    wrote: bool,
}

impl Compared {
    fn new(stored: &DirectoryDigest) -> Self {
        Self { id: stored.id, had_digest: stored.digest.is_some(), sure: true, wrote: false }
    }
}

fn is_same(listing: &Listing, stored: &DirectoryDigest) -> bool {
    listing.complete && stored.digest.as_deref() == Some(&listing.digest.to_bytes())
}
