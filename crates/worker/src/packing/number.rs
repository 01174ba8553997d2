//! Numbers of packs: time-ordered like all ids, and with bits that another worker, or this one in another life, does not have as well.

use protocol::{CommitId, WorkerId};
use sha2::{Digest, Sha256};

const EPOCH_MS: i64 = 1_577_836_800_000;
const RANDOM_BITS: u32 = 22;

#[derive(Debug)]
pub struct Numbers {
    /// What the bits come from: name and beginning of this process.
    seed: Vec<u8>,
    made: u64,
}

impl Numbers {
    pub fn new(worker: &WorkerId, started_us: i64) -> Self {
        Self { seed: format!("{worker} {started_us} {}", std::process::id()).into_bytes(), made: 0 }
    }

    pub fn next(&mut self, now_us: i64) -> CommitId {
        self.made += 1;
        let digest = Sha256::new().chain_update(&self.seed).chain_update(self.made.to_be_bytes());
        let digest = digest.finalize();
        let bits = i64::from(u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]));
        let ms = (now_us / 1_000 - EPOCH_MS).clamp(1, (1 << 41) - 1);
        CommitId::new((ms << RANDOM_BITS) | (bits & ((1 << RANDOM_BITS) - 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn packs_of_one_millisecond_have_different_numbers() {
        let now_us = 1_800_000_000_000_000;
        let mut made = BTreeSet::new();
        for worker in ["one", "other"] {
            let mut numbers = Numbers::new(&worker.parse().unwrap(), 1);
            made.extend((0..100).map(|_| numbers.next(now_us)));
        }
        assert!(made.len() >= 199 && made.iter().all(|number| number.get() > 0));
        let mut numbers = Numbers::new(&"one".parse().unwrap(), 1);
        assert!(numbers.next(-5).get() > 0);
        assert!(
            numbers.next(now_us) > *made.first().unwrap()
                || numbers.next(now_us + 1_000) > *made.last().unwrap()
        );
    }
}
