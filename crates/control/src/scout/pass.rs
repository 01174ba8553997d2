//! One round of scout over its sources: the inventory of each, then the tagger over all of them.

use super::findings::{Findings, Found};
use super::ignores::Ignores;
use super::inventory::{Inventory, InventoryCounts};
use super::lister::list_one;
use super::pass_mark::PassMark;
use super::progress::Progress;
use super::report::{PassReport, Unreadable};
use super::roots::Roots;
use super::routes::Routes;
use super::scout_error::ScoutError;
use super::source::{OpenRoot, Source};
use super::stop::Stop;
use super::tagger::Tagger;
use super::walk::{Hint, Start, Walk, WalkPlan};
use super::watch::Watcher;
use crate::clock::Clock;
use catalog::Catalog;
use protocol::SourceRootId;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What scout is to do, and with what.
#[derive(Debug, Clone)]
pub struct ScoutSettings {
    pub sources: Vec<Source>,
    /// The project's state and output, directories or files, absolute: never an input.
    pub own: Vec<PathBuf>,
    /// Threads that walk, and threads that hash: the cores of the machine.
    pub threads: usize,
    pub hash: HashMode,
    /// `serve` looks at everything again after this, whatever it was told of changes.
    pub sweep: Duration,
    /// Directories that `serve` asks the kernel to watch, at most. 0: none.
    pub watches_max: usize,
}

/// Which files get a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashMode {
    /// Those that a plugin wants.
    Routed,
    /// All: first those that a plugin wants, then the others.
    All,
}

#[derive(Debug)]
pub struct Scout {
    pub(crate) catalog: Catalog,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: ScoutSettings,
    pub(crate) progress: Arc<Progress>,
}

impl Scout {
    pub fn new(catalog: Catalog, clock: Arc<dyn Clock>, settings: ScoutSettings) -> Self {
        Self { catalog, clock, settings, progress: Arc::new(Progress::default()) }
    }

    /// Counters of the pass under way.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// The inventory alone: no file is opened, nothing is versioned.
    pub async fn scan(&mut self, stop: &Stop) -> Result<PassReport, ScoutError> {
        let (mut report, began) = self.begin();
        self.inventory(&Look::All, None, None, stop, &mut report).await?;
        Ok(self.end(report, began, stop))
    }

    /// Inventory and tagger, until every settled file that is routed has its version and its jobs (with `HashMode::All`,
    /// every settled file). A stop ends it after the batch at hand; the next pass goes on from there.
    pub async fn pass(&mut self, stop: &Stop) -> Result<PassReport, ScoutError> {
        let mut report = self.pass_over(&Look::All, None, stop).await?;
        if self.settings.hash == HashMode::All && !stop.is_wanted() {
            let began = Instant::now();
            self.hash_unrouted(stop, &mut report).await?;
            report.elapsed += began.elapsed();
            self.count_hashed(&mut report);
        }
        Ok(report)
    }

    /// A pass over what may have changed. What nobody wants is not hashed; what is walked is watched from then on.
    pub(crate) async fn pass_over(
        &mut self,
        look: &Look,
        watcher: Option<&Watcher>,
        stop: &Stop,
    ) -> Result<PassReport, ScoutError> {
        let (mut report, began) = self.begin();
        let routes = Routes::load(&self.catalog).await?;
        let roots = self.inventory(look, Some(&routes), watcher, stop, &mut report).await?;
        let mut mark = PassMark::new(&self.catalog, self.clock.as_ref());
        if roots.transactions > 0 {
            mark.adopt();
        }
        let mut tagger = self.tagger(&roots, mark, stop);
        tagger.run(&mut report).await?;
        if !stop.is_wanted() {
            tagger.mark.clear().await?;
        }
        Ok(self.end(report, began, stop))
    }

    /// Versions of files that no plugin wants, for as long as it takes or until stopped.
    pub(crate) async fn hash_unrouted(
        &self,
        stop: &Stop,
        report: &mut PassReport,
    ) -> Result<(), ScoutError> {
        let mut roots = Roots::default();
        for source in &self.settings.sources {
            let opened = source.open(&self.settings.own);
            let known = self.catalog.root_of(source.path_bytes()).await?;
            if let (Ok(open), Some(id)) = (opened, known) {
                roots.add(source, id, &Arc::new(open));
            }
        }
        let mark = PassMark::new(&self.catalog, self.clock.as_ref());
        self.tagger(&roots, mark, stop).run_unrouted(report).await
    }

    fn begin(&self) -> (PassReport, Instant) {
        self.progress.reset();
        (PassReport::default(), Instant::now())
    }

    fn end(&self, mut report: PassReport, began: Instant, stop: &Stop) -> PassReport {
        self.count_hashed(&mut report);
        report.stopped = stop.is_wanted();
        report.elapsed = began.elapsed();
        report
    }

    fn count_hashed(&self, report: &mut PassReport) {
        let counts = self.progress.counts();
        report.files_hashed = counts.files_hashed;
        report.bytes_hashed = counts.bytes_hashed;
    }

    fn tagger<'a>(&'a self, roots: &'a Roots, mark: PassMark<'a>, stop: &'a Stop) -> Tagger<'a> {
        Tagger {
            catalog: &self.catalog,
            clock: &self.clock,
            progress: &self.progress,
            roots,
            stop,
            threads: self.settings.threads,
            mark,
        }
    }

    /// A root that cannot be read is reported, and the others go on; with a single source it is an error.
    async fn inventory(
        &self,
        look: &Look,
        routes: Option<&Routes>,
        watcher: Option<&Watcher>,
        stop: &Stop,
        report: &mut PassReport,
    ) -> Result<Roots, ScoutError> {
        let mut roots = Roots::default();
        for (index, source) in self.settings.sources.iter().enumerate() {
            if stop.is_wanted() {
                break;
            }
            let open = match source.open(&self.settings.own) {
                Ok(open) => Arc::new(open),
                Err(error) if self.settings.sources.len() == 1 => return Err(error),
                Err(error) => {
                    let path = source.path_bytes().to_vec();
                    report.unreadable.add(|| Unreadable { path, reason: error.to_string() });
                    continue;
                }
            };
            let id = self.root_id(source).await?;
            let mut inventory = self.inventory_of(&open, id, routes);
            match (source.only(), look.of(index)) {
                (Some(file), _) => self.look_at(&mut inventory, source, file).await?,
                (None, Some(start)) => {
                    let findings = Arc::new(Findings::default());
                    let plan = WalkPlan {
                        root: Arc::clone(&open),
                        ignores: self.ignores(id, source).await?,
                        findings: Arc::clone(&findings),
                        progress: Arc::clone(&self.progress),
                        stop: stop.clone(),
                        watch: watcher.map(|watcher| watcher.watch(index)),
                        threads: self.settings.threads,
                    };
                    walk(&mut inventory, plan, start).await?;
                    add_findings(report, findings.take());
                }
                (None, None) => {}
            }
            add_counts(report, inventory.counts);
            roots.transactions += inventory.counts.transactions;
            roots.add(source, id, &open);
        }
        Ok(roots)
    }

    async fn root_id(&self, source: &Source) -> Result<SourceRootId, ScoutError> {
        if let Some(known) = self.catalog.root_of(source.path_bytes()).await? {
            return Ok(known);
        }
        let mut tx = self.catalog.begin_scout().await?;
        let id = tx.register_root(source.path_bytes(), self.clock.now_us()).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// One file that was named by itself.
    async fn look_at(
        &self,
        inventory: &mut Inventory<'_>,
        source: &Source,
        file: &[u8],
    ) -> Result<(), ScoutError> {
        let missing = |error: rustix::io::Errno| ScoutError::SourceUnreadable {
            path: source.path().join(super::source::path_from(file)),
            cause: error.into(),
        };
        let listing = list_one(inventory.root, file).map_err(missing)?;
        self.progress.files_seen.add(1);
        inventory.run_one(listing).await
    }

    async fn ignores(&self, id: SourceRootId, source: &Source) -> Result<Ignores, ScoutError> {
        let rules = self.catalog.ignore_rules(id).await?;
        Ok(source.ignores(&rules)?)
    }

    fn inventory_of<'a>(
        &'a self,
        open: &'a OpenRoot,
        id: SourceRootId,
        routes: Option<&'a Routes>,
    ) -> Inventory<'a> {
        Inventory::new(&self.catalog, self.clock.as_ref(), &self.progress, open, id, routes)
    }
}

/// Where a pass looks for changes.
#[derive(Debug)]
pub(crate) enum Look {
    All,
    /// Only here; by the index of the source.
    Hints(Vec<(usize, Hint)>),
}

impl Look {
    /// Only at what is known to be to do.
    pub(crate) fn nowhere() -> Self {
        Self::Hints(Vec::new())
    }

    fn of(&self, source: usize) -> Option<Start> {
        match self {
            Self::All => Some(Start::Whole),
            Self::Hints(hints) => {
                let its = hints.iter().filter(|(index, _)| *index == source);
                let its: Vec<_> = its.map(|(_, hint)| hint.clone()).collect();
                (!its.is_empty()).then_some(Start::Some(its))
            }
        }
    }
}

async fn walk(
    inventory: &mut Inventory<'_>,
    plan: WalkPlan,
    start: Start,
) -> Result<(), ScoutError> {
    if let Start::Some(hints) = &start {
        let paths: Vec<&[u8]> = hints.iter().map(|hint| hint.path.as_slice()).collect();
        inventory.know_above(&paths).await?;
    }
    let stop = plan.stop.clone();
    inventory.run(Walk::start(plan, start)?, &stop).await
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
