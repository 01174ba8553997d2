//! Staged, promoted, thrown away, replaced: readers see a job's rows once, or not at all.

use super::target::{Target, attempt, on_every_sink, promote};
use crate::schemas::{batch, ints};
use arrow_array::RecordBatch;
use std::thread;
use worker::sinks::PromoteOutcome;

on_every_sink!(
    what_is_staged_is_seen_by_nobody_and_what_is_discarded_never,
    promotion_publishes_once_and_a_second_one_finds_nothing,
    a_crash_after_promotion_and_before_its_staged_file_is_gone_doubles_nothing,
    what_is_superseded_and_retired_is_gone_however_often_it_is_asked,
    a_later_attempt_takes_the_place_of_an_earlier_one,
    jobs_of_one_promotion_are_there_together,
    workers_that_publish_at_once_lose_and_double_nothing,
    a_million_rows_arrive_as_such,
);

pub fn rows(values: &[i64]) -> Vec<RecordBatch> {
    vec![batch(&[("a", ints(values))])]
}

fn what_is_staged_is_seen_by_nobody_and_what_is_discarded_never(target: &Target) {
    let sinks = target.worker("w1");
    let output = target.stage(&sinks, "t", attempt(1, 1), &rows(&[1, 2])).unwrap();
    assert_eq!((output.rows, target.rows("t", "a")), (2, vec![]));
    assert_eq!(target.staged_files("t").len(), 1);
    sinks.discard(std::slice::from_ref(&output)).unwrap();
    assert!(target.staged_files("t").is_empty());
    let late = promote(&sinks, attempt(1, 1), &output, &[]).unwrap();
    assert_eq!((late, target.rows("t", "a")), (PromoteOutcome::Taken, vec![]));
    // Nor what was never sealed.
    let mut stager = target.stager(&sinks, "t", attempt(2, 1));
    stager.write(&rows(&[1])[0]).unwrap();
    drop(stager);
    assert!(target.staged_files("t").is_empty());
}

fn promotion_publishes_once_and_a_second_one_finds_nothing(target: &Target) {
    let sinks = target.worker("w1");
    let output = target.stage(&sinks, "t", attempt(9, 2), &rows(&[1, 2, 3])).unwrap();
    let published = [(9, Some(1)), (9, Some(2)), (9, Some(3))];
    for outcome in [PromoteOutcome::Done, PromoteOutcome::Taken, PromoteOutcome::Taken] {
        assert_eq!(promote(&sinks, attempt(9, 2), &output, &[]).unwrap(), outcome);
        assert_eq!(target.rows("t", "a"), published);
        assert!(target.staged_files("t").is_empty());
    }
}

fn a_crash_after_promotion_and_before_its_staged_file_is_gone_doubles_nothing(target: &Target) {
    let sinks = target.worker("w1");
    let output = target.stage(&sinks, "t", attempt(9, 1), &rows(&[1, 2])).unwrap();
    let staged = target.staged_files("t").remove(0);
    let aside = target.lake.path().join("aside");
    std::fs::copy(&staged, &aside).unwrap();
    for _ in 0..3 {
        assert_eq!(promote(&sinks, attempt(9, 1), &output, &[]).unwrap(), PromoteOutcome::Done);
        assert_eq!(target.rows("t", "a"), [(9, Some(1)), (9, Some(2))]);
        std::fs::copy(&aside, &staged).unwrap();
    }
}

fn what_is_superseded_and_retired_is_gone_however_often_it_is_asked(target: &Target) {
    let sinks = target.worker("w1");
    for id in 1..=3 {
        target.done("t", attempt(id, 2), &rows(&[id, id]));
    }
    let output = target.stage(&sinks, "t", attempt(4, 1), &rows(&[4])).unwrap();
    let old = [attempt(1, 2), attempt(77, 1), attempt(1, 2)];
    assert_eq!(promote(&sinks, attempt(4, 1), &output, &old).unwrap(), PromoteOutcome::Done);
    for _ in 0..2 {
        for gone in [attempt(1, 2), attempt(3, 2), attempt(77, 1)] {
            target.retire(&sinks, "t", gone);
        }
        // Only the very attempt is meant.
        target.retire(&sinks, "t", attempt(2, 1));
        target.retire(&sinks, "t", attempt(2, 3));
        assert_eq!(target.rows("t", "a"), [(2, Some(2)), (2, Some(2)), (4, Some(4))]);
    }
}

fn a_later_attempt_takes_the_place_of_an_earlier_one(target: &Target) {
    let sinks = target.worker("w1");
    target.done("t", attempt(5, 1), &rows(&[1, 2, 3]));
    let later = target.stage(&sinks, "t", attempt(5, 2), &rows(&[7, 8])).unwrap();
    assert_eq!(promote(&sinks, attempt(5, 2), &later, &[]).unwrap(), PromoteOutcome::Done);
    target.retire(&sinks, "t", attempt(5, 1));
    assert_eq!(target.rows("t", "a"), [(5, Some(7)), (5, Some(8))]);
}

fn jobs_of_one_promotion_are_there_together(target: &Target) {
    let sinks = target.worker("w1");
    let jobs: Vec<_> = (1..=5).map(|id| attempt(id, 1)).collect();
    let stage = |topic: &str, job| target.stage(&sinks, topic, job, &rows(&[7])).unwrap();
    let staged: Vec<_> =
        jobs.iter().map(|job| (*job, [stage("t", *job), stage("u", *job)])).collect();
    let mut promotion = sinks.promotion();
    for (job, outputs) in &staged {
        for output in outputs {
            promotion.promote(*job, output, &[]).unwrap();
        }
    }
    let promoted = promotion.finish();
    promoted.files.unwrap();
    assert!(promoted.tables.is_empty());
    for topic in ["t", "u"] {
        let expected: Vec<_> = (1..=5).map(|id| (id, Some(7))).collect();
        assert_eq!(target.rows(topic, "a"), expected);
        assert!(target.staged_files(topic).is_empty());
    }
}

fn workers_that_publish_at_once_lose_and_double_nothing(target: &Target) {
    thread::scope(|scope| {
        for worker in 0..4 {
            scope.spawn(move || {
                let sinks = target.worker(&format!("w{worker}"));
                for number in 1..=5 {
                    let job = attempt(worker * 10 + number, 1);
                    let rows = rows(&[number, number]);
                    let output = target.stage(&sinks, "t", job, &rows).unwrap();
                    let old = attempt(job.id.get() - 1, 1);
                    let old = if number % 2 == 0 { vec![old] } else { vec![] };
                    let done = promote(&sinks, job, &output, &old).unwrap();
                    assert_eq!(done, PromoteOutcome::Done);
                    for old in old {
                        target.retire(&sinks, "t", old);
                    }
                }
            });
        }
    });
    let expected: Vec<_> = (0..4)
        .flat_map(|worker| [2, 4, 5].map(|number| (worker * 10 + number, Some(number))))
        .flat_map(|row| [row, row])
        .collect();
    assert_eq!(target.rows("t", "a"), expected);
}

fn a_million_rows_arrive_as_such(target: &Target) {
    let batches: Vec<_> = (0..16_i64)
        .map(|part| {
            let values: Vec<i64> = (part * 62_500..(part + 1) * 62_500).collect();
            batch(&[("a", ints(&values))])
        })
        .collect();
    target.done("t", attempt(1, 1), &batches);
    let sum = 999_999 * 500_000;
    assert_eq!(target.totals("t", "a"), (1_000_000, sum));
}
