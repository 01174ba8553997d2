//! One round of scout over its sources: the inventory of each, then the tagger over all of them.

use super::pass_mark::PassMark;
use super::progress::Progress;
use super::report::PassReport;
use super::roots::Roots;
use super::routes::Routes;
use super::scout_error::ScoutError;
use super::source::Source;
use super::tagger::Tagger;
use super::visit::Visit;
use super::walk::{Hint, Start};
use super::watch::Watcher;
use crate::clock::Clock;
use crate::stop::Stop;
use catalog::Catalog;
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
    /// What is missing in a source root that is in doubt is deleted.
    pub confirm_deletions: bool,
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
    /// A source that is away is waited for, also where it is the only one.
    pub(crate) is_standing: bool,
}

impl Scout {
    pub fn new(catalog: Catalog, clock: Arc<dyn Clock>, settings: ScoutSettings) -> Self {
        Self {
            catalog,
            clock,
            settings,
            progress: Arc::new(Progress::default()),
            is_standing: false,
        }
    }

    /// Counters of the pass under way.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// The inventory alone: no file is opened, nothing is versioned.
    pub async fn scan(&mut self, stop: &Stop) -> Result<PassReport, ScoutError> {
        let (mut report, began) = self.begin();
        let visit = Visit { look: &Look::All, routes: None, watcher: None, stop };
        self.inventory(&visit, &mut report).await?;
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
        let visit = Visit { look, routes: Some(&routes), watcher, stop };
        let roots = self.inventory(&visit, &mut report).await?;
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

    fn begin(&mut self) -> (PassReport, Instant) {
        self.settings.sources.iter_mut().for_each(Source::look_again);
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

    pub(crate) fn of(&self, source: usize) -> Option<Start> {
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
