//! The record of commits that a database keeps beside its rows; alike in all of them.

use super::promotion::rows;
use super::target::{Target, attempt, on_sinks, promote};
use crate::schemas::{batch, ints};
use arrow_array::{ArrayRef, StringArray};
use protocol::{ErrorClass, JobAttempt, JobId, StagedOutput, TopicSchema};
use std::sync::Arc;
use worker::sinks::{PromoteOutcome, SinkReader};

on_sinks!([sqlite, postgresql] [
    the_record_says_what_became_of_each_job,
    an_earlier_attempt_that_comes_late_finds_the_later_one,
    what_is_void_is_never_loaded_and_a_later_attempt_is,
    a_load_that_brings_other_rows_than_announced_leaves_nothing,
    rows_that_no_record_speaks_of_are_removed_and_no_others,
    a_table_of_somebody_else_is_left_alone_and_found_before_anything_is_granted,
    a_type_that_the_column_cannot_take_is_refused_by_name,
    where_one_load_fails_the_others_of_its_promotion_are_there,
]);

impl Target {
    fn records(&self) -> Vec<String> {
        self.ask("SELECT job_id || ' ' || attempt || ' ' || state || ' ' || rows FROM _casparian_commits ORDER BY job_id")
    }

    fn reader(&self) -> SinkReader {
        SinkReader::new(self.lake.path().to_owned(), worker::sinks::Logins::new())
    }

    fn counts(&self) -> Vec<(i64, u64)> {
        let mut counts = Vec::new();
        let uri = self.uri("t").parse().unwrap();
        self.reader().counts(&uri, |it| counts.push((it.job.get(), it.rows))).unwrap();
        counts
    }

    /// Staged, and staged still after it was promoted: somebody holds it open.
    fn late(&self, job: JobAttempt) -> (StagedOutput, impl Fn() -> PromoteOutcome) {
        let sinks = self.worker("late");
        let output = self.stage(&sinks, "t", job, &rows(&[7])).unwrap();
        let staged = self.staging("t").join("late").join(output.staged.rsplit('/').next().unwrap());
        let bytes = std::fs::read(&staged).unwrap();
        let again = output.clone();
        (output, move || {
            std::fs::write(&staged, &bytes).unwrap();
            promote(&sinks, job, &again, &[]).unwrap()
        })
    }
}

fn the_record_says_what_became_of_each_job(target: &Target) {
    for id in 1..=3 {
        target.done("t", attempt(id, 1), &rows(&[id, id]));
    }
    let sinks = target.worker("w");
    let output = target.stage(&sinks, "t", attempt(4, 2), &rows(&[4])).unwrap();
    promote(&sinks, attempt(4, 2), &output, &[attempt(1, 1)]).unwrap();
    target.retire(&sinks, "t", attempt(2, 1));
    let expected = ["1 1 superseded 2", "2 1 superseded 2", "3 1 current 2", "4 2 current 1"];
    assert_eq!(target.records(), expected);
    assert_eq!(target.ask("SELECT superseded_by FROM _casparian_commits WHERE job_id = 1"), ["4"]);
    assert_eq!(target.counts(), [(3, 2), (4, 1)]);
    // What was removed does not come back with the same attempt, and does with the next one.
    assert_eq!(target.load("t", attempt(1, 1), &rows(&[1])).unwrap(), PromoteOutcome::Done);
    assert_eq!(target.counts(), [(3, 2), (4, 1)]);
    target.done("t", attempt(1, 2), &rows(&[1]));
    assert_eq!(target.counts(), [(1, 1), (3, 2), (4, 1)]);
}

fn an_earlier_attempt_that_comes_late_finds_the_later_one(target: &Target) {
    let (_, late) = target.late(attempt(9, 1));
    target.done("t", attempt(9, 2), &rows(&[1, 2]));
    assert_eq!(late(), PromoteOutcome::Taken);
    assert_eq!(target.rows("t", "a"), [(9, Some(1)), (9, Some(2))]);
    assert_eq!(target.records(), ["9 2 current 2"]);
}

fn what_is_void_is_never_loaded_and_a_later_attempt_is(target: &Target) {
    let (output, late) = target.late(attempt(9, 2));
    let staged = target.staged_files("t").remove(0);
    std::fs::remove_file(staged).unwrap();
    // Recovery finds nothing, so that the file has to run again.
    let lost = super::target::recover(&target.worker("r"), attempt(9, 2), 1, &[output]);
    assert_eq!(lost, worker::sinks::Recovered::Lost);
    assert_eq!(late(), PromoteOutcome::Taken);
    let earlier = target.load("t", attempt(9, 1), &rows(&[1])).unwrap();
    assert_eq!(earlier, PromoteOutcome::Taken);
    assert_eq!((target.counts(), target.records()), (vec![], vec!["9 2 void 0".to_owned()]));
    target.done("t", attempt(9, 3), &rows(&[1]));
    assert_eq!(late(), PromoteOutcome::Taken);
    assert_eq!(
        (target.counts(), target.records()),
        (vec![(9, 1)], vec!["9 3 current 1".to_owned()])
    );
}

fn a_load_that_brings_other_rows_than_announced_leaves_nothing(target: &Target) {
    target.done("t", attempt(1, 1), &rows(&[1]));
    let sinks = target.worker("w");
    let more = [batch(&[("a", ints(&[1, 2])), ("new", ints(&[1, 2]))])];
    let mut output = target.stage(&sinks, "t", attempt(2, 1), &more).unwrap();
    output.rows = 3;
    let error = promote(&sinks, attempt(2, 1), &output, &[attempt(1, 1)]).unwrap_err();
    assert!(
        error.to_string().contains("2 rows came for table 't' and 3 were announced"),
        "{error}"
    );
    assert_eq!(
        (target.counts(), target.records()),
        (vec![(1, 1)], vec!["1 1 current 1".to_owned()])
    );
    assert_eq!(
        target.ask("SELECT count(*) FROM _casparian_columns WHERE original_name = 'new'"),
        ["0"]
    );
}

fn rows_that_no_record_speaks_of_are_removed_and_no_others(target: &Target) {
    target.done("t", attempt(1, 1), &rows(&[1]));
    target.ask("INSERT INTO t (a, _job_id, _file_version_id) VALUES (5, 77, 3), (6, 77, 3)");
    assert_eq!(target.counts(), [(1, 1), (77, 2)]);
    let uri = target.uri("t").parse().unwrap();
    for (job, removed) in [(77, true), (77, false), (1, false)] {
        assert_eq!(target.reader().remove_rows(&uri, JobId::new(job)).unwrap(), removed);
    }
    assert_eq!(target.counts(), [(1, 1)]);
}

fn a_table_of_somebody_else_is_left_alone_and_found_before_anything_is_granted(target: &Target) {
    target.ask("CREATE TABLE t (a bigint)");
    let sinks = target.worker("w");
    let error = target.stage(&sinks, "t", attempt(1, 1), &rows(&[1])).unwrap_err();
    let expected = "table 't' was not made by this sink; drop or rename it";
    assert!(error.to_string().contains(expected), "{error}");
    // Made by somebody after the job was staged.
    target.ask("DROP TABLE t");
    let output = target.stage(&sinks, "t", attempt(2, 1), &rows(&[1])).unwrap();
    target.ask("CREATE TABLE t (a bigint)");
    let error = promote(&sinks, attempt(2, 1), &output, &[]).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(target.ask("SELECT count(*) FROM t"), ["0"]);
    // Tables of others are no trouble for those beside them.
    target.done("u", attempt(1, 1), &rows(&[1]));
}

fn a_type_that_the_column_cannot_take_is_refused_by_name(target: &Target) {
    target.done("t", attempt(1, 1), &rows(&[1]));
    let text: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let sinks = target.worker("w");
    let error = target.stage(&sinks, "t", attempt(2, 1), &[batch(&[("a", text)])]).unwrap_err();
    let expected =
        "column 'a' of table 't' is int64 and cannot also hold text; publish one type per column";
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(error.class(), ErrorClass::Plugin);
    assert!(target.staged_files("t").is_empty());
    let schema = TopicSchema::parse_declared("a text").unwrap();
    assert!(target.stager(&sinks, "t", attempt(3, 1)).seal(&schema).unwrap().is_none());
}

fn where_one_load_fails_the_others_of_its_promotion_are_there(target: &Target) {
    let sinks = target.worker("w");
    let jobs = [1, 2, 3].map(|id| attempt(id, 1));
    let mut outputs = jobs.map(|job| target.stage(&sinks, "t", job, &rows(&[7])).unwrap());
    outputs[1].rows = 2;
    let mut promotion = sinks.promotion();
    for (job, output) in jobs.iter().zip(&outputs) {
        promotion.promote(*job, output, &[]).unwrap();
    }
    let tables = promotion.finish().tables;
    assert_eq!(tables.keys().map(|job| job.get()).collect::<Vec<_>>(), [2]);
    assert_eq!(target.counts(), [(1, 1), (3, 1)]);
}
