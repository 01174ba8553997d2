//! The parallel walk of one source root: `lstat` only, by directory descriptors, no link followed, no file opened.
//!
//! Each thread goes depth first through its part of the tree and gives some of it to threads that have none left.
//! A directory's listing is always sent before those of its children. A budget bounds how much may wait.

use super::below;
use super::budget::{Budget, Share};
use super::exchange::Exchange;
use super::findings::Findings;
use super::frames::Task;
use super::ignores::Ignores;
use super::lister::read_ignores;
use super::listing::Listing;
use super::progress::Progress;
use super::scout_error::ScoutError;
use super::source::OpenRoot;
use super::walker::Walker;
use super::watch::Watch;
use crate::stop::Stop;
use std::collections::HashSet;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::mpsc;

/// Entries that may wait for the catalog: about 14 MB.
const WAITING_MAX: usize = 200_000;

/// What a walk is to visit.
#[derive(Debug)]
pub(crate) enum Start {
    Whole,
    /// Some directories, each alone or with all below it.
    Some(Vec<Hint>),
}

/// A directory that is worth a look, relative to its source root.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Hint {
    pub(crate) path: Vec<u8>,
    /// With all that is below it.
    pub(crate) deep: bool,
}

/// What the threads of a walk share.
#[derive(Debug)]
pub(crate) struct WalkPlan {
    pub(crate) root: Arc<OpenRoot>,
    pub(crate) ignores: Ignores,
    pub(crate) findings: Arc<Findings>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) stop: Stop,
    /// What is listed is watched from just before on.
    pub(crate) watch: Option<Watch>,
    pub(crate) threads: usize,
    /// Where the catalog takes no longer path.
    pub(crate) path_len_max: Option<usize>,
}

/// A walk under way. Dropping it ends the threads.
#[derive(Debug)]
pub(crate) struct Walk {
    bunches: mpsc::UnboundedReceiver<Bunch>,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) plan: WalkPlan,
    pub(crate) exchange: Exchange,
    pub(crate) budget: Arc<Budget>,
}

/// Listings that were sent together.
#[derive(Debug)]
pub(crate) struct Bunch {
    pub(crate) listings: Vec<Listing>,
    /// Their part of the memory that listings may use while they wait.
    pub(crate) share: Share,
}

impl Walk {
    pub(crate) fn start(plan: WalkPlan, start: Start) -> Result<Self, ScoutError> {
        let starts = match start {
            Start::Whole => vec![Task::first(Arc::default(), plan.ignores.clone(), true)],
            Start::Some(hints) => {
                let hints = without_covered(hints);
                hints.iter().filter_map(|hint| hinted(&plan, hint)).collect()
            }
        };
        let threads = plan.threads.max(1);
        // Unbounded in number, and bounded by the budget.
        let (sender, bunches) = mpsc::unbounded_channel();
        let (exchange, budget) = (Exchange::new(starts, threads), Budget::new(WAITING_MAX));
        let shared = Arc::new(Shared { plan, exchange, budget });
        let mut walk = Self { bunches, shared, threads: Vec::new() };
        for i in 0..threads {
            let (shared, sender) = (Arc::clone(&walk.shared), sender.clone());
            let thread = std::thread::Builder::new().name(format!("scout-walk-{i}"));
            let handle = thread.spawn(move || Walker::new(&shared, &sender).run());
            walk.threads.push(handle.map_err(ScoutError::Thread)?);
        }
        Ok(walk)
    }

    /// The next listings. None at the end.
    pub(crate) async fn next(&mut self) -> Option<Bunch> {
        self.bunches.recv().await
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        self.shared.exchange.close();
        self.shared.budget.close();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so; its directory is seen again in the next pass.
            let _ = thread.join();
        }
    }
}

/// No directory is visited twice in a walk.
fn without_covered(mut hints: Vec<Hint>) -> Vec<Hint> {
    // Of two with one path the deep one first.
    hints.sort_by(|a, b| a.path.cmp(&b.path).then(b.deep.cmp(&a.deep)));
    hints.dedup_by(|later, first| later.path == first.path);
    let deep: HashSet<Vec<u8>> =
        hints.iter().filter(|hint| hint.deep).map(|hint| hint.path.clone()).collect();
    hints.retain(|hint| !below::above(&hint.path).any(|above| deep.contains(above)));
    hints
}

/// A walk that starts somewhere below has to know what is ignored there. None: the directory itself is, or it is gone.
fn hinted(plan: &WalkPlan, hint: &Hint) -> Option<Task> {
    let mut ignores = plan.ignores.clone();
    for (above, path) in
        below::above(&hint.path).zip(below::above(&hint.path).skip(1).chain([&*hint.path]))
    {
        let directory = below::open_directory(plan.root.fd.as_fd(), above).ok()?;
        // Bad lines were named by the walk that saw the whole directory.
        (ignores, _) = read_ignores(directory.as_fd(), above, &ignores).ok()?;
        if plan.root.own.have_path(path) || ignores.has(path, true) {
            return None;
        }
    }
    Some(Task::first(hint.path.as_slice().into(), ignores, hint.deep))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_below_a_deep_one_are_covered() {
        let hint = |path: &str, deep| Hint { path: path.into(), deep };
        let hints = vec![
            hint("a", false),
            hint("a/b", true),
            hint("a/b/c", true),
            hint("a/b/c/d", false),
            hint("a/b-c", false),
            hint("a", false),
            hint("a/b", false),
        ];
        let left = without_covered(hints);
        assert_eq!(left, [hint("a", false), hint("a/b", true), hint("a/b-c", false)]);
        let all = without_covered(vec![hint("x", true), hint("", true), hint("", false)]);
        assert_eq!(all, [hint("", true)]);
    }
}
