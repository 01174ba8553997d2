//! A Sentinel process around the real `decide`, as its driver is: what it leads to is one transaction, and only what is committed is said.

use super::flaw::Flaw;
use super::world::{Mail, Say, World};
use catalog::Lane;
use control::sentinel::decide::{
    AbortedAttempt, Action, Assignment, Decider, Event, Hint, Timing, Want,
};
use protocol::JobId;

pub const TIMING: Timing = Timing { lease_us: 2_000_000, heartbeat_us: 500_000 };

#[derive(Debug, Default)]
pub struct Sentinel {
    /// None: the process is dead, or waits for the catalog.
    pub decider: Option<Decider>,
    pub epoch: u64,
    pub waits_for_catalog: bool,
    pub paused_until_us: i64,
}

impl World {
    /// A new process takes the epoch, whoever had it.
    pub fn start_sentinel(&mut self, slot: usize) {
        if self.is_catalog_down() {
            return;
        }
        self.model.epoch += 1;
        self.stats.sentinels += 1;
        self.sentinels[slot].epoch = self.model.epoch;
        self.sentinels[slot].paused_until_us = 0;
        self.begin_life(slot);
    }

    /// From what the catalog says is in flight.
    fn begin_life(&mut self, slot: usize) {
        let decider = Decider::new(TIMING, self.model.in_flight(), self.now_us);
        self.sentinels[slot].decider = Some(decider);
        self.sentinels[slot].waits_for_catalog = false;
    }

    /// The process goes on where the catalog is there again.
    pub fn wake_from_catalog(&mut self, slot: usize) {
        if self.sentinels[slot].waits_for_catalog && !self.is_catalog_down() {
            self.begin_life(slot);
        }
    }

    pub fn is_awake(&self, slot: usize) -> bool {
        self.sentinels[slot].decider.is_some()
            && self.sentinels[slot].paused_until_us <= self.now_us
    }

    /// The one that may write, if it lives.
    pub fn active(&self) -> Option<usize> {
        let is_active = |slot: &usize| {
            let sentinel = &self.sentinels[*slot];
            let lives = sentinel.decider.is_some() || sentinel.waits_for_catalog;
            lives && sentinel.epoch == self.model.epoch
        };
        (0..self.sentinels.len()).find(is_active)
    }

    pub fn tick(&mut self, slot: usize) {
        if !self.is_awake(slot) {
            return;
        }
        if self.is_catalog_down() {
            self.sentinels[slot].decider = None;
            self.sentinels[slot].waits_for_catalog = true;
            return;
        }
        let wall_us = self.wall_us();
        let hint = Hint {
            want: Want {
                fresh: self.model.has_queued(Some(Lane::Fresh)),
                backfill: self.model.has_queued(Some(Lane::Backfill)),
            },
            suspects: self.model.has_queued(None),
            held: self.model.has_due(wall_us),
            retirements: !self.model.to_retire.is_empty(),
            compactions: self.model.has_hidden(),
        };
        self.sentinel(slot, Event::Tick);
        self.sentinel(slot, Event::Hint(hint));
    }

    /// A person's request, carried out by whoever may write.
    pub fn abort(&mut self, id: JobId) {
        let Some(slot) = self.active().filter(|slot| self.is_awake(*slot)) else { return };
        if self.is_catalog_down() {
            return;
        }
        let running = self.model.abort(id);
        let reason = "aborted by anna@here".to_owned();
        let attempts = running.map(|job| AbortedAttempt { job, reason }).into_iter().collect();
        self.sentinel(slot, Event::Aborted(attempts));
    }

    /// An event, what it leads to, and the commit. A transaction that fails takes all of it back, and the Sentinel begins anew.
    pub fn sentinel(&mut self, slot: usize, event: Event) {
        let Some(mut decider) = self.sentinels[slot].decider.take() else { return };
        let fails = self.faults && self.rng.chance(8);
        let before = fails.then(|| self.model.clone());
        let mut outbox = Vec::new();
        let mut actions = decider.on(self.now_us, event);
        while !actions.is_empty() {
            let mut next = Vec::new();
            for action in actions {
                match action {
                    Action::Command(command) => {
                        if !self.may_write(slot) {
                            return;
                        }
                        let outcome = self.model.apply(self.wall_us(), command);
                        next.extend(decider.on(self.now_us, Event::Outcome(outcome)));
                    }
                    Action::Answer(peer, answer) => outbox.push((peer, Say::Answer(answer))),
                    Action::Dispatch(peer, Assignment { job, recovery }) => {
                        outbox.push((peer, Say::Dispatch(job, recovery)));
                    }
                    Action::Abort(peer, attempt) => {
                        outbox.push((peer, Say::Abort(attempt.job.id)));
                    }
                    Action::Err(..) => {}
                }
            }
            actions = next;
        }
        if let Some(before) = before {
            self.model = before;
            self.begin_life(slot);
            return;
        }
        let said = outbox.into_iter().map(|(peer, say)| Mail::ToWorker(peer, say));
        let first = self.mail.len();
        self.mail.extend(said);
        if self.faults && self.rng.chance(3) {
            // Killed after the commit, before or while it sends.
            let sent = self.rng.below(self.mail.len() - first + 1);
            self.mail.truncate(first + sent);
            return;
        }
        self.sentinels[slot].decider = Some(decider);
    }

    /// A deposed one ends; one without a catalog waits for it.
    fn may_write(&mut self, slot: usize) -> bool {
        if self.is_catalog_down() {
            self.sentinels[slot].waits_for_catalog = true;
            return false;
        }
        let is_deposed = self.sentinels[slot].epoch != self.model.epoch;
        self.stats.deposed += u64::from(is_deposed);
        !is_deposed || self.flaw == Some(Flaw::HearsTheDeposed)
    }
}
