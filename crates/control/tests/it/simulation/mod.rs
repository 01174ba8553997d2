//! Whole lives of a small cluster from a seed: the real `decide` in Sentinels that follow each other, between workers, a network,
//! clocks, disks and processes that fail in every way, with a naive catalog and a naive disk beneath.
//!
//! What is checked, at every step: each file is published once, what is aborted is not published, what is COMPLETED is there. And when
//! nothing fails any more, everything comes to its end within bounded time.
//!
//! A failure names its seed and step; `CASPARIAN_TEST_SEED=n cargo nextest run -p control simulation` lives that one again.

mod compaction;
mod disk;
mod faults;
mod flaw;
mod lanes;
mod life;
mod model;
mod recovery;
mod rng;
mod sentinel;
mod worker;
mod world;

use flaw::Flaw;
use life::{Stats, live};

/// With `life::STEPS` each: a million steps.
const SEEDS: u64 = 200;
/// Each flaw shows within so many lives.
const SEEDS_OF_A_FLAW: u64 = 300;

#[test]
fn whatever_fails_every_file_is_published_once_and_everything_ends() {
    let only = std::env::var("CASPARIAN_TEST_SEED").ok().map(|text| text.parse().unwrap());
    let seeds = only.map_or(0..SEEDS, |seed: u64| seed..seed + 1);
    let mut all = Stats::default();
    for seed in seeds {
        match live(seed, None) {
            Ok(stats) => all.add(&stats),
            Err(broken) => panic!("{broken}; again: CASPARIAN_TEST_SEED={seed}"),
        }
    }
    if only.is_none() {
        all.reaches_everything();
    }
}

#[test]
fn a_flaw_in_catalog_or_recovery_is_found() {
    for flaw in Flaw::ALL {
        let found = (0..SEEDS_OF_A_FLAW).find_map(|seed| live(seed, Some(flaw)).err());
        let found = found.unwrap_or_else(|| panic!("{flaw:?} goes unnoticed"));
        assert!(found.contains(flaw.shows_as()), "{flaw:?}: {found}");
    }
}
