//! The workers that live, and how much each may be given.

use super::event::Peer;
use protocol::SessionToken;

/// Work that a slot should have waiting, in microseconds: enough to hide a round trip, little enough to lose.
const BUNCH_TARGET_US: u64 = 100_000;
const BUNCH_MAX: usize = 64;
/// Longer ones count as this long.
const JOB_LEN_MAX_US: u64 = 3_600_000_000;

#[derive(Debug)]
pub(super) struct Worker {
    pub peer: Peer,
    pub session: SessionToken,
    pub slots: usize,
    pub last_heard_us: i64,
    /// It said that it takes no new jobs.
    pub leaving: bool,
    /// Of a worker of the original v4: the plugins that it has.
    pub plugins: Option<Vec<String>>,
}

impl Worker {
    /// It may be given jobs of any plugin, and anything else that our own workers do.
    pub(super) fn follows(&self) -> bool {
        !self.leaving && self.plugins.is_none()
    }
}

/// How long jobs take, as a moving mean; unknown until one has ended.
#[derive(Debug, Default)]
pub(super) struct Pace {
    mean_us: Option<u64>,
}

impl Pace {
    pub(super) fn learn(&mut self, took_us: u64) {
        let took_us = took_us.min(JOB_LEN_MAX_US);
        self.mean_us = Some(self.mean_us.map_or(took_us, |mean| (mean * 7 + took_us) / 8));
    }

    /// Jobs that one slot gets at once: small files go in bunches, anything longer one by one.
    pub(super) fn bunch(&self) -> usize {
        match self.mean_us {
            None => 1,
            Some(mean) => ((BUNCH_TARGET_US / mean.max(1)) as usize).clamp(1, BUNCH_MAX),
        }
    }
}

/// Free credit of a worker with this many jobs assigned and not yet ready. A part of a bunch is not worth a transaction.
pub(super) fn credit(slots: usize, bunch: usize, assigned: usize) -> usize {
    let room = slots * bunch;
    let free = room.saturating_sub(assigned);
    if free * 4 >= room { free } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_jobs_go_one_by_one_and_quick_ones_in_bunches() {
        let mut pace = Pace::default();
        assert_eq!(pace.bunch(), 1);
        pace.learn(2_000);
        assert_eq!(pace.bunch(), 50);
        (0..100).for_each(|_| pace.learn(10_000_000));
        assert_eq!(pace.bunch(), 1);
        (0..100).for_each(|_| pace.learn(0));
        assert_eq!(pace.bunch(), BUNCH_MAX);
    }

    #[test]
    fn credit_is_slots_less_what_is_assigned() {
        assert_eq!(credit(2, 1, 0), 2);
        assert_eq!(credit(2, 1, 1), 1);
        assert_eq!(credit(2, 1, 2), 0);
        assert_eq!(credit(2, 1, 9), 0);
        assert_eq!(credit(2, 50, 90), 0);
        assert_eq!(credit(2, 50, 40), 60);
    }
}
