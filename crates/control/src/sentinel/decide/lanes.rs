//! Two lanes, each with a guaranteed share of the workers' time. What one lane does not want, the other gets.

use catalog::Lane;

/// Of so many parts of the time, the fresh lane is guaranteed all but one and the backfill lane that one.
const PARTS: i64 = 4;
/// How long a job that is given now is taken to hold its slot: what a lane will have counts beside what it had.
const AHEAD_US: i64 = 5_000_000;
/// How much a lane can be owed, as slot time: more is forgiven, so that a long job does not lock its lane out for long.
const OWED_MAX_US: i64 = 30_000_000;

/// Who is owed time. Only while both lanes want it does one owe the other.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    /// Slot time that the fresh lane had above its share; below zero: that it is owed.
    fresh_ahead_us: i64,
}

/// Jobs by lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub fresh: usize,
    pub backfill: usize,
}

impl Load {
    pub(super) fn of(&mut self, lane: Lane) -> &mut usize {
        match lane {
            Lane::Fresh => &mut self.fresh,
            Lane::Backfill => &mut self.backfill,
        }
    }

    /// How much more the fresh lane has than its share, in slots.
    fn fresh_above_share(self) -> i64 {
        self.fresh as i64 - (PARTS - 1) * self.backfill as i64
    }
}

impl Lanes {
    /// Time has passed while so many jobs of each lane were running.
    pub(super) fn pass(&mut self, passed_us: i64, running: Load, want: Want) {
        self.fresh_ahead_us += passed_us * running.fresh_above_share();
        self.fresh_ahead_us = self.fresh_ahead_us.clamp(-OWED_MAX_US, OWED_MAX_US);
        if !want.fresh {
            self.fresh_ahead_us = self.fresh_ahead_us.max(0);
        }
        if !want.backfill {
            self.fresh_ahead_us = self.fresh_ahead_us.min(0);
        }
    }

    /// How many of these jobs to claim of each lane, beside those that it has.
    pub(super) fn split(&self, jobs: usize, running: Load, want: Want) -> Load {
        match (want.fresh, want.backfill) {
            (true, false) => return Load { fresh: jobs, backfill: 0 },
            (false, true) => return Load { fresh: 0, backfill: jobs },
            (false, false) => return Load::default(),
            (true, true) => {}
        }
        let mut split = Load::default();
        for _ in 0..jobs {
            let all = Load {
                fresh: running.fresh + split.fresh,
                backfill: running.backfill + split.backfill,
            };
            let ahead_us = self.fresh_ahead_us + AHEAD_US * all.fresh_above_share();
            let lane = if ahead_us > 0 { Lane::Backfill } else { Lane::Fresh };
            *split.of(lane) += 1;
        }
        split
    }
}

/// Which lanes have jobs waiting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Want {
    pub fresh: bool,
    pub backfill: bool,
}

impl Want {
    pub const BOTH: Self = Self { fresh: true, backfill: true };

    pub fn is_any(self) -> bool {
        self.fresh || self.backfill
    }

    pub(super) fn set(&mut self, lane: Lane, wants: bool) {
        match lane {
            Lane::Fresh => self.fresh = wants,
            Lane::Backfill => self.backfill = wants,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: Want = Want { fresh: true, backfill: false };
    const BACKFILL: Want = Want { fresh: false, backfill: true };

    const NONE: Load = Load { fresh: 0, backfill: 0 };

    fn load(fresh: usize, backfill: usize) -> Load {
        Load { fresh, backfill }
    }

    #[test]
    fn a_lane_alone_gets_everything_and_owes_nothing() {
        let mut lanes = Lanes::default();
        lanes.pass(3_600_000_000, load(8, 0), FRESH);
        assert_eq!(lanes.split(8, NONE, FRESH), load(8, 0));
        assert_eq!(lanes.split(8, NONE, BACKFILL), load(0, 8));
        assert_eq!(lanes.split(8, NONE, Want::BOTH), load(6, 2));
        assert_eq!(lanes.split(1, load(5, 2), Want::BOTH), load(1, 0));
        assert_eq!(lanes.split(1, load(6, 1), Want::BOTH), load(0, 1));
    }

    /// One slot, with long jobs in one lane and short ones in the other.
    #[test]
    fn one_slot_is_shared_by_time_and_not_by_jobs() {
        for (fresh_us, backfill_us) in [(10_000, 5_000_000), (5_000_000, 10_000), (1_000, 1_000)] {
            let mut lanes = Lanes::default();
            let mut had_us = load(0, 0);
            while had_us.fresh + had_us.backfill < 600_000_000 {
                let given = lanes.split(1, NONE, Want::BOTH);
                let took_us = if given.fresh == 1 { fresh_us } else { backfill_us };
                lanes.pass(took_us, given, Want::BOTH);
                had_us.fresh += took_us as usize * given.fresh;
                had_us.backfill += took_us as usize * given.backfill;
            }
            let share = had_us.backfill as f64 / (had_us.fresh + had_us.backfill) as f64;
            assert!((0.23..0.27).contains(&share), "backfill had {share}");
        }
    }

    #[test]
    fn a_job_of_an_hour_does_not_lock_its_lane_out_for_hours() {
        let mut lanes = Lanes::default();
        lanes.pass(3_600_000_000, load(0, 1), Want::BOTH);
        lanes.pass(OWED_MAX_US, load(1, 0), Want::BOTH);
        lanes.pass(1, load(1, 0), Want::BOTH);
        assert_eq!(lanes.split(1, NONE, Want::BOTH), load(0, 1));
    }
}
