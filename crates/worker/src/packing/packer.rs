//! The thread that fills the worker's one open pack, and closes it in time.

use super::anew::{PackAnew, PackedJob};
use super::number::Numbers;
use super::open::OpenPack;
use super::small::SmallJob;
use crate::event::Event;
use crate::failure::JobFailure;
use crate::job::Workshop;
use crate::queue::JobQueue;
use crate::sinks::Unsynced;
use crate::syncer::Syncers;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use protocol::{Commit, ErrorClass, JobAttempt, WorkerId};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Jobs that wait for the packer; beyond it slots wait.
const WAITING_MAX: usize = 256;
/// When the slots have had nothing to do for so long, nothing more is waited for.
const IDLE_MAX: Duration = Duration::from_millis(50);
/// How often an open pack is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Complete, but not durable yet.
#[derive(Debug)]
pub struct ClosedPack {
    pub commit: Commit,
    pub files: Vec<Unsynced>,
    pub jobs: Vec<PackedJob>,
}

enum Work {
    Pack(SmallJob),
    Anew(PackAnew),
}

/// Where slots put small jobs that have run. The thread ends when the last of these is gone; what is not closed then is lost.
#[derive(Debug, Clone)]
pub struct Packer {
    work: Sender<Work>,
    events: Sender<Event>,
}

impl Packer {
    pub fn start(
        workshop: Arc<Workshop>,
        worker: &WorkerId,
        queue: Arc<JobQueue>,
        syncers: Syncers,
        events: Sender<Event>,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let (work, to_do) = crossbeam_channel::bounded(WAITING_MAX);
        let numbers = Numbers::new(worker, (workshop.wall_clock)());
        let told = events.clone();
        let builder = std::thread::Builder::new().name("packer".to_owned());
        let thread = builder.spawn(move || {
            let pack = None;
            Packing { workshop, queue, syncers, events: told, numbers, pack, idle_since: None }
                .run(&to_do);
        })?;
        Ok((Self { work, events }, thread))
    }

    /// False when nobody listens any more.
    pub fn take(&self, job: SmallJob) -> bool {
        self.events.send(Event::Packed(job.job)).is_ok() && self.work.send(Work::Pack(job)).is_ok()
    }

    /// Never waits: who asks for it is the one that the packer tells of it.
    pub fn pack_anew(&self, pack: PackAnew) {
        let work = self.work.clone();
        // The few that are refused are not worth a second channel.
        if let Err(full) = work.try_send(Work::Anew(pack)) {
            let builder = std::thread::Builder::new().name("pack-anew".to_owned());
            let _ = builder.spawn(move || work.send(full.into_inner()));
        }
    }
}

struct Packing {
    workshop: Arc<Workshop>,
    queue: Arc<JobQueue>,
    syncers: Syncers,
    events: Sender<Event>,
    numbers: Numbers,
    pack: Option<OpenPack>,
    /// Since when no slot has anything to do.
    idle_since: Option<Instant>,
}

impl Packing {
    fn run(&mut self, to_do: &Receiver<Work>) {
        loop {
            let work = match self.pack {
                None => to_do.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(_) => to_do.recv_timeout(LOOK_EVERY),
            };
            match work {
                Ok(Work::Pack(job)) => self.pack(job),
                Ok(Work::Anew(anew)) => {
                    let commit = self.next_commit();
                    let closed = anew.write(&self.workshop.sinks, commit);
                    self.hand_on(closed);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.is_due() {
                self.close();
            }
        }
    }

    fn next_commit(&mut self) -> Commit {
        Commit::pack(self.numbers.next((self.workshop.wall_clock)()))
    }

    fn is_due(&mut self) -> bool {
        let Some(pack) = &self.pack else { return false };
        if !self.queue.is_idle() {
            self.idle_since = None;
        }
        let since = *self.idle_since.get_or_insert_with(Instant::now);
        let is_idle = self.queue.is_idle() && since.elapsed() >= IDLE_MAX;
        pack.is_full() || is_idle || self.queue.is_closing()
    }

    fn close(&mut self) {
        self.idle_since = None;
        if let Some(pack) = self.pack.take() {
            self.hand_on(pack.close());
        }
    }

    fn hand_on(&self, closed: Result<ClosedPack, (Vec<JobAttempt>, JobFailure)>) {
        match closed {
            Ok(closed) => self.syncers.take_pack(closed),
            Err((jobs, failure)) => self.fail(jobs, &failure),
        }
    }

    fn pack(&mut self, small: SmallJob) {
        if self.pack.as_ref().is_some_and(|pack| !pack.takes(&small.outputs)) {
            self.close();
        }
        let mut pack = match self.pack.take() {
            Some(pack) => pack,
            None => OpenPack::new(self.next_commit()),
        };
        let SmallJob { job, outputs, metrics, permit } = small;
        let sinks = &self.workshop.sinks;
        // What one job's data brings to light is not to end the worker.
        let write = || pack.write(sinks, job, &outputs, metrics);
        let written = catch_unwind(AssertUnwindSafe(write));
        drop(permit);
        match written {
            Ok(Ok(())) => self.pack = Some(pack),
            Ok(Err(error)) => self.give_up(pack, job, &error.into()),
            Err(_) => {
                let text = "the worker failed on this job's rows; please report it";
                self.give_up(pack, job, &JobFailure::new(ErrorClass::Crash, text));
            }
        }
    }

    /// Whatever the storage refuses is nobody's fault; else it is the job's that came last, and the others run again.
    fn give_up(&self, pack: OpenPack, job: JobAttempt, failure: &JobFailure) {
        let others = pack.jobs().filter(|other| *other != job).collect();
        let again = match failure.class {
            ErrorClass::Storage => failure.clone(),
            _ => JobFailure::new(ErrorClass::Aborted, "another job of its pack failed"),
        };
        drop(pack);
        self.fail(others, &again);
        self.fail(vec![job], failure);
    }

    fn fail(&self, jobs: Vec<JobAttempt>, failure: &JobFailure) {
        for job in jobs {
            // A worker that has ended needs no word.
            let _ = self.events.send(Event::Ran(job, Err(failure.clone())));
        }
    }
}
