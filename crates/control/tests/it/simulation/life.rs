//! One life: some time in which everything fails, then peace, in which everything has to end.

use super::flaw::Flaw;
use super::model::{Nature, State};
use super::world::{SENTINELS, WORKERS, World};

pub const STEPS: u64 = 3_000;
/// Steps after which a healthy cluster must have finished.
const SETTLE_STEPS: u64 = 60_000;
/// A guest that crashes is tried so often, and a worker may be lost so often with one that kills it, the first time in company.
const CRASHES_MAX: u32 = 4;

/// What the faults have led to, so that nothing goes untried unnoticed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stats {
    pub steps: u64,
    pub recoveries: u64,
    pub recovered_packs: u64,
    pub repacks: u64,
    pub recovered_compactions: u64,
    pub lost_compactions: u64,
    pub compacted: u64,
    pub lost: u64,
    pub aborted_running: u64,
    pub spent: u64,
    pub sentinels: u64,
    pub deposed: u64,
    pub long_pauses: u64,
}

impl Stats {
    pub fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.recoveries += other.recoveries;
        self.recovered_packs += other.recovered_packs;
        self.repacks += other.repacks;
        self.recovered_compactions += other.recovered_compactions;
        self.lost_compactions += other.lost_compactions;
        self.compacted += other.compacted;
        self.lost += other.lost;
        self.aborted_running += other.aborted_running;
        self.spent += other.spent;
        self.sentinels += other.sentinels;
        self.deposed += other.deposed;
        self.long_pauses += other.long_pauses;
    }

    pub fn reaches_everything(&self) {
        assert!(self.steps >= 1_000_000, "{self:?}");
        let least = [self.recoveries, self.sentinels, self.long_pauses].into_iter().min();
        assert!(least > Some(500), "{self:?}");
        let rare = [self.lost, self.aborted_running, self.spent, self.deposed];
        let of_packs = [self.recovered_packs, self.repacks];
        let of_compactions = [self.compacted, self.recovered_compactions];
        assert!(self.lost_compactions > 3, "{self:?}");
        let rare = rare.into_iter().chain(of_packs).chain(of_compactions);
        assert!(rare.min() > Some(25), "{self:?}");
    }
}

/// What is broken, where it is, and when it happened.
pub fn live(seed: u64, flaw: Option<Flaw>) -> Result<Stats, String> {
    let mut world = World::new(seed, flaw);
    let broken = |world: &mut World| match world.broken.take() {
        None => Ok(()),
        Some(what) => Err(format!("seed {seed}, step {}: {what}", world.steps)),
    };
    while world.steps < STEPS {
        world.step();
        broken(&mut world)?;
    }
    world.make_peace();
    while !world.is_settled() {
        world.revive();
        world.pass_idle_time();
        world.step();
        broken(&mut world)?;
        if world.steps > STEPS + SETTLE_STEPS {
            return Err(format!("seed {seed}: not settled: {}", world.unfinished()));
        }
    }
    let (model, steps) = (&world.model, world.steps);
    let (recoveries, lost, spent) = (model.recoveries, model.lost, model.spent);
    Ok(Stats {
        steps,
        recoveries,
        recovered_packs: model.recovered_packs,
        repacks: world.disk.repacks,
        recovered_compactions: model.recovered_compactions,
        lost_compactions: model.lost_compactions,
        compacted: model.compacted.len() as u64,
        lost,
        spent,
        aborted_running: model.aborted_running,
        ..world.stats
    })
}

impl World {
    fn unfinished(&self) -> String {
        let is_done = |state| matches!(state, State::Completed | State::Aborted);
        let jobs = self.model.jobs.iter().filter(|(_, row)| !is_done(row.state));
        let jobs = jobs.collect::<Vec<_>>();
        let leaving = (&self.model.to_retire, &self.model.compactions, &self.model.hidden);
        let (workers, sentinels) = (&self.workers, &self.sentinels);
        format!("{jobs:?}\nto retire {leaving:?}\n{workers:?}\n{sentinels:?}")
    }

    fn make_peace(&mut self) {
        self.faults = false;
        self.disk.full_until_us = 0;
        self.catalog_down_until_us = 0;
        self.sentinels.iter_mut().for_each(|sentinel| sentinel.paused_until_us = 0);
        for worker in self.workers.iter_mut().flatten() {
            (worker.paused_until_us, worker.cut_until_us) = (0, 0);
        }
        for row in self.model.jobs.values_mut() {
            row.tries = 0;
        }
    }

    fn revive(&mut self) {
        for slot in 0..WORKERS {
            if self.workers[slot].is_none() {
                self.start_worker(slot);
            }
        }
        (0..SENTINELS).for_each(|slot| self.wake_from_catalog(slot));
        if self.active().is_none() {
            self.start_sentinel(0);
        }
        self.retry_one();
    }

    /// While everything waits for a back-off, time is all that is wanted.
    fn pass_idle_time(&mut self) {
        let is_idle = |state| !matches!(state, State::Queued | State::Running | State::Committing);
        if self.model.jobs.values().all(|row| is_idle(row.state)) {
            self.now_us += 250_000;
        }
    }

    /// Whatever is left is what a person or the plugin wanted so.
    fn is_settled(&mut self) -> bool {
        for (id, row) in &self.model.jobs {
            let is_end = match (row.nature, row.state) {
                (_, State::Aborted) => true,
                (Nature::Harmless, state) => state == State::Completed,
                (_, state) => state == State::Failed,
            };
            let most = if row.nature == Nature::Harmless { u32::MAX } else { 3 * CRASHES_MAX };
            if row.tries > most {
                let what = format!("job {id}: a bad file is tried without end: {row:?}");
                self.broken.get_or_insert(what);
            }
            if !is_end {
                return false;
            }
        }
        self.model.to_retire.is_empty()
            && self.model.compactions.is_empty()
            && !self.model.has_hidden()
    }
}
