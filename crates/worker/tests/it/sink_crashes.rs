//! Promotion, recovery and sweep with a crash between any two steps: never two finals, never a lost row.

use crate::support::sink;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use protocol::{JobAttempt, JobId, OutputFileId, Retirement, StagedOutput, TopicSchema, VersionId};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use worker::sinks::{Lineage, PromoteOutcome, RecoverTarget, Recovered, Sinks};

const JOB: JobAttempt = JobAttempt { id: JobId::new(9), attempt: 2 };

fn rows() -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    RecordBatch::try_from_iter([("a", column)]).unwrap()
}

struct Lake(TempDir);

impl Lake {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.0.path().join(relative)
    }

    fn worker(&self, name: &str) -> Sinks {
        Sinks::new(self.0.path().to_owned(), name.parse().unwrap())
    }

    /// Two outputs of one job.
    fn stage(&self, sinks: &Sinks) -> Vec<StagedOutput> {
        let stage = |topic: &str| {
            let target = sink(topic, &format!("parquet://{topic}"));
            let lineage = Lineage { job: JOB.id, version: VersionId::new(3) };
            let mut stager = sinks.stager(&target, JOB, lineage, false).unwrap();
            stager.write(&rows()).unwrap();
            let unsynced = stager.seal(&TopicSchema::default()).unwrap().unwrap();
            unsynced.sync().unwrap();
            unsynced.output
        };
        vec![stage("t"), stage("u")]
    }

    fn promote(&self, sinks: &Sinks, outputs: &[StagedOutput]) -> Vec<PromoteOutcome> {
        let mut promotion = sinks.promotion();
        let outcomes =
            outputs.iter().map(|output| promotion.promote(JOB, output, &[]).unwrap()).collect();
        promotion.finish().files.unwrap();
        outcomes
    }

    fn published(&self) -> [bool; 2] {
        ["t", "u"].map(|topic| self.path(topic).join("part-9-2.parquet").exists())
    }

    fn recover(&self, sinks: &Sinks, recovery: u32, outputs: &[StagedOutput]) -> Recovered {
        let target = RecoverTarget { commit: JOB.into(), recovery, jobs: vec![outputs] };
        sinks.recover(&target).unwrap().remove(0)
    }

    fn staged_names(&self, topic: &str) -> Vec<String> {
        let Ok(workers) = std::fs::read_dir(self.path(topic).join("_staging")) else {
            return Vec::new();
        };
        let files = workers.flat_map(|worker| std::fs::read_dir(worker.unwrap().path()).unwrap());
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }
}

#[test]
fn promotion_publishes_once_and_a_second_one_finds_nothing() {
    let lake = Lake::new();
    let sinks = lake.worker("w1");
    let outputs = lake.stage(&sinks);
    assert_eq!(lake.published(), [false; 2]);
    assert_eq!(lake.promote(&sinks, &outputs), [PromoteOutcome::Done; 2]);
    assert_eq!(lake.published(), [true; 2]);
    assert_eq!(lake.promote(&sinks, &outputs), [PromoteOutcome::Taken; 2]);
    assert_eq!(lake.published(), [true; 2]);
}

#[test]
fn a_final_file_with_the_same_content_is_adopted_and_another_is_never_overwritten() {
    let lake = Lake::new();
    let sinks = lake.worker("w1");
    let outputs = lake.stage(&sinks);
    std::fs::copy(lake.path("t").join(&outputs[0].staged), lake.path("t/part-9-2.parquet"))
        .unwrap();
    std::fs::write(lake.path("u/part-9-2.parquet"), "something else").unwrap();
    let mut promotion = sinks.promotion();
    assert_eq!(promotion.promote(JOB, &outputs[0], &[]).unwrap(), PromoteOutcome::Done);
    let error = promotion.promote(JOB, &outputs[1], &[]).unwrap_err().to_string();
    assert!(error.contains("exists with other content"), "{error}");
    assert_eq!(std::fs::read(lake.path("u/part-9-2.parquet")).unwrap(), b"something else");
}

#[test]
fn f18_recovery_completes_whatever_the_lost_worker_had_promoted() {
    for promoted in 0..=2 {
        let lake = Lake::new();
        let first = lake.worker("w1");
        let outputs = lake.stage(&first);
        lake.promote(&first, &outputs[..promoted]);
        // The first worker still lives and holds its lock: it is only slow.
        let second = lake.worker("w2");
        assert_eq!(lake.recover(&second, 1, &outputs), Recovered::Complete, "{promoted}");
        assert_eq!(lake.published(), [true; 2]);
        let late = lake.promote(&first, &outputs[promoted..]);
        assert!(late.iter().all(|outcome| *outcome == PromoteOutcome::Taken));
        assert_eq!(lake.recover(&second, 2, &outputs), Recovered::Complete, "again");
        assert!(lake.staged_names("t").is_empty() && lake.staged_names("u").is_empty());
    }
}

#[test]
fn a_recoverer_that_dies_after_any_step_is_recovered_itself() {
    // Taken by the first recoverer, not promoted by it: of one output, or of both.
    for taken in [&["t"][..], &["t", "u"]] {
        let lake = Lake::new();
        let outputs = lake.stage(&lake.worker("w1"));
        for topic in taken {
            let staging = lake.path(topic).join("_staging");
            std::fs::create_dir_all(staging.join("w2")).unwrap();
            let from = staging.join("w1/9-2.parquet");
            std::fs::rename(from, staging.join("w2/9-2-r1.parquet")).unwrap();
        }
        let third = lake.worker("w3");
        third.keep(&[JOB.into()]);
        third.sweep().unwrap();
        assert_eq!(lake.recover(&third, 2, &outputs), Recovered::Complete);
        assert_eq!(lake.published(), [true; 2]);
    }
}

#[test]
fn a_worker_may_recover_what_it_staged_in_its_earlier_life() {
    let lake = Lake::new();
    let outputs = lake.stage(&lake.worker("w1"));
    let again = lake.worker("w1");
    again.keep(&[JOB.into()]);
    again.sweep().unwrap();
    assert_eq!(lake.recover(&again, 1, &outputs), Recovered::Complete);
    assert_eq!(lake.published(), [true; 2]);
}

#[test]
fn when_one_output_is_gone_no_other_is_published_anew_and_what_was_stays_for_the_catalog() {
    for promoted in 0..=1 {
        let lake = Lake::new();
        let first = lake.worker("w1");
        let outputs = lake.stage(&first);
        lake.promote(&first, &outputs[..promoted]);
        std::fs::remove_file(lake.path("u").join(&outputs[1].staged)).unwrap();
        let second = lake.worker("w2");
        for recovery in 1..=2 {
            assert_eq!(lake.recover(&second, recovery, &outputs), Recovered::Lost);
            assert_eq!(lake.published(), [promoted == 1, false]);
            assert!(lake.staged_names("t").is_empty());
        }
    }
}

#[test]
fn an_earlier_recoverer_that_wakes_up_takes_nothing_from_a_later_one() {
    let lake = Lake::new();
    let outputs = lake.stage(&lake.worker("w1"));
    let later = lake.path("t/_staging/w3/9-2-r2.parquet");
    std::fs::create_dir_all(later.parent().unwrap()).unwrap();
    std::fs::rename(lake.path("t").join(&outputs[0].staged), &later).unwrap();
    assert_eq!(lake.recover(&lake.worker("w2"), 1, &outputs), Recovered::Overtaken);
    assert!(later.exists() && lake.published() == [false; 2]);
    assert_eq!(lake.recover(&lake.worker("w4"), 3, &outputs), Recovered::Complete);
    assert_eq!(lake.published(), [true; 2]);
    assert_eq!(lake.recover(&lake.worker("w2"), 1, &outputs), Recovered::Complete, "it agrees");
}

#[test]
fn a_recoverer_that_was_asleep_takes_nothing_back_that_is_published() {
    let lake = Lake::new();
    let outputs = lake.stage(&lake.worker("w1"));
    // As it looked, the second file was nowhere; meanwhile another recoverer found it and ended the job.
    let aside = lake.path("aside.parquet");
    let missing = lake.path("u").join(&outputs[1].staged);
    std::fs::rename(&missing, &aside).unwrap();
    assert_eq!(lake.recover(&lake.worker("w3"), 2, &outputs[..1]), Recovered::Complete);
    assert_eq!(lake.recover(&lake.worker("w2"), 1, &outputs), Recovered::Lost);
    std::fs::create_dir_all(missing.parent().unwrap()).unwrap();
    std::fs::rename(&aside, &missing).unwrap();
    assert_eq!(lake.recover(&lake.worker("w3"), 2, &outputs), Recovered::Complete);
    assert_eq!(lake.published(), [true; 2]);
}

#[test]
fn what_is_kept_survives_also_where_staging_is_opened_before_the_sweep() {
    let lake = Lake::new();
    let outputs = lake.stage(&lake.worker("w1"));
    let again = lake.worker("w1");
    again.keep(&[JOB.into()]);
    // A job of this life is quicker than the sweep.
    let job = JobAttempt { id: JobId::new(10), attempt: 1 };
    let lineage = Lineage { job: job.id, version: VersionId::new(3) };
    let target = sink("t", "parquet://t");
    again.stager(&target, job, lineage, false).unwrap().write(&rows()).unwrap();
    assert_eq!(lake.recover(&again, 1, &outputs), Recovered::Complete);
}

#[test]
fn a_staged_file_without_its_bytes_is_no_source() {
    let lake = Lake::new();
    let outputs = lake.stage(&lake.worker("w1"));
    std::fs::write(lake.path("u").join(&outputs[1].staged), "").unwrap();
    assert_eq!(lake.recover(&lake.worker("w2"), 1, &outputs), Recovered::Lost);
    assert_eq!(lake.published(), [false; 2]);
}

#[test]
fn another_attempt_is_no_source() {
    let lake = Lake::new();
    let outputs = lake.stage(&lake.worker("w1"));
    for topic in ["t", "u"] {
        let staging = lake.path(topic).join("_staging/w1");
        std::fs::rename(staging.join("9-2.parquet"), staging.join("9-21.parquet")).unwrap();
    }
    assert_eq!(lake.recover(&lake.worker("w2"), 1, &outputs), Recovered::Lost);
}

#[test]
fn a_sweep_spares_the_living_and_what_is_being_committed() {
    let lake = Lake::new();
    let living = lake.worker("living");
    lake.stage(&living);
    lake.stage(&lake.worker("dead"));
    let sweeper = lake.worker("new");
    sweeper.keep(&[JOB.into()]);
    assert_eq!(sweeper.sweep().unwrap(), 0);
    assert_eq!(lake.staged_names("t"), ["9-2.parquet"; 2]);
    sweeper.keep(&[JobAttempt { attempt: 1, ..JOB }.into()]);
    assert_eq!(sweeper.sweep().unwrap(), 2);
    assert_eq!(lake.staged_names("t"), ["9-2.parquet"]);
    assert!(!lake.path("t/_staging/dead").exists());
    drop(living);
    assert_eq!(sweeper.sweep().unwrap(), 2);
    assert!(lake.staged_names("t").is_empty());
}

#[test]
fn a_worker_of_the_same_name_that_lives_is_never_shared_with() {
    let lake = Lake::new();
    let first = lake.worker("w1");
    lake.stage(&first);
    let target = sink("t", "parquet://t");
    let lineage = Lineage { job: JOB.id, version: VersionId::new(3) };
    let mut second = lake.worker("w1").stager(&target, JOB, lineage, false).unwrap();
    let error = second.write(&rows()).unwrap_err();
    assert!(error.to_string().contains("is held by another worker process"), "{error}");
}

#[test]
fn workers_that_start_while_others_sweep_get_their_directory() {
    let lake = Lake::new();
    std::thread::scope(|scope| {
        for name in ["a", "b", "c", "d"] {
            let lake = &lake;
            scope.spawn(move || {
                for _ in 0..30 {
                    let sinks = lake.worker(name);
                    let outputs = lake.stage(&sinks);
                    lake.worker("sweeper").sweep().unwrap();
                    assert!(outputs.iter().all(|output| {
                        lake.path(output.topic.as_str()).join(&output.staged).exists()
                    }));
                    sinks.discard(&outputs).unwrap();
                }
            });
        }
    });
}

#[test]
fn retired_files_lie_in_history_however_often_it_is_asked() {
    let lake = Lake::new();
    let sinks = lake.worker("w1");
    let outputs = lake.stage(&sinks);
    lake.promote(&sinks, &outputs);
    let retirement = |file: &str| Retirement {
        id: OutputFileId::new(1),
        job: JOB,
        topic: "t".parse().unwrap(),
        uri: "parquet://t".parse().unwrap(),
        file: file.to_owned(),
        copied: false,
    };
    let in_u = Retirement {
        id: OutputFileId::new(2),
        uri: "parquet://u".parse().unwrap(),
        ..retirement("part-9-2.parquet")
    };
    for _ in 0..2 {
        let files = [retirement("part-9-2.parquet"), retirement("part-8.parquet")];
        assert_eq!(sinks.retire(&files).0.len(), 2);
        assert_eq!(lake.published(), [false, true]);
        assert!(lake.path("t/_history/part-9-2.parquet").exists());
    }
    let (done, errors) = sinks.retire(&[retirement("../u/part-9-2.parquet"), in_u]);
    assert_eq!((done, errors.len()), (vec![OutputFileId::new(2)], 1), "one holds up no other");
    assert!(errors[0].to_string().contains("is not the name of a file"), "{}", errors[0]);
    assert_eq!(lake.published(), [false, false]);
}
