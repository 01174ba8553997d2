//! The world around the Sentinels: workers, the mail between them, the disk, the clocks, and what must be true at every moment.

use super::disk::Disk;
use super::flaw::Flaw;
use super::life::Stats;
use super::model::{Model, Nature, State};
use super::rng::Rng;
use super::sentinel::{Sentinel, TIMING};
use super::worker::{Worked, Worker};
use control::sentinel::decide::{Event, Peer};
use protocol::{CommitId, HeartbeatAnswer, JobAttempt, JobId, SessionToken, WorkerMessage};

const JOBS: i64 = 40;
pub const WORKERS: usize = 3;
pub const SENTINELS: usize = 2;
/// Steps from one look at all jobs to the next; what a step touches is looked at in any case.
const LOOK_EVERY: u64 = 16;

#[derive(Debug, Clone)]
pub enum Say {
    Answer(HeartbeatAnswer),
    Dispatch(JobAttempt, Option<(CommitId, u32)>),
    Abort(JobId),
}

#[derive(Debug, Clone)]
pub enum Mail {
    ToSentinel(usize, Peer, WorkerMessage),
    ToWorker(Peer, Say),
}

pub struct World {
    pub rng: Rng,
    /// Of clocks that do not jump.
    pub now_us: i64,
    pub wall_offset_us: i64,
    pub sentinels: [Sentinel; SENTINELS],
    pub model: Model,
    pub disk: Disk,
    pub workers: Vec<Option<Worker>>,
    started: u64,
    pub mail: Vec<Mail>,
    pub catalog_down_until_us: i64,
    pub faults: bool,
    pub flaw: Option<Flaw>,
    pub steps: u64,
    pub stats: Stats,
    pub broken: Option<String>,
}

impl World {
    pub fn new(seed: u64, flaw: Option<Flaw>) -> Self {
        Self {
            rng: Rng::new(seed),
            now_us: 0,
            wall_offset_us: 0,
            sentinels: Default::default(),
            model: Model::new(JOBS, flaw),
            disk: Disk::default(),
            workers: (0..WORKERS).map(|_| None).collect(),
            started: 0,
            mail: Vec::new(),
            catalog_down_until_us: 0,
            faults: true,
            flaw,
            steps: 0,
            stats: Stats::default(),
            broken: None,
        }
    }

    pub fn wall_us(&self) -> i64 {
        // Far from zero, so that a clock may be set back.
        self.now_us + self.wall_offset_us + 1_000_000_000_000
    }

    pub fn is_catalog_down(&self) -> bool {
        self.catalog_down_until_us > self.now_us
    }

    pub fn is_disk_full(&self) -> bool {
        self.disk.full_until_us > self.now_us
    }

    pub fn break_with(&mut self, what: String) {
        self.broken.get_or_insert(what);
    }

    pub fn step(&mut self) {
        self.steps += 1;
        self.now_us += self.rng.below(10_000) as i64;
        if self.faults {
            self.fault();
        }
        let mut touched = None;
        match self.rng.below(10) {
            0..=2 => {
                for slot in 0..SENTINELS {
                    self.wake_from_catalog(slot);
                    self.tick(slot);
                }
            }
            // More is carried than said, so that no backlog grows without a fault.
            3..=5 => (0..4).for_each(|_| self.deliver()),
            6 => self.speak(),
            7 => self.tag(),
            _ => touched = self.work(),
        }
        self.check(touched);
    }

    pub fn start_worker(&mut self, slot: usize) {
        self.started += 1;
        self.workers[slot] = Some(Worker::start(self.started));
    }

    fn deliver(&mut self) {
        if self.mail.is_empty() {
            return;
        }
        let at = self.rng.below(self.mail.len());
        match &self.mail[at] {
            Mail::ToSentinel(home, peer, _) => {
                if self.is_cut(peer) || self.sentinels[*home].decider.is_none() {
                    self.mail.swap_remove(at);
                } else if self.is_awake(*home)
                    && let Mail::ToSentinel(home, peer, message) = self.mail.swap_remove(at)
                {
                    self.hear(home, peer, message);
                }
            }
            Mail::ToWorker(peer, _) => {
                let worker = self.workers.iter().flatten().find(|worker| worker.peer() == peer.0);
                let sleeps = worker.is_some_and(|worker| worker.paused_until_us > self.now_us);
                if worker.is_none() || self.is_cut(peer) {
                    self.mail.swap_remove(at);
                } else if !sleeps && let Mail::ToWorker(peer, say) = self.mail.swap_remove(at) {
                    self.tell(&peer, say);
                }
            }
        }
    }

    fn is_cut(&self, peer: &Peer) -> bool {
        let mut workers = self.workers.iter().flatten();
        workers.any(|worker| worker.peer() == peer.0 && worker.cut_until_us > self.now_us)
    }

    fn hear(&mut self, home: usize, peer: Peer, message: WorkerMessage) {
        let event = match message {
            WorkerMessage::Identify(identify) => {
                self.started += 1;
                let fresh: SessionToken = format!("s{}", self.started).parse().unwrap();
                Event::Identify(peer, identify, fresh)
            }
            message => Event::Message(peer, message),
        };
        self.sentinel(home, event);
    }

    fn tell(&mut self, peer: &Peer, say: Say) {
        let live = self.workers.iter().flatten().map(|worker| worker.directory);
        let live = live.collect::<Vec<_>>();
        let mut workers = self.workers.iter_mut().flatten();
        let Some(worker) = workers.find(|worker| worker.peer() == peer.0) else { return };
        // The worst moment to fall asleep: it may rename, and nobody knows whether it will.
        let is_grant = matches!(&say, Say::Answer(answer) if !answer.granted.is_empty());
        if is_grant && self.faults && self.rng.chance(250) {
            worker.paused_until_us = self.now_us + self.rng.below(12_000_000) as i64;
        }
        match say {
            Say::Answer(answer) => worker.answer(answer, &mut self.disk, &live),
            Say::Dispatch(job, recovery) => {
                let row = &self.model.jobs[&job.id];
                worker.dispatch(job, recovery, row.outputs, row.nature, &mut self.disk);
            }
            Say::Abort(id) => worker.give_up(id, None, true, &mut self.disk),
        }
    }

    fn speak(&mut self) {
        let now_us = self.now_us;
        let mut awake = self.workers.iter_mut().flatten();
        let is_due =
            |worker: &&mut Worker| worker.paused_until_us.max(worker.next_beat_us) <= now_us;
        let Some(worker) = awake.find(is_due) else { return };
        worker.next_beat_us = now_us + TIMING.heartbeat_us / 2;
        let messages = worker.speak();
        let (home, peer) = (worker.home, Peer(worker.peer()));
        let said = messages.into_iter().map(|m| Mail::ToSentinel(home, peer.clone(), m));
        self.mail.extend(said);
    }

    fn work(&mut self) -> Option<JobId> {
        let slot = self.rng.below(WORKERS);
        let is_full = self.is_disk_full();
        let worker = self.workers[slot].as_mut()?;
        if worker.paused_until_us > self.now_us {
            return None;
        }
        match worker.work(&mut self.rng, &mut self.disk, is_full, self.faults) {
            Worked::Nothing => None,
            Worked::Died => {
                self.workers[slot] = None;
                None
            }
            Worked::Promoted(id) => Some(id),
        }
    }

    /// The tagger looks at a file that changed under its parser.
    fn tag(&mut self) {
        if !self.is_catalog_down() {
            let mut rows = self.model.jobs.values_mut();
            if let Some(row) = rows.find(|row| row.state == State::Changed) {
                row.state = State::Queued;
            }
        }
    }

    /// A person wants a file once more that failed though nothing is wrong with it, or that was aborted.
    pub fn retry_one(&mut self) {
        let rows = self.model.jobs.iter().filter(|(_, row)| row.nature == Nature::Harmless);
        let spent = |row: &super::model::Row| match row.state {
            State::Failed => true,
            State::Aborted => self.faults,
            _ => false,
        };
        let id = rows.filter(|(_, row)| spent(row)).map(|(id, _)| *id).next();
        if let Some(id) = id {
            self.model.retry(id);
        }
    }

    fn check(&mut self, touched: Option<JobId>) {
        if let Some(item) = self.disk.overwritten {
            self.break_with(format!("rows doubled: {item:?} is overwritten"));
        }
        let is_compaction = touched.is_some_and(|id| !self.model.jobs.contains_key(&id));
        if is_compaction || self.steps.is_multiple_of(LOOK_EVERY) {
            let broken = self.model.jobs.keys().find_map(|id| self.broken_at(*id));
            broken.into_iter().for_each(|what| self.break_with(what));
        } else if let Some(what) = touched.and_then(|id| self.broken_at(id)) {
            self.break_with(what);
        }
    }

    /// What is wrong with a job's files.
    fn broken_at(&self, id: JobId) -> Option<String> {
        let row = &self.model.jobs[&id];
        let mut current = 0;
        for (job, item) in self.disk.finals(id) {
            let is_leaving = self.model.to_retire.values().any(|leaving| *leaving == item);
            if is_leaving || self.model.is_hidden(job, item) || self.model.is_being_made(item) {
                continue;
            }
            if !self.model.needed.contains(&(item, job)) {
                return Some(format!("job {id}: rows doubled: nobody knows of {item:?}"));
            }
            match row.state {
                State::Committing | State::Completed if job.attempt == row.attempt => {
                    current += 1;
                }
                State::Aborted => {
                    return Some(format!("job {id}: rows of an aborted job: {item:?}"));
                }
                _ => return Some(format!("job {id}: rows doubled: {item:?} beside {row:?}")),
            }
        }
        let lost = row.state == State::Completed && current < row.outputs;
        lost.then(|| format!("job {id}: rows lost: {current} of {} files: {row:?}", row.outputs))
    }
}
