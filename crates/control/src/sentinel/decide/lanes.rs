//! Two lanes, each with a guaranteed share of the workers' time. What one lane does not want, the other gets.

use catalog::Lane;

/// Of so many parts of the time, the fresh lane is guaranteed all but one and the backfill lane that one.
const PARTS: i64 = 4;
/// How much a lane can be owed, as slot time: more is forgiven, so that a long job does not lock its lane out for long.
const OWED_MAX_US: i64 = 30_000_000;

/// Who is owed time. Only while both lanes want it does one owe the other.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    /// Slot time that the fresh lane had above its share; below zero: that it is owed.
    fresh_ahead_us: i64,
}

impl Lanes {
    /// Time has passed while so many jobs of each lane were running.
    pub(super) fn pass(&mut self, passed_us: i64, fresh: usize, backfill: usize, want: Want) {
        let (fresh, backfill) = (fresh as i64, backfill as i64);
        self.fresh_ahead_us += passed_us * (fresh - (PARTS - 1) * backfill);
        self.fresh_ahead_us = self.fresh_ahead_us.clamp(-OWED_MAX_US, OWED_MAX_US);
        if !want.fresh {
            self.fresh_ahead_us = self.fresh_ahead_us.max(0);
        }
        if !want.backfill {
            self.fresh_ahead_us = self.fresh_ahead_us.min(0);
        }
    }

    /// How many of these jobs to claim of each lane; the lane that is owed more comes first.
    pub(super) fn split(&self, jobs: usize, want: Want) -> [(Lane, usize); 2] {
        let few = jobs / PARTS as usize;
        let fresh_first = self.fresh_ahead_us <= 0;
        let backfill = match (want.fresh, want.backfill) {
            (_, false) => 0,
            (false, true) => jobs,
            (true, true) if fresh_first => few,
            (true, true) => jobs.div_ceil(PARTS as usize),
        };
        let fresh = if want.fresh { jobs - backfill } else { 0 };
        let shares = [(Lane::Fresh, fresh), (Lane::Backfill, backfill)];
        if fresh_first { shares } else { [shares[1], shares[0]] }
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

    #[test]
    fn a_lane_alone_gets_everything_and_owes_nothing() {
        let mut lanes = Lanes::default();
        lanes.pass(3_600_000_000, 8, 0, FRESH);
        assert_eq!(lanes.split(8, FRESH), [(Lane::Fresh, 8), (Lane::Backfill, 0)]);
        assert_eq!(lanes.split(8, BACKFILL), [(Lane::Fresh, 0), (Lane::Backfill, 8)]);
        assert_eq!(lanes.split(8, Want::BOTH), [(Lane::Fresh, 6), (Lane::Backfill, 2)]);
    }

    /// One slot, with long jobs in one lane and short ones in the other.
    #[test]
    fn one_slot_is_shared_by_time_and_not_by_jobs() {
        for (fresh_us, backfill_us) in [(10_000, 5_000_000), (5_000_000, 10_000), (1_000, 1_000)] {
            let mut lanes = Lanes::default();
            let mut had_us = [0, 0];
            while had_us[0] + had_us[1] < 600_000_000_i64 {
                let split = lanes.split(1, Want::BOTH);
                let (lane, _) = split.into_iter().find(|(_, jobs)| *jobs == 1).unwrap();
                let (took_us, fresh) =
                    if lane == Lane::Fresh { (fresh_us, 1) } else { (backfill_us, 0) };
                lanes.pass(took_us, fresh, 1 - fresh, Want::BOTH);
                had_us[1 - fresh] += took_us;
            }
            let share = had_us[1] as f64 / (had_us[0] + had_us[1]) as f64;
            assert!((0.23..0.27).contains(&share), "backfill had {share}");
        }
    }

    #[test]
    fn a_job_of_an_hour_does_not_lock_its_lane_out_for_hours() {
        let mut lanes = Lanes::default();
        lanes.pass(3_600_000_000, 0, 1, Want::BOTH);
        lanes.pass(OWED_MAX_US, 1, 0, Want::BOTH);
        lanes.pass(1, 1, 0, Want::BOTH);
        assert_eq!(lanes.split(1, Want::BOTH)[0], (Lane::Backfill, 1));
    }
}
