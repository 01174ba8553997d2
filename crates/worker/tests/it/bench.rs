//! What a small job costs; run by hand: `cargo test --release -p worker -- --ignored --nocapture cost`.

use crate::guests::EXAMPLE;
use crate::support::Rig;
use std::time::Instant;

const JOBS: i64 = 3_000;
/// What a Sentinel gives in bunches.
const IN_FLIGHT: i64 = 100;

#[test]
#[ignore = "measures, and takes a while"]
fn the_cost_of_a_small_job() {
    let source = EXAMPLE.replace("list(csv.DictReader(file))", "{'a': [1, 2, 3]}");
    for slots in [1, 2] {
        let mut rig = Rig::new(slots);
        let file = rig.project.input("x.csv", "a\n1\n");
        let dispatch = rig.project.dispatch(&source, &file, &["sales_data"]);
        rig.sentinel.dispatch(JOBS + 1, &dispatch);
        rig.sentinel.until_concluded(JOBS + 1);
        let started = Instant::now();
        for job in 1..=JOBS {
            rig.sentinel.dispatch(job, &dispatch);
            if job > IN_FLIGHT {
                rig.sentinel.until_concluded(job - IN_FLIGHT);
            }
        }
        for job in 1..=JOBS {
            rig.sentinel.until_concluded(job);
        }
        let each = started.elapsed() / JOBS as u32;
        println!("{slots} slot(s): {each:?} a job");
    }
}
