//! Versions and routes what the inventory left to do. First new files, then rewritten ones: a content that moved is
//! known at its new path before the old one changes. Version, tags and jobs of a file are one transaction.

use super::below::join;
use super::hash::{HashJob, Hashed, Hasher};
use super::pass_mark::PassMark;
use super::progress::Progress;
use super::record::{Found, Recorder};
use super::report::{Bounded, PassReport, Unreadable};
use super::roots::Roots;
use super::routes::Routes;
use super::scout_error::ScoutError;
use super::settle;
use crate::clock::Clock;
use crate::stop::Stop;
use catalog::{Catalog, TodoLocation};
use std::sync::Arc;
use std::time::Duration;

/// Locations read at once.
const PAGE: usize = 1_000;
/// Files that wait for a hashing thread or are in one. Their names are all that is held of them.
const HASHING_MAX: usize = 512;
/// A file that changed while it was read is read again so often, then it is reported.
const ROUNDS_MAX: usize = 3;
/// Between rounds, so that a writer gets on.
const ROUND_PAUSE: Duration = Duration::from_millis(100);
/// Rules that change in every round are somebody else's fault.
const RULE_CHANGES_MAX: usize = 10;
/// How long one file may keep the tagger from looking at what else is to be done.
const ANSWER_WAIT: Duration = Duration::from_millis(200);

pub(crate) struct Tagger<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) clock: &'a Arc<dyn Clock>,
    pub(crate) progress: &'a Arc<Progress>,
    pub(crate) roots: &'a Roots,
    pub(crate) stop: &'a Stop,
    pub(crate) threads: usize,
    pub(crate) mark: PassMark<'a>,
}

/// Which of the locations that have to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sweep {
    /// Those without a version, and those that only have to be routed again.
    New,
    /// Those whose content may have changed.
    Rewritten,
    /// Those whose bytes changed under the parser.
    Changed,
    /// Those that were hashed too soon after their last change.
    Racy,
    /// Those that no plugin wants.
    Unrouted,
}

/// One round over everything; what it could not do is said of the last round alone.
struct Round<'a> {
    routes: Routes,
    hasher: Hasher<TodoLocation>,
    recorder: Recorder<'a>,
    unreadable: Bounded<Unreadable>,
    changing: Bounded<Vec<u8>>,
    settling: u64,
    due_us: Option<i64>,
}

impl<'a> Tagger<'a> {
    /// Everything that is routed. Not what may be half-written: the report says when that is due.
    pub(crate) async fn run(&mut self, report: &mut PassReport) -> Result<(), ScoutError> {
        let mut rule_changes = 0;
        let mut round_count = 1;
        loop {
            let mut round = self.round().await?;
            let epoch = round.routes.epoch();
            for sweep in [Sweep::New, Sweep::Rewritten, Sweep::Changed, Sweep::Racy] {
                self.sweep(sweep, &mut round).await?;
            }
            let rules_moved = round.routes.epoch() != epoch && rule_changes < RULE_CHANGES_MAX;
            let is_last = round.changing.count == 0 || round_count == ROUNDS_MAX;
            if self.stop.is_wanted() || (is_last && !rules_moved) {
                round.finish(report);
                return Ok(());
            }
            rule_changes += usize::from(rules_moved);
            round_count += usize::from(!is_last);
            round.finish_counts(report);
            tokio::time::sleep(ROUND_PAUSE).await;
        }
    }

    /// Hashes what no plugin wants. It may take long, and can be stopped at any time.
    pub(crate) async fn run_unrouted(&mut self, report: &mut PassReport) -> Result<(), ScoutError> {
        let mut round = self.round().await?;
        self.sweep(Sweep::Unrouted, &mut round).await?;
        round.finish_counts(report);
        Ok(())
    }

    async fn round(&self) -> Result<Round<'a>, ScoutError> {
        Ok(Round {
            routes: Routes::load(self.catalog).await?,
            hasher: Hasher::start(self.threads, self.clock, self.progress)?,
            recorder: Recorder::new(self.catalog, self.clock.as_ref(), self.progress),
            unreadable: Bounded::default(),
            changing: Bounded::default(),
            settling: 0,
            due_us: None,
        })
    }

    async fn sweep(&mut self, sweep: Sweep, round: &mut Round<'a>) -> Result<(), ScoutError> {
        let mut last = None;
        while !self.stop.is_wanted() {
            let page = self.page(sweep, round.routes.epoch(), last.as_ref()).await?;
            last = page.last().cloned();
            if last.is_none() {
                break;
            }
            for location in page {
                self.sort_out(sweep, location, round).await?;
            }
        }
        while round.hasher.waiting() > 0 {
            self.answer(round).await?;
        }
        round.recorder.write(&mut round.routes, &mut self.mark).await
    }

    async fn page(
        &self,
        sweep: Sweep,
        epoch: i64,
        after: Option<&TodoLocation>,
    ) -> Result<Vec<TodoLocation>, ScoutError> {
        let roots = self.roots.ids();
        let page = match sweep {
            Sweep::New | Sweep::Rewritten => self.catalog.todo(&roots, epoch, after, PAGE).await,
            Sweep::Changed => self.catalog.changed_holds(&roots, after, PAGE).await,
            Sweep::Racy => self.catalog.racy(&roots, after, PAGE).await,
            Sweep::Unrouted => self.catalog.unhashed(&roots, after, PAGE).await,
        };
        Ok(page?)
    }

    async fn sort_out(
        &mut self,
        sweep: Sweep,
        location: TodoLocation,
        round: &mut Round<'a>,
    ) -> Result<(), ScoutError> {
        let path = join(&location.directory, &location.name).into_owned();
        if !self.roots.get(&location.root).is_some_and(|root| root.has(&path)) {
            return Ok(());
        }
        let is_wanted = !round.routes.of(&path).plugins.is_empty();
        let is_rewritten = location.dirty && location.current.is_some();
        let hashes = match sweep {
            Sweep::New if is_rewritten && is_wanted => return Ok(()),
            Sweep::Rewritten if !(is_rewritten && is_wanted) => return Ok(()),
            Sweep::Unrouted if is_wanted => return Ok(()),
            Sweep::New => location.dirty && is_wanted,
            Sweep::Rewritten | Sweep::Changed | Sweep::Racy | Sweep::Unrouted => true,
        };
        if hashes {
            self.hash(sweep, location, path, round).await
        } else {
            round.recorder.push(Found::routed(&location, path));
            round.recorder.write_if_due(&mut round.routes, &mut self.mark).await
        }
    }

    async fn hash(
        &mut self,
        sweep: Sweep,
        location: TodoLocation,
        path: Vec<u8>,
        round: &mut Round<'a>,
    ) -> Result<(), ScoutError> {
        let Some(root) = self.roots.get(&location.root) else { return Ok(()) };
        let now_us = self.clock.now_us();
        if sweep == Sweep::Racy && settle::racy_due_us(&location.stat) > now_us {
            round.add_due(settle::racy_due_us(&location.stat));
            return Ok(());
        }
        if let Some(due_us) = settle::due_us(&location.stat, now_us, root.settle) {
            round.settling += 1;
            round.add_due(due_us);
            return Ok(());
        }
        if sweep != Sweep::Unrouted {
            self.mark.keep().await?;
        }
        let (root, settle) = (Arc::clone(&root.open), root.settle);
        round.hasher.push(HashJob { what: location, root, path, settle });
        while round.hasher.waiting() >= HASHING_MAX {
            self.answer(round).await?;
        }
        Ok(())
    }

    /// Waits for one answer, not for ever; what is found is recorded when it is due.
    async fn answer(&mut self, round: &mut Round<'a>) -> Result<(), ScoutError> {
        if self.stop.is_wanted() {
            round.hasher.stop();
        }
        let waited = tokio::time::timeout(ANSWER_WAIT, round.hasher.next()).await;
        if let Ok(Some((job, hashed))) = waited {
            round.take(job, hashed);
        } else {
            // A large file takes its time: meanwhile the pass stays open.
            self.mark.renew().await?;
        }
        round.recorder.write_if_due(&mut round.routes, &mut self.mark).await
    }
}

impl Round<'_> {
    fn take(&mut self, job: HashJob<TodoLocation>, hashed: Hashed) {
        match hashed {
            Hashed::Done { hash, stat, racy } => {
                self.recorder.push(Found::hashed(&job.what, job.path, stat, hash, racy));
            }
            Hashed::Changing => self.changing.add(|| job.root.absolute(&job.path)),
            Hashed::Settling { due_us, .. } => {
                self.settling += 1;
                self.add_due(due_us);
            }
            Hashed::Unreadable(reason) => {
                let path = job.root.absolute(&job.path);
                self.unreadable.add(|| Unreadable { path, reason });
            }
            // The next inventory says what there is.
            Hashed::Gone | Hashed::Stopped => {}
        }
    }

    fn add_due(&mut self, due_us: i64) {
        self.due_us = Some(self.due_us.map_or(due_us, |earliest| earliest.min(due_us)));
    }

    fn finish_counts(&mut self, report: &mut PassReport) {
        let counts = std::mem::take(&mut self.recorder.counts);
        report.versions += counts.versions;
        report.jobs += counts.jobs;
        report.skipped += counts.skipped;
    }

    fn finish(mut self, report: &mut PassReport) {
        self.finish_counts(report);
        report.unreadable.append(self.unreadable);
        report.still_changing.append(self.changing);
        report.settling += self.settling;
        if let Some(due_us) = self.due_us {
            report.add_due(due_us);
        }
    }
}
