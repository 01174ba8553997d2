//! Whole lives of a small cluster from a seed: the real `decide` between workers, a network and processes that fail in every way,
//! with a naive catalog and a naive disk beneath. The promise that is checked is P1.

mod disk;
mod model;
mod rng;
mod worker;
mod world;

use world::World;

/// Seeds in one run of the tests. A failure prints its seed; `CASPARIAN_TEST_SEED=n` replays that one alone.
const SEEDS: u64 = 300;
const STEPS: u32 = 1_500;

#[test]
fn whatever_fails_every_job_is_published_exactly_once() {
    let only = std::env::var("CASPARIAN_TEST_SEED").ok().map(|text| text.parse().unwrap());
    let seeds = only.map_or(0..SEEDS, |seed: u64| seed..seed + 1);
    let mut recoveries = 0;
    let mut losses = 0;
    for seed in seeds.clone() {
        let mut world = World::new(seed);
        (0..STEPS).for_each(|_| world.step());
        world.settle();
        recoveries += world.recoveries();
        losses += world.losses();
    }
    if seeds.end - seeds.start > 1 {
        assert!(recoveries > SEEDS, "the faults reach the recovery: {recoveries}");
        assert!(losses > SEEDS / 10, "the faults reach the loss of staged data: {losses}");
    }
}

#[test]
fn a_recoverer_that_looks_for_the_final_file_first_is_caught() {
    let doubled = (0..SEEDS * 10).any(|seed| {
        let lives = std::panic::catch_unwind(|| {
            let mut world = World::with_final_first_recovery(seed);
            (0..STEPS).for_each(|_| world.step());
        });
        let message = lives.err().and_then(|panic| panic.downcast::<String>().ok());
        message.is_some_and(|message| message.contains("rows doubled"))
    });
    assert!(doubled, "the simulation must find the fault that this order has");
}
