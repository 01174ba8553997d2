//! A worker that is lost after its grant, with a crash between any two steps: never twice, never a lost row.

use super::promotion::rows;
use super::target::{Place, Target, attempt, on_every_sink, promote, recover};
use protocol::{JobAttempt, StagedOutput};
use std::path::PathBuf;
use std::thread;
use worker::sinks::{PromoteOutcome, Recovered, Sinks};

const JOB: JobAttempt = JobAttempt { id: protocol::JobId::new(9), attempt: 2 };

on_every_sink!(
    f18_recovery_completes_whatever_the_lost_worker_had_promoted,
    a_recoverer_that_dies_after_any_step_is_recovered_itself,
    a_worker_may_recover_what_it_staged_in_its_earlier_life,
    when_one_output_is_gone_no_other_is_published_anew_and_what_was_stays_for_the_catalog,
    an_earlier_recoverer_that_wakes_up_takes_nothing_from_a_later_one,
    a_recoverer_that_was_asleep_takes_nothing_back_that_is_published,
    what_is_kept_survives_also_where_staging_is_opened_before_the_sweep,
    a_staged_file_without_its_bytes_is_no_source,
    another_attempt_is_no_source,
    a_sweep_spares_the_living_and_what_is_being_committed,
    an_owner_and_recoverers_at_once_publish_once,
);

/// Two outputs of one job.
fn stage(target: &Target, sinks: &Sinks) -> Vec<StagedOutput> {
    ["t", "u"].map(|topic| target.stage(sinks, topic, JOB, &rows(&[1, 2, 3])).unwrap()).into()
}

fn promote_all(sinks: &Sinks, outputs: &[StagedOutput]) -> Vec<PromoteOutcome> {
    outputs.iter().map(|output| promote(sinks, JOB, output, &[]).unwrap()).collect()
}

/// Whether each topic has the job's rows; once, if at all.
fn published(target: &Target) -> [bool; 2] {
    ["t", "u"].map(|topic| {
        let rows = target.rows(topic, "a");
        assert!(rows.is_empty() || rows == [1, 2, 3].map(|a| (9, Some(a))), "{rows:?}");
        !rows.is_empty()
    })
}

fn staged(target: &Target, output: &StagedOutput) -> PathBuf {
    target.staging(output.topic.as_str()).parent().unwrap().join(&output.staged)
}

fn nothing_is_staged(target: &Target) -> bool {
    ["t", "u"].iter().all(|topic| target.staged_files(topic).is_empty())
}

fn f18_recovery_completes_whatever_the_lost_worker_had_promoted(target: &Target) {
    for promoted in 0..=2 {
        let target = target.fresh();
        let first = target.worker("w1");
        let outputs = stage(&target, &first);
        promote_all(&first, &outputs[..promoted]);
        // The first worker still lives and holds its lock: it is only slow.
        let second = target.worker("w2");
        assert_eq!(recover(&second, JOB, 1, &outputs), Recovered::Complete, "{promoted}");
        assert_eq!(published(&target), [true; 2]);
        let late = promote_all(&first, &outputs[promoted..]);
        assert!(late.iter().all(|outcome| *outcome == PromoteOutcome::Taken));
        assert_eq!(recover(&second, JOB, 2, &outputs), Recovered::Complete, "again");
        assert!(published(&target) == [true; 2] && nothing_is_staged(&target));
    }
}

fn a_recoverer_that_dies_after_any_step_is_recovered_itself(target: &Target) {
    // Taken by the first recoverer, not promoted by it: of one output, or of both.
    for taken in 1..=2 {
        let target = target.fresh();
        let outputs = stage(&target, &target.worker("w1"));
        for output in &outputs[..taken] {
            let own = target.staging(output.topic.as_str()).join("w2");
            std::fs::create_dir_all(&own).unwrap();
            std::fs::rename(staged(&target, output), own.join("9-2-r1.parquet")).unwrap();
        }
        let third = target.worker("w3");
        third.keep(&[JOB.into()]);
        third.sweep().unwrap();
        assert_eq!(recover(&third, JOB, 2, &outputs), Recovered::Complete);
        assert_eq!(published(&target), [true; 2]);
    }
}

fn a_worker_may_recover_what_it_staged_in_its_earlier_life(target: &Target) {
    let outputs = stage(target, &target.worker("w1"));
    let again = target.worker("w1");
    again.keep(&[JOB.into()]);
    again.sweep().unwrap();
    assert_eq!(recover(&again, JOB, 1, &outputs), Recovered::Complete);
    assert_eq!(published(target), [true; 2]);
}

fn when_one_output_is_gone_no_other_is_published_anew_and_what_was_stays_for_the_catalog(
    target: &Target,
) {
    for promoted in 0..=1 {
        let target = target.fresh();
        let first = target.worker("w1");
        let outputs = stage(&target, &first);
        promote_all(&first, &outputs[..promoted]);
        std::fs::remove_file(staged(&target, &outputs[1])).unwrap();
        let second = target.worker("w2");
        for recovery in 1..=2 {
            assert_eq!(recover(&second, JOB, recovery, &outputs), Recovered::Lost);
            assert_eq!(published(&target), [promoted == 1, false]);
            assert!(nothing_is_staged(&target));
        }
        // The file runs again.
        let next = attempt(9, 3);
        target.retire(&second, "t", JOB);
        for topic in ["t", "u"] {
            target.done(topic, next, &rows(&[1, 2, 3]));
        }
        assert_eq!(published(&target), [true; 2]);
    }
}

fn an_earlier_recoverer_that_wakes_up_takes_nothing_from_a_later_one(target: &Target) {
    let outputs = stage(target, &target.worker("w1"));
    let later = target.staging("t").join("w3/9-2-r2.parquet");
    std::fs::create_dir_all(later.parent().unwrap()).unwrap();
    std::fs::rename(staged(target, &outputs[0]), &later).unwrap();
    assert_eq!(recover(&target.worker("w2"), JOB, 1, &outputs), Recovered::Overtaken);
    assert!(later.exists() && published(target) == [false; 2]);
    assert_eq!(recover(&target.worker("w4"), JOB, 3, &outputs), Recovered::Complete);
    assert_eq!(published(target), [true; 2]);
    let agreed = recover(&target.worker("w2"), JOB, 1, &outputs);
    assert_eq!(agreed, Recovered::Complete);
}

fn a_recoverer_that_was_asleep_takes_nothing_back_that_is_published(target: &Target) {
    let outputs = stage(target, &target.worker("w1"));
    // As it looked, the second file was nowhere; meanwhile another recoverer found it and ended the job.
    let aside = target.lake.path().join("aside.parquet");
    let missing = staged(target, &outputs[1]);
    std::fs::rename(&missing, &aside).unwrap();
    assert_eq!(recover(&target.worker("w3"), JOB, 2, &outputs[..1]), Recovered::Complete);
    assert_eq!(recover(&target.worker("w2"), JOB, 1, &outputs), Recovered::Lost);
    std::fs::create_dir_all(missing.parent().unwrap()).unwrap();
    std::fs::rename(&aside, &missing).unwrap();
    let ended = recover(&target.worker("w3"), JOB, 2, &outputs);
    // A table does not take any more what was said to be lost: the file runs again.
    let is_file = matches!(target.place, Place::Parquet);
    assert_eq!(ended, if is_file { Recovered::Complete } else { Recovered::Lost });
    assert_eq!(published(target), [true, is_file]);
}

fn what_is_kept_survives_also_where_staging_is_opened_before_the_sweep(target: &Target) {
    let outputs = stage(target, &target.worker("w1"));
    let again = target.worker("w1");
    again.keep(&[JOB.into()]);
    // A job of this life is quicker than the sweep.
    target.stager(&again, "t", attempt(10, 1)).write(&rows(&[1])[0]).unwrap();
    assert_eq!(recover(&again, JOB, 1, &outputs), Recovered::Complete);
}

fn a_staged_file_without_its_bytes_is_no_source(target: &Target) {
    let outputs = stage(target, &target.worker("w1"));
    std::fs::write(staged(target, &outputs[1]), "").unwrap();
    assert_eq!(recover(&target.worker("w2"), JOB, 1, &outputs), Recovered::Lost);
    assert_eq!(published(target), [false; 2]);
}

fn another_attempt_is_no_source(target: &Target) {
    let outputs = stage(target, &target.worker("w1"));
    for output in &outputs {
        let path = staged(target, output);
        std::fs::rename(&path, path.with_file_name("9-21.parquet")).unwrap();
    }
    assert_eq!(recover(&target.worker("w2"), JOB, 1, &outputs), Recovered::Lost);
}

fn a_sweep_spares_the_living_and_what_is_being_committed(target: &Target) {
    let living = target.worker("living");
    stage(target, &living);
    stage(target, &target.worker("dead"));
    let sweeper = target.worker("new");
    sweeper.keep(&[JOB.into()]);
    assert_eq!(sweeper.sweep().unwrap(), 0);
    assert_eq!(target.staged_files("t").len(), 2);
    sweeper.keep(&[attempt(9, 1).into()]);
    assert_eq!(sweeper.sweep().unwrap(), 2);
    assert_eq!(target.staged_files("t"), [target.staging("t").join("living/9-2.parquet")]);
    assert!(!target.staging("t").join("dead").exists());
    drop(living);
    assert_eq!(sweeper.sweep().unwrap(), 2);
    assert!(nothing_is_staged(target));
}

fn an_owner_and_recoverers_at_once_publish_once(target: &Target) {
    for _ in 0..3 {
        let target = target.fresh();
        let owner = target.worker("w1");
        let outputs = stage(&target, &owner);
        thread::scope(|scope| {
            let (target, owner, outputs) = (&target, &owner, &outputs);
            scope.spawn(move || promote_all(owner, outputs));
            for recovery in 1..=2 {
                scope.spawn(move || {
                    recover(&target.worker(&format!("r{recovery}")), JOB, recovery, outputs)
                });
            }
        });
        // Whoever was overtaken says so, and the last recovery ends it.
        assert_eq!(recover(&target.worker("r3"), JOB, 3, &outputs), Recovered::Complete);
        assert!(published(&target) == [true; 2] && nothing_is_staged(&target));
    }
}
