//! The world around `decide`: messages that are lost, doubled, late and out of order; processes that die, pause and come back;
//! transactions that do not commit.

use super::disk::Disk;
use super::model::{Model, State};
use super::rng::Rng;
use super::worker::Worker;
use catalog::Lane;
use control::sentinel::decide::{Action, Assignment, Decider, Event, Hint, Peer, Timing, Want};
use protocol::{HeartbeatAnswer, JobId, SessionToken, WorkerMessage};

const JOBS: i64 = 30;
const WORKERS: usize = 3;
const TIMING: Timing = Timing { lease_us: 2_000_000, heartbeat_us: 300_000 };
/// Steps after which a healthy cluster must have finished.
const SETTLE_STEPS: u32 = 20_000;

#[derive(Debug, Clone)]
enum Mail {
    ToSentinel(Peer, WorkerMessage),
    Answer(Peer, HeartbeatAnswer),
    Dispatch(Peer, Assignment),
}

pub struct World {
    seed: u64,
    rng: Rng,
    now_us: i64,
    decider: Option<Decider>,
    model: Model,
    disk: Disk,
    workers: Vec<Option<Worker>>,
    started: u64,
    mail: Vec<Mail>,
    faults: bool,
    final_first: bool,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let workers = (0..WORKERS).map(|_| None).collect();
        let model = Model::new(JOBS);
        let (mail, disk, rng) = (Vec::new(), Disk::default(), Rng::new(seed));
        let (now_us, started, decider) = (0, 0, None);
        let (faults, final_first) = (true, false);
        Self {
            seed,
            rng,
            now_us,
            decider,
            model,
            disk,
            workers,
            started,
            mail,
            faults,
            final_first,
        }
    }

    pub fn with_final_first_recovery(seed: u64) -> Self {
        Self { final_first: true, ..Self::new(seed) }
    }

    pub fn recoveries(&self) -> u64 {
        self.model.recoveries
    }

    pub fn losses(&self) -> u64 {
        self.model.lost
    }

    pub fn step(&mut self) {
        self.now_us += self.rng.below(60_000) as i64;
        if self.faults {
            self.fault();
        }
        match self.rng.below(10) {
            0 => self.sentinel(Event::Tick),
            1 => self.look(),
            // More is carried than said, so that no backlog grows without a fault.
            2..=5 => (0..3).for_each(|_| self.deliver()),
            6 => self.speak(),
            _ => self.work(),
        }
        self.check();
    }

    /// Without further faults everything comes to its end.
    pub fn settle(&mut self) {
        self.faults = false;
        for _ in 0..SETTLE_STEPS {
            self.revive();
            self.step();
            if self.model.jobs.values().all(|row| row.state == State::Completed) {
                return;
            }
        }
        panic!("seed {}: not settled: {:#?}\n{:#?}", self.seed, self.model.jobs, self.decider);
    }

    fn revive(&mut self) {
        for slot in 0..WORKERS {
            if self.workers[slot].is_none() {
                self.start_worker(slot);
            }
        }
        if self.decider.is_none() {
            self.start_sentinel();
        }
    }

    fn start_worker(&mut self, slot: usize) {
        self.started += 1;
        self.workers[slot] = Some(Worker::start(self.started, self.final_first));
    }

    fn start_sentinel(&mut self) {
        self.decider = Some(Decider::new(TIMING, self.model.in_flight(), self.now_us));
    }

    fn fault(&mut self) {
        let slot = self.rng.below(WORKERS);
        match self.rng.below(1_000) {
            0..=4 => self.workers[slot] = None,
            5..=19 if self.workers[slot].is_none() => self.start_worker(slot),
            20..=22 => self.decider = None,
            23..=60 if self.decider.is_none() => self.start_sentinel(),
            61..=75 => {
                let pause_us = self.rng.below(6_000_000) as i64;
                if let Some(worker) = &mut self.workers[slot] {
                    worker.paused_until_us = self.now_us + pause_us;
                }
            }
            // Everybody stands still, as when a laptop sleeps.
            76 => self.now_us += self.rng.below(10_000_000) as i64,
            77..=105 if !self.mail.is_empty() => {
                let at = self.rng.below(self.mail.len());
                self.mail.remove(at);
            }
            106..=130 if !self.mail.is_empty() => {
                let at = self.rng.below(self.mail.len());
                self.mail.push(self.mail[at].clone());
            }
            _ => {}
        }
    }

    fn look(&mut self) {
        let hint = Hint {
            want: Want {
                fresh: self.model.has_queued(Some(Lane::Fresh)),
                backfill: self.model.has_queued(Some(Lane::Backfill)),
            },
            suspects: self.model.has_queued(None),
            held: self.model.has_due(self.now_us),
            retirements: false,
        };
        self.sentinel(Event::Hint(hint));
    }

    fn deliver(&mut self) {
        if self.mail.is_empty() {
            return;
        }
        let at = self.rng.below(self.mail.len());
        if self.is_for_sleeper(&self.mail[at]) {
            return;
        }
        match self.mail.remove(at) {
            Mail::ToSentinel(peer, WorkerMessage::Identify(identify)) => {
                self.started += 1;
                let fresh: SessionToken = format!("s{}", self.started).parse().unwrap();
                self.sentinel(Event::Identify(peer, identify, fresh));
            }
            Mail::ToSentinel(peer, message) => self.sentinel(Event::Message(peer, message)),
            Mail::Answer(peer, answer) => {
                let live = self.workers.iter().flatten().map(|w| w.directory).collect::<Vec<_>>();
                if let Some(worker) = find(&mut self.workers, &peer) {
                    worker.answer(answer, &mut self.disk, &live);
                }
            }
            Mail::Dispatch(peer, assignment) => {
                if let Some(worker) = find(&mut self.workers, &peer) {
                    worker.dispatch(assignment.job, assignment.recovery);
                }
            }
        }
    }

    /// What is sent to a paused process waits for it.
    fn is_for_sleeper(&self, mail: &Mail) -> bool {
        let (Mail::Answer(to, _) | Mail::Dispatch(to, _)) = mail else { return false };
        let mut workers = self.workers.iter().flatten();
        workers.any(|worker| worker.peer == to.0 && worker.paused_until_us > self.now_us)
    }

    fn speak(&mut self) {
        let slot = self.rng.below(WORKERS);
        let Some(worker) = &self.workers[slot] else { return };
        if worker.paused_until_us > self.now_us {
            return;
        }
        let peer = Peer(worker.peer.clone());
        let mut messages = vec![worker.heartbeat()];
        messages.extend(worker.conclusions());
        self.mail.extend(messages.into_iter().map(|m| Mail::ToSentinel(peer.clone(), m)));
    }

    fn work(&mut self) {
        let slot = self.rng.below(WORKERS);
        if let Some(worker) = &mut self.workers[slot]
            && worker.paused_until_us <= self.now_us
        {
            worker.work(&mut self.rng, &mut self.disk);
        }
    }

    /// An event, what it leads to, and the commit. A transaction that fails takes all of it back, and the Sentinel begins anew.
    fn sentinel(&mut self, event: Event) {
        let Some(decider) = &mut self.decider else { return };
        let before = self.model.clone();
        let mut outbox = Vec::new();
        let mut actions = decider.on(self.now_us, event);
        while !actions.is_empty() {
            let mut next = Vec::new();
            for action in actions {
                match action {
                    Action::Command(command) => {
                        let outcome = self.model.apply(self.now_us, command);
                        next.extend(decider.on(self.now_us, Event::Outcome(outcome)));
                    }
                    Action::Answer(peer, answer) => outbox.push(Mail::Answer(peer, answer)),
                    Action::Dispatch(peer, job) => outbox.push(Mail::Dispatch(peer, job)),
                    Action::Err(..) | Action::Abort(..) => {}
                }
            }
            actions = next;
        }
        if self.faults && self.rng.chance(10) {
            self.model = before;
            self.start_sentinel();
            return;
        }
        self.mail.extend(outbox);
        if self.faults && self.rng.chance(3) {
            // Killed after the commit, before or while it sends.
            let sent = self.rng.below(self.mail.len() + 1);
            self.mail.truncate(sent);
            self.decider = None;
        }
    }

    fn check(&self) {
        for (id, row) in &self.model.jobs {
            let finals = self.disk.finals(*id);
            assert!(finals.len() <= 1, "{}: rows doubled: {finals:?}", self.named(*id));
            if row.state == State::Completed {
                let published = finals.first().map(|job| job.attempt);
                assert_eq!(published, Some(row.attempt), "{}: rows lost", self.named(*id));
            }
        }
    }

    fn named(&self, id: JobId) -> String {
        format!("seed {}, job {id}", self.seed)
    }
}

fn find<'a>(workers: &'a mut [Option<Worker>], peer: &Peer) -> Option<&'a mut Worker> {
    workers.iter_mut().flatten().find(|worker| worker.peer == peer.0)
}
