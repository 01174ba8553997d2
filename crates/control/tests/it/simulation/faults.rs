//! What fails: processes die and sleep, messages are lost, doubled and late, networks are cut, clocks jump, disks fill up, catalogs go.

use super::model::State;
use super::sentinel::TIMING;
use super::world::{SENTINELS, WORKERS, World};
use protocol::JobId;

const SECOND_US: usize = 1_000_000;

impl World {
    pub fn fault(&mut self) {
        let slot = self.rng.below(WORKERS);
        let seat = self.rng.below(SENTINELS);
        match self.rng.below(1_000) {
            0..=1 => self.workers[slot] = None,
            5..=19 if self.workers[slot].is_none() => self.start_worker(slot),
            20 => self.sentinels[seat].decider = None,
            // A standby takes over when nobody is heard of, and now and then from one that only sleeps.
            22..=60 => self.take_over(seat),
            61..=64 => self.pause_worker(slot, 3 * SECOND_US),
            // Longer than any lease.
            71..=72 => self.pause_worker(slot, 30 * SECOND_US),
            73..=74 => {
                let pause_us = self.rng.below(8 * SECOND_US) as i64;
                self.sentinels[seat].paused_until_us = self.now_us + pause_us;
            }
            // Everybody stands still, as when a laptop sleeps.
            76 => self.now_us += self.rng.below(10 * SECOND_US) as i64,
            // Only the wall clock jumps, an hour either way.
            77 => {
                let jump_us = self.rng.below(7_200 * SECOND_US) as i64 - 3_600_000_000;
                self.wall_offset_us += jump_us;
            }
            78..=87 if !self.mail.is_empty() => {
                let at = self.rng.below(self.mail.len());
                self.mail.swap_remove(at);
            }
            106..=115 if !self.mail.is_empty() => {
                let at = self.rng.below(self.mail.len());
                self.mail.push(self.mail[at].clone());
            }
            131 if self.rng.chance(500) => self.cut(slot, 600 * SECOND_US),
            132..=133 => self.cut(slot, 5 * SECOND_US),
            134 if self.rng.chance(500) => {
                self.disk.full_until_us = self.now_us + self.rng.below(5 * SECOND_US) as i64;
            }
            135 if self.rng.chance(300) => {
                self.catalog_down_until_us = self.now_us + self.rng.below(60 * SECOND_US) as i64;
            }
            136..=137 => {
                let id = self.one_to_abort();
                self.abort(id);
            }
            140..=141 => self.retry_one(),
            142 => {
                let id = JobId::new(1 + self.rng.below(self.model.jobs.len()) as i64);
                self.model.restore(id);
            }
            // A machine is gone for good, with what was staged there.
            144..=146 => self.lose_a_staged_file(),
            _ => {}
        }
    }

    /// Most of all one that runs.
    fn one_to_abort(&mut self) -> JobId {
        let rows = self.model.jobs.iter().filter(|(_, row)| row.state == State::Running);
        let running = rows.map(|(id, _)| *id).collect::<Vec<_>>();
        match running.is_empty() {
            true => JobId::new(1 + self.rng.below(self.model.jobs.len()) as i64),
            false => running[self.rng.below(running.len())],
        }
    }

    /// Most of all one that others are to become.
    fn lose_a_staged_file(&mut self) {
        let staged = self.disk.items.iter().filter(|item| item.directory().is_some()).copied();
        let (made, rest): (Vec<_>, Vec<_>) =
            staged.partition(|item| self.model.is_being_made(*item));
        let staged = if made.is_empty() { rest } else { made };
        if !staged.is_empty() {
            let at = self.rng.below(staged.len());
            self.disk.items.remove(&staged[at]);
        }
    }

    fn take_over(&mut self, seat: usize) {
        let active = self.active().filter(|slot| self.sentinels[*slot].decider.is_some());
        let sleeps = |slot: usize| self.sentinels[slot].paused_until_us > self.now_us;
        let wanted = match active {
            None => true,
            Some(slot) => slot != seat && sleeps(slot) && self.rng.chance(400),
        };
        if wanted {
            self.start_sentinel(seat);
        }
    }

    fn pause_worker(&mut self, slot: usize, at_most_us: usize) {
        let pause_us = self.rng.below(at_most_us) as i64;
        if let Some(worker) = &mut self.workers[slot] {
            worker.paused_until_us = worker.paused_until_us.max(self.now_us + pause_us);
            self.stats.long_pauses += u64::from(pause_us > TIMING.lease_us);
        }
    }

    /// Nothing goes to it or comes from it.
    fn cut(&mut self, slot: usize, at_most_us: usize) {
        let cut_us = self.rng.below(at_most_us) as i64;
        if let Some(worker) = &mut self.workers[slot] {
            worker.cut_until_us = self.now_us + cut_us;
        }
    }
}
