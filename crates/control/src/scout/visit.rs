//! The source roots of a pass, one after the other: where each lies, its walk, and what is believed of it.

use super::doubt::{is_doubtful, suspicion};
use super::findings::{Findings, Found};
use super::ignores::Ignores;
use super::inventory::{Deletions, Inventory, InventoryCounts};
use super::lister::list_one;
use super::pass::{Look, Scout};
use super::report::{PassReport, RootInDoubt, Unreadable};
use super::roots::Roots;
use super::routes::Routes;
use super::scout_error::ScoutError;
use super::source::{OpenRoot, Source, path_from};
use super::walk::{Start, Walk, WalkPlan};
use super::watch::Watcher;
use crate::stop::Stop;
use catalog::{KnownRoot, Place, RootDoubt};
use std::sync::Arc;

/// What is the same for all source roots of a pass.
pub(crate) struct Visit<'a> {
    pub(crate) look: &'a Look,
    /// None: nothing is routed.
    pub(crate) routes: Option<&'a Routes>,
    pub(crate) watcher: Option<&'a Watcher>,
    pub(crate) stop: &'a Stop,
}

/// A source root that is there.
struct Visited<'a> {
    index: usize,
    source: &'a Source,
    open: Arc<OpenRoot>,
    known: KnownRoot,
}

impl Scout {
    /// A root that cannot be read is reported, and the others go on. Where it is the only one that is an error, unless it is waited for.
    pub(crate) async fn inventory(
        &self,
        visit: &Visit<'_>,
        report: &mut PassReport,
    ) -> Result<Roots, ScoutError> {
        let mut roots = Roots::default();
        let is_alone = self.settings.sources.len() == 1;
        for (index, source) in self.settings.sources.iter().enumerate() {
            if visit.stop.is_wanted() {
                break;
            }
            match self.visit(index, source, visit, &mut roots, report).await {
                Ok(()) => {}
                Err(error @ ScoutError::Catalog(_)) => return Err(error),
                Err(error) if is_alone && !(self.is_standing && error.may_pass()) => {
                    return Err(error);
                }
                Err(_) if visit.look.of(index).is_none() => {}
                Err(error) => {
                    let path = source.path_bytes().to_vec();
                    report.unreadable.add(|| Unreadable { path, reason: error.to_string() });
                }
            }
        }
        Ok(roots)
    }

    async fn visit(
        &self,
        index: usize,
        source: &Source,
        visit: &Visit<'_>,
        roots: &mut Roots,
        report: &mut PassReport,
    ) -> Result<(), ScoutError> {
        let open = Arc::new(source.open(&self.settings.own)?);
        let known = self.known_root(source).await?;
        let root = Visited { index, source, open, known };
        let counts = match (source.only(), visit.look.of(index)) {
            (Some(file), _) => self.look_at(&root, file, visit).await?,
            (None, Some(start)) => self.look_below(&root, start, visit, report).await?,
            (None, None) => InventoryCounts::default(),
        };
        add_counts(report, counts);
        roots.transactions += counts.transactions;
        roots.add(source, known.id, &root.open);
        Ok(())
    }

    async fn known_root(&self, source: &Source) -> Result<KnownRoot, ScoutError> {
        if let Some(known) = self.catalog.known_root(source.path_bytes()).await? {
            return Ok(known);
        }
        let mut tx = self.catalog.begin_scout().await?;
        let id = tx.register_root(source.path_bytes(), self.clock.now_us()).await?;
        tx.commit().await?;
        Ok(KnownRoot { id, place: None, doubt: None })
    }

    /// One file that was named by itself.
    async fn look_at(
        &self,
        root: &Visited<'_>,
        file: &[u8],
        visit: &Visit<'_>,
    ) -> Result<InventoryCounts, ScoutError> {
        let missing = |error: rustix::io::Errno| ScoutError::SourceUnreadable {
            path: root.source.path().join(path_from(file)),
            cause: error.into(),
        };
        let listing = list_one(&root.open, file).map_err(missing)?;
        self.progress.files_seen.add(1);
        let mut inventory = self.inventory_of(root, visit, Deletions::Taken);
        inventory.run_one(listing).await?;
        Ok(inventory.counts)
    }

    /// Where something speaks against it, a first walk takes nothing away, and says whether a second one may.
    async fn look_below(
        &self,
        root: &Visited<'_>,
        start: Start,
        visit: &Visit<'_>,
        report: &mut PassReport,
    ) -> Result<InventoryCounts, ScoutError> {
        let (known, place) = (&root.known, root.open.place);
        let is_empty = root.open.is_empty().map_err(|cause| root.source.unreadable(cause))?;
        let reason = suspicion(known, place, is_empty);
        let Some(reason) = reason.filter(|_| !self.settings.confirm_deletions) else {
            self.trust(known, place).await?;
            return self.walk(root, start, visit, Deletions::Taken, report).await;
        };
        let stood = known.doubt.is_some_and(|doubt| doubt.reason == reason);
        if stood && matches!(start, Start::Some(_)) {
            // Nothing new: the sweep looks at it again.
            return Ok(InventoryCounts::default());
        }
        let first = self.walk(root, Start::Whole, visit, Deletions::Withheld, report).await?;
        if visit.stop.is_wanted() {
            return Ok(first);
        }
        let found = if stood { 0 } else { first.files_seen - first.files_new };
        if is_doubtful(reason, found, first.missing) {
            let doubt = RootDoubt { reason, missing: first.missing };
            self.doubt(known, doubt).await?;
            let path = root.source.path_bytes().to_vec();
            report.in_doubt.add(|| RootInDoubt { path, doubt });
            return Ok(first);
        }
        self.trust(known, place).await?;
        if first.missing == 0 {
            return Ok(first);
        }
        let second = self.walk(root, Start::Whole, visit, Deletions::Taken, report).await?;
        Ok(second.after(&first))
    }

    async fn walk(
        &self,
        root: &Visited<'_>,
        start: Start,
        visit: &Visit<'_>,
        deletions: Deletions,
        report: &mut PassReport,
    ) -> Result<InventoryCounts, ScoutError> {
        let findings = Arc::new(Findings::default());
        let plan = WalkPlan {
            root: Arc::clone(&root.open),
            ignores: self.ignores(root).await?,
            findings: Arc::clone(&findings),
            progress: Arc::clone(&self.progress),
            stop: visit.stop.clone(),
            watch: visit.watcher.map(|watcher| watcher.watch(root.index)),
            threads: self.settings.threads,
            path_len_max: self.catalog.path_len_max(),
        };
        let mut inventory = self.inventory_of(root, visit, deletions);
        if let Start::Some(hints) = &start {
            let paths: Vec<&[u8]> = hints.iter().map(|hint| hint.path.as_slice()).collect();
            inventory.know_above(&paths).await?;
        }
        inventory.run(Walk::start(plan, start)?, visit.stop).await?;
        add_findings(report, findings.take());
        Ok(inventory.counts)
    }

    /// Writes only what is new.
    async fn trust(&self, known: &KnownRoot, place: Place) -> Result<(), ScoutError> {
        if known.place == Some(place) && known.doubt.is_none() {
            return Ok(());
        }
        let mut tx = self.catalog.begin_scout().await?;
        tx.trust_root(known.id, place).await?;
        Ok(tx.commit().await?)
    }

    async fn doubt(&self, known: &KnownRoot, doubt: RootDoubt) -> Result<(), ScoutError> {
        if known.doubt == Some(doubt) {
            return Ok(());
        }
        let mut tx = self.catalog.begin_scout().await?;
        tx.doubt_root(known.id, doubt, self.clock.now_us()).await?;
        Ok(tx.commit().await?)
    }

    async fn ignores(&self, root: &Visited<'_>) -> Result<Ignores, ScoutError> {
        let rules = self.catalog.ignore_rules(root.known.id).await?;
        Ok(root.source.ignores(&rules)?)
    }

    fn inventory_of<'a>(
        &'a self,
        root: &'a Visited<'_>,
        visit: &Visit<'a>,
        deletions: Deletions,
    ) -> Inventory<'a> {
        let (catalog, clock) = (&self.catalog, self.clock.as_ref());
        let (routes, id) = (visit.routes, root.known.id);
        Inventory::new(catalog, clock, &self.progress, &root.open, id, routes, deletions)
    }
}

fn add_findings(report: &mut PassReport, found: Found) {
    report.unreadable.append(found.unreadable);
    report.passed_over.append(found.passed_over);
    report.bad_ignores.append(found.bad_ignores);
}

fn add_counts(report: &mut PassReport, counts: InventoryCounts) {
    report.directories_seen += counts.directories_seen;
    report.files_seen += counts.files_seen;
    report.files_new += counts.files_new;
    report.files_changed += counts.files_changed;
    report.files_deleted += counts.files_deleted;
}
