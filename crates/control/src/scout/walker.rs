//! One thread of a walk.

use super::below;
use super::exchange::Work;
use super::frames::{Frame, Frames, Task};
use super::lister::{Lister, note_unreadable};
use super::listing::Listing;
use super::report::PassedOverReason;
use super::walk::{Bunch, Shared, WalkPlan};
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;

/// The longest path below a source root, four times what the kernel takes in one call. It bounds the catalog's rows,
/// and it ends file systems that contain themselves.
pub const PATH_LEN_MAX: usize = 16 * 1024;
/// What a listing costs beside its entries, counted in entries.
const LISTING_COST: usize = 8;
/// A thread sends its listings when there are so many of them, or so much in them: one by one is slow.
const BUNCH_LISTINGS: usize = 256;
const BUNCH_COST: usize = 8_000;

pub(crate) struct Walker<'a> {
    plan: &'a WalkPlan,
    shared: &'a Shared,
    out: &'a UnboundedSender<Bunch>,
    lister: Lister<'a>,
    frames: Frames,
    unsent: Vec<Listing>,
    unsent_cost: usize,
}

/// Nobody wants listings any more.
struct Unwanted;

impl<'a> Walker<'a> {
    pub(crate) fn new(shared: &'a Shared, out: &'a UnboundedSender<Bunch>) -> Self {
        Self {
            plan: &shared.plan,
            shared,
            out,
            lister: Lister::new(&shared.plan.root, &shared.plan.findings),
            frames: Frames::default(),
            unsent: Vec::new(),
            unsent_cost: 0,
        }
    }

    pub(crate) fn run(mut self) {
        if self.work().is_err() {
            self.shared.exchange.close();
        }
    }

    fn work(&mut self) -> Result<(), Unwanted> {
        while let Some(task) = self.next_task()? {
            if self.plan.stop.is_wanted() {
                return Err(Unwanted);
            }
            self.visit(&task)?;
        }
        Ok(())
    }

    fn next_task(&mut self) -> Result<Option<Task>, Unwanted> {
        loop {
            if self.shared.exchange.is_hungry() {
                self.give_some()?;
            }
            if let Some(task) = self.frames.take() {
                return Ok(Some(task));
            }
            self.send()?;
            match self.shared.exchange.ask() {
                Some(Work::Start(task)) => return Ok(Some(task)),
                Some(Work::Frame(frame)) => self.frames.push(frame),
                None => return Ok(None),
            }
        }
    }

    fn give_some(&mut self) -> Result<(), Unwanted> {
        if let Some(frame) = self.frames.split() {
            // The directory's own listing first: nobody may send one of its children before it.
            self.send()?;
            self.shared.exchange.give(frame);
        }
        Ok(())
    }

    fn visit(&mut self, task: &Task) -> Result<(), Unwanted> {
        let plan = self.plan;
        if task.path.len() > PATH_LEN_MAX {
            let path = plan.root.absolute(&task.path);
            plan.findings.passed_over(path, PassedOverReason::TooDeep);
            return Ok(());
        }
        if let Some(max) = plan.path_len_max.filter(|max| task.path.len() > *max) {
            let reason = format!(
                "the path below its source has {} bytes, and a catalog on a server takes {max}: shorten it, or use a catalog in a file",
                task.path.len()
            );
            plan.findings.unreadable(plan.root.absolute(&task.path), reason);
            return Ok(());
        }
        let fd = match self.open(task) {
            Ok(fd) => Arc::new(fd),
            // Gone, or something else by now: the next pass sees what.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(()),
            Err(error) => {
                note_unreadable(&plan.root, &plan.findings, &task.path, error);
                return Ok(());
            }
        };
        if let Some(watch) = &plan.watch {
            watch.add(&fd, &task.path);
        }
        let listing = self.lister.list(&fd, &task.path, &task.ignores);
        listing.map_or(Ok(()), |listing| self.keep(listing, fd, task.deep))
    }

    fn keep(&mut self, listing: Listing, fd: Arc<OwnedFd>, deep: bool) -> Result<(), Unwanted> {
        self.plan.progress.directories_seen.add(1);
        self.plan.progress.files_seen.add(listing.files.len() as u64);
        if deep && listing.directories.end() > 0 {
            let (names, ignores) = (listing.directories.clone(), listing.ignores.clone());
            self.frames.push(Frame::new(Arc::clone(&listing.path), fd, names, ignores));
        }
        self.unsent_cost += listing.files.len() + LISTING_COST;
        self.unsent.push(listing);
        let is_full = self.unsent.len() >= BUNCH_LISTINGS || self.unsent_cost >= BUNCH_COST;
        if is_full { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> Result<(), Unwanted> {
        if self.unsent.is_empty() {
            return Ok(());
        }
        let share = self.shared.budget.take(self.unsent_cost).ok_or(Unwanted)?;
        self.unsent_cost = 0;
        let listings = std::mem::take(&mut self.unsent);
        self.out.send(Bunch { listings, share }).map_err(|_| Unwanted)
    }

    fn open(&mut self, task: &Task) -> Result<OwnedFd, Errno> {
        let root = self.plan.root.fd.as_fd();
        if task.is_first() {
            return below::open_directory(root, &task.path);
        }
        let parent = match &task.parent {
            Some(parent) => Arc::clone(parent),
            None => {
                let parent = Arc::new(below::open_directory(root, task.parent_path())?);
                self.frames.reopened(task.parent_path(), &parent);
                parent
            }
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(&parent, task.name(), flags, Mode::empty())
    }
}
