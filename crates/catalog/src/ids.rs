//! Ids: 41 bits of milliseconds since 2020, 10 bits of node, 12 bits of sequence. Each opening of a catalog has a node of its own,
//! so that two processes, or two catalogs, do not make the same id in the same millisecond.

use std::sync::Mutex;

const EPOCH_MS: i64 = 1_577_836_800_000;
const NODE_BITS: u32 = 10;
const SEQUENCE_BITS: u32 = 12;
pub(crate) const NODES: i64 = 1 << NODE_BITS;

#[derive(Debug)]
pub struct IdGenerator {
    node: i64,
    /// Milliseconds and sequence of the last id, as one number.
    last: Mutex<i64>,
}

impl IdGenerator {
    pub fn new(node: i64) -> Self {
        Self { node: node.rem_euclid(NODES), last: Mutex::new(0) }
    }

    /// The next id. It never goes back, whatever the clock does, and borrows the next millisecond where one is used up.
    pub fn next(&self, now_us: i64) -> i64 {
        let tick = ((now_us / 1_000 - EPOCH_MS).max(1)) << SEQUENCE_BITS;
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *last = tick.max(*last + 1);
        let (ms, sequence) = (*last >> SEQUENCE_BITS, *last & ((1 << SEQUENCE_BITS) - 1));
        (ms << (NODE_BITS + SEQUENCE_BITS)) | (self.node << SEQUENCE_BITS) | sequence
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_even_when_the_clock_goes_back_or_stands_still() {
        let ids = IdGenerator::new(5);
        let now_us = 1_800_000_000_000_000;
        let made = (0..20_000).map(|n| ids.next(now_us - n)).collect::<Vec<_>>();
        assert!(made.is_sorted_by(|a, b| a < b));
        assert!(made.iter().all(|id| *id > 0));
    }

    #[test]
    fn f06_two_catalogs_do_not_share_ids() {
        let (one, other) = (IdGenerator::new(1), IdGenerator::new(2));
        let now_us = 1_800_000_000_000_000;
        let ids = (0..5_000).flat_map(|_| [one.next(now_us), other.next(now_us)]);
        let distinct = ids.collect::<std::collections::BTreeSet<_>>();
        assert_eq!(distinct.len(), 10_000);
    }
}
