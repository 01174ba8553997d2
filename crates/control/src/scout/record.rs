//! What the tagger found out, gathered and written in short transactions.

use super::pass_mark::PassMark;
use super::progress::Progress;
use super::routes::{Routed, Routes};
use super::scout_error::ScoutError;
use crate::clock::Clock;
use catalog::{Catalog, CatalogError, RecordCounts, Tagged, TodoLocation};
use protocol::{ContentHash, FileStat, LocationId};
use std::time::{Duration, Instant};

/// What one transaction may cost, in locations that are only marked.
const COST_MAX: usize = 5_000;
/// A version with its jobs takes so much longer than a mark.
const VERSION_COST: usize = 10;
/// What was found does not wait longer: a job may start from it.
const AGE_MAX: Duration = Duration::from_millis(100);

/// What is known of one location.
#[derive(Debug)]
pub(crate) struct Found {
    location: LocationId,
    /// Relative to its source root.
    path: Vec<u8>,
    /// What the inventory says.
    seen: FileStat,
    /// What it is.
    stat: FileStat,
    /// None: it only has to be routed.
    hash: Option<ContentHash>,
    racy: bool,
    has_version: bool,
    /// What it holds now was not hashed.
    dirty: bool,
}

impl Found {
    pub(crate) fn routed(location: &TodoLocation, path: Vec<u8>) -> Self {
        Self {
            location: location.id,
            path,
            seen: location.stat,
            stat: location.stat,
            hash: None,
            racy: location.racy,
            has_version: location.current.is_some(),
            dirty: location.dirty,
        }
    }

    pub(crate) fn hashed(
        location: &TodoLocation,
        path: Vec<u8>,
        stat: FileStat,
        hash: ContentHash,
        racy: bool,
    ) -> Self {
        Self { stat, hash: Some(hash), racy, ..Self::routed(location, path) }
    }
}

pub(crate) struct Recorder<'a> {
    catalog: &'a Catalog,
    clock: &'a dyn Clock,
    progress: &'a Progress,
    found: Vec<Found>,
    cost: usize,
    oldest: Option<Instant>,
    pub(crate) counts: RecordCounts,
}

impl<'a> Recorder<'a> {
    pub(crate) fn new(catalog: &'a Catalog, clock: &'a dyn Clock, progress: &'a Progress) -> Self {
        Self {
            catalog,
            clock,
            progress,
            found: Vec::new(),
            cost: 0,
            oldest: None,
            counts: RecordCounts::default(),
        }
    }

    pub(crate) fn push(&mut self, found: Found) {
        self.oldest.get_or_insert_with(Instant::now);
        let is_mark = found.hash.is_none() && !found.has_version;
        self.cost += if is_mark { 1 } else { VERSION_COST };
        self.found.push(found);
    }

    pub(crate) async fn write_if_due(
        &mut self,
        routes: &mut Routes,
        mark: &mut PassMark<'_>,
    ) -> Result<(), ScoutError> {
        let is_old = self.oldest.is_some_and(|oldest| oldest.elapsed() >= AGE_MAX);
        if self.cost >= COST_MAX || is_old {
            self.write(routes, mark).await?;
        }
        Ok(())
    }

    /// Where the rules moved meanwhile, what was found is routed by the new ones.
    pub(crate) async fn write(
        &mut self,
        routes: &mut Routes,
        mark: &mut PassMark<'_>,
    ) -> Result<(), ScoutError> {
        while !self.found.is_empty() {
            match self.try_write(routes, mark).await {
                Ok(()) => self.found.clear(),
                Err(CatalogError::RulesMoved) => *routes = Routes::load(self.catalog).await?,
                Err(error) => return Err(error.into()),
            }
        }
        self.oldest = None;
        self.cost = 0;
        Ok(())
    }

    async fn try_write(
        &mut self,
        routes: &Routes,
        mark: &mut PassMark<'_>,
    ) -> Result<(), CatalogError> {
        let now_us = self.clock.now_us();
        let mut tx = self.catalog.begin_scout().await?;
        let routed: Vec<_> = self.found.iter().map(|found| routes.of(&found.path)).collect();
        let both = || self.found.iter().zip(&routed).filter(|(f, r)| !has_to_be_hashed(f, r));
        let unrouted: Vec<_> =
            both().filter(|(f, r)| is_unrouted(f, r)).map(|(f, _)| f.location).collect();
        tx.mark_unrouted(&unrouted, routes.epoch()).await?;
        let tagged: Vec<_> =
            both().filter(|(f, r)| !is_unrouted(f, r)).map(|(f, r)| tagged(f, r)).collect();
        let counts = tx.record(&tagged, routes.epoch(), now_us).await?;
        mark.keep_with(&mut tx, now_us).await?;
        tx.commit().await?;
        self.counts.versions += counts.versions;
        self.counts.jobs += counts.jobs;
        self.counts.skipped += counts.skipped;
        self.progress.versions.add(counts.versions);
        Ok(())
    }
}

/// The rules moved, and by the new ones somebody wants it: it stays to be done.
fn has_to_be_hashed(found: &Found, routed: &Routed<'_>) -> bool {
    found.hash.is_none() && found.dirty && !routed.plugins.is_empty()
}

/// There is nothing to say of it but that nobody wants it.
fn is_unrouted(found: &Found, routed: &Routed<'_>) -> bool {
    found.hash.is_none() && !found.has_version && routed.plugins.is_empty()
}

fn tagged<'a>(found: &'a Found, routed: &'a Routed<'a>) -> Tagged<'a> {
    Tagged {
        location: found.location,
        seen: found.seen,
        stat: found.stat,
        hash: found.hash,
        racy: found.racy,
        tags: &routed.tags,
        plugins: &routed.plugins,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architect::{Registrar, RegistrySettings, SqlCheck};
    use crate::clock::SystemClock;
    use catalog::{NewDirectory, NewLocation, OpenMode};

    #[tokio::test]
    async fn a_file_that_is_wanted_by_rules_which_moved_meanwhile_stays_to_be_hashed() {
        let project = tempfile::tempdir().unwrap();
        let path = project.path().join("catalog.db");
        let catalog = Catalog::open(path.to_str().unwrap(), OpenMode::ReadWrite).await.unwrap();
        let root = one_location(&catalog).await;
        let mut routes = Routes::load(&catalog).await.unwrap();
        let [location] =
            catalog.todo(&[root], i64::MAX, None, 9).await.unwrap().try_into().unwrap();
        want_csv(project.path(), &catalog).await;

        let progress = Progress::default();
        let mut recorder = Recorder::new(&catalog, &SystemClock, &progress);
        recorder.push(Found::routed(&location, b"a.csv".to_vec()));
        let mut mark = PassMark::new(&catalog, &SystemClock);
        recorder.write(&mut routes, &mut mark).await.unwrap();

        let todo = catalog.todo(&[root], routes.epoch(), None, 9).await.unwrap();
        assert_eq!(todo, [location]);
    }

    async fn one_location(catalog: &Catalog) -> protocol::SourceRootId {
        let stat = FileStat { inode: 1, size: 1, mtime_ns: 1, ctime_ns: 1 };
        let mut tx = catalog.begin_scout().await.unwrap();
        let root = tx.register_root(b"/r", 1).await.unwrap();
        let directory = NewDirectory { path: b"", digest: None };
        let directory = tx.upsert_directories(root, &[directory], 1).await.unwrap()[0];
        let location = NewLocation { directory, name: b"a.csv".to_vec(), stat };
        tx.upsert_locations(&[location], 1).await.unwrap();
        tx.commit().await.unwrap();
        root
    }

    async fn want_csv(project: &std::path::Path, catalog: &Catalog) {
        let plugins = project.join("plugins");
        std::fs::create_dir(&plugins).unwrap();
        let source = "# PATTERN: *.csv\n# TOPIC: t\nclass Handler:\n    pass\n";
        std::fs::write(plugins.join("p.py"), source).unwrap();
        let epoch = catalog.take_sentinel_epoch().await.unwrap();
        let check = SqlCheck { statements: |_| Ok(Vec::new()), reader: |_| Ok(()) };
        let mut registrar = Registrar::new(Some(plugins), RegistrySettings::default(), check);
        assert!(registrar.refresh(catalog, epoch, 1).await.unwrap());
    }
}
