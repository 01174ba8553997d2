//! `verify`: every planted fault is found, put right, and the topic is whole again.

use super::project::Project;
use arrow_array::{Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

fn done() -> Project {
    let project = Project::with_orders();
    project.write("data/a.csv", "x\n1\n2\n");
    project.write("data/b.csv", "x\n3\n");
    project.json(&["run", "data"]);
    project
}

fn verify(project: &Project, more: &[&str]) -> (i32, Value) {
    let outcome = project.casparian(&[&["verify", "--json"], more].concat());
    (outcome.code, outcome.json())
}

fn kinds(document: &Value) -> Vec<&str> {
    let findings = document["findings"].as_array().unwrap();
    let mut kinds = findings.iter().map(|one| one["kind"].as_str().unwrap()).collect::<Vec<_>>();
    kinds.sort_unstable();
    kinds
}

/// The catalog, changed behind everybody's back.
fn plant(project: &Project, damage: &str, file: &Path) {
    let catalog = project.path(".casparian/catalog.db");
    let mut command = Command::new(super::project::python());
    command.args(["-c", include_str!("verify/damage.py")]).arg(catalog).arg(damage).arg(file);
    assert!(command.status().unwrap().success(), "{damage}");
}

/// Found, said, repaired, run: then every row is there once.
#[track_caller]
fn check(project: &Project, expected: &[&str], after: &[&str]) -> Value {
    let (code, found) = verify(project, &[]);
    assert_eq!((code, kinds(&found)), (5, expected.to_vec()), "{found:#}");
    let told = project.casparian(&["verify"]);
    assert_eq!(told.code, 5);
    assert!(expected.iter().all(|kind| told.stdout.contains(kind)), "{}", told.stdout);
    let (_, repaired) = verify(project, &["--repair"]);
    assert_eq!(kinds(&repaired), expected, "{repaired:#}");
    let run = project.casparian(&["run", "data"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let (code, clean) = verify(project, &[]);
    assert_eq!((code, &clean["clean"]), (0, &json!(true)), "{clean:#}");
    assert_eq!(project.column("orders", "x"), after);
    found
}

fn part(project: &Project, rows: usize) -> std::path::PathBuf {
    let parts = project.parts("orders");
    let has = |path: &&std::path::PathBuf| {
        batches(path).iter().map(RecordBatch::num_rows).sum::<usize>() == rows
    };
    parts.iter().find(has).unwrap().clone()
}

fn batches(path: &Path) -> Vec<RecordBatch> {
    let file = File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    reader.map(Result::unwrap).collect()
}

fn write(path: &Path, batches: &[RecordBatch]) {
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batches[0].schema(), None).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.close().unwrap();
}

#[test]
fn what_was_published_and_nothing_else_is_clean() {
    let project = done();
    let (code, document) = verify(&project, &[]);
    assert_eq!(code, 0, "{document:#}");
    for (key, expected) in [("files", 2), ("rows", 3), ("jobs", 2), ("differences", 0), ("left", 0)]
    {
        assert_eq!(document[key], json!(expected), "{key}");
    }
    assert_eq!((&document["mode"], &document["repair"]), (&json!("full"), &Value::Null));
    let (code, document) = verify(&project, &["--quick"]);
    assert_eq!((code, &document["mode"]), (0, &json!("quick")));
    let told = project.casparian(&["verify"]);
    assert!(told.stdout.starts_with("clean: 2 current files, 3 rows"), "{}", told.stdout);
}

#[test]
fn a_removed_output_file_is_found_and_made_again() {
    let project = done();
    fs::remove_file(part(&project, 2)).unwrap();
    let found = check(&project, &["missing_file"], &["1", "2", "3"]);
    let one = &found["findings"][0];
    assert_eq!((&one["topic"], &one["uri"]), (&json!("orders"), &json!("parquet://orders")));
    assert_eq!((&one["repair"], &one["repaired"]), (&json!("run_again"), &Value::Null));
    assert_eq!(one["repair_text"], "the job runs again: data/a.csv still holds its bytes");
    assert!(one["expected"].as_str().unwrap().starts_with("2 rows, "));
    assert!(one["file"].as_str().unwrap().starts_with("part-"));
    let (job, id) = (one["job"].as_str().unwrap(), project.json(&["jobs", "list"]));
    assert!(id["jobs"].as_array().unwrap().iter().any(|it| it["id"] == job && it["attempt"] == 2));
}

#[test]
fn a_whole_topic_that_is_gone_is_made_again() {
    let project = done();
    fs::remove_dir_all(project.path("lake/orders")).unwrap();
    check(&project, &["missing_file", "missing_file"], &["1", "2", "3"]);
}

#[test]
fn a_second_file_with_the_same_rows_is_moved_to_history() {
    let project = done();
    let part = part(&project, 2);
    fs::copy(&part, part.with_file_name("copy.parquet")).unwrap();
    fs::copy(&part, part.with_file_name("part-7.parquet")).unwrap();
    let found = check(&project, &["doubled_file", "doubled_file"], &["1", "2", "3"]);
    assert!(found["findings"][0]["found"].as_str().unwrap().contains("whose rows are in part-"));
    assert!(project.path("lake/orders/_history/copy.parquet").exists(), "moved, not removed");
}

#[test]
fn rows_of_one_job_in_the_file_of_another_are_found() {
    let project = done();
    let (two, one) = (part(&project, 2), part(&project, 1));
    let both = [batches(&one), batches(&two)].concat();
    write(&one, &both);
    let found = check(&project, &["damaged_file"], &["1", "2", "3"]);
    let text = found["findings"][0]["found"].as_str().unwrap();
    assert!(text.contains("1 row of this job, and 2 rows of job "), "{text}");
}

#[test]
fn a_truncated_file_and_a_flipped_bit_are_found() {
    let project = done();
    let (two, one) = (part(&project, 2), part(&project, 1));
    let bytes = fs::read(&two).unwrap();
    fs::write(&two, &bytes[..bytes.len() / 2]).unwrap();
    let mut bytes = fs::read(&one).unwrap();
    bytes[10] ^= 1;
    fs::write(&one, bytes).unwrap();
    check(&project, &["damaged_file", "damaged_file"], &["1", "2", "3"]);
}

#[test]
fn an_orphan_in_staging_is_removed_and_what_a_live_worker_holds_is_none() {
    let project = done();
    let staging = project.path("lake/orders/_staging");
    for worker in ["wgone-1", "wlive-1"] {
        fs::create_dir_all(staging.join(worker)).unwrap();
        fs::write(staging.join(worker).join("77-1.parquet"), "half").unwrap();
    }
    let held = File::open(staging.join("wlive-1")).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let (code, found) = verify(&project, &[]);
    assert_eq!((code, kinds(&found)), (5, vec!["staging_orphan"]));
    assert_eq!(found["findings"][0]["file"], "_staging/wgone-1/77-1.parquet");
    let (code, repaired) = verify(&project, &["--repair"]);
    assert_eq!((code, &repaired["left"]), (0, &json!(0)), "all was put right: {repaired:#}");
    assert_eq!(repaired["repair"]["removed"], 1);
    assert_eq!(verify(&project, &[]).0, 0);
    assert!(
        staging.join("wlive-1/77-1.parquet").exists()
            && !staging.join("wgone-1/77-1.parquet").exists()
    );
}

#[test]
fn an_artifact_without_a_job_is_given_up_and_its_file_processed_again() {
    let project = done();
    plant(&project, "job_gone", Path::new(""));
    check(&project, &["artifact_without_job"], &["1", "2", "3"]);
}

#[test]
fn a_job_without_its_artifact_runs_again() {
    let project = done();
    plant(&project, "artifact_gone", Path::new(""));
    check(&project, &["job_without_artifact", "unknown_file"], &["1", "2", "3"]);
}

#[test]
fn counts_of_rows_that_differ_are_found_wherever_they_stand() {
    let project = done();
    plant(&project, "artifact_rows", Path::new(""));
    check(&project, &["receipt_differs", "rows_differ"], &["1", "2", "3"]);
    plant(&project, "receipt_rows", Path::new(""));
    check(&project, &["receipt_differs"], &["1", "2", "3"]);
}

#[test]
fn rows_that_claim_another_origin_are_found_behind_the_right_hash() {
    let project = done();
    let part = part(&project, 1);
    let batch = batches(&part).remove(0);
    let mut columns = batch.columns().to_vec();
    columns[1] = Arc::new(Int64Array::from(vec![42]));
    assert_eq!(batch.schema().field(1).name(), "_job_id");
    write(&part, &[RecordBatch::try_new(batch.schema(), columns).unwrap()]);
    plant(&project, "hash_of", &part);
    let found = check(&project, &["wrong_lineage"], &["1", "2", "3"]);
    assert_eq!(found["findings"][0]["found"], "1 row of job 42");
}

#[test]
fn replaced_and_current_files_in_the_wrong_place_are_moved() {
    let project = done();
    project.write("data/a.csv", "x\n5\n6\n7\n");
    project.json(&["run", "data"]);
    let history = project.path("lake/orders/_history");
    let old = fs::read_dir(&history).unwrap().next().unwrap().unwrap().path();
    fs::rename(&old, project.path("lake/orders").join(old.file_name().unwrap())).unwrap();
    let current = part(&project, 3);
    fs::rename(&current, history.join(current.file_name().unwrap())).unwrap();
    let (code, _) = verify(&project, &["--repair"]);
    assert_eq!(code, 0, "moves are done at once");
    assert_eq!(verify(&project, &[]).0, 0);
    assert_eq!(project.column("orders", "x"), ["3", "5", "6", "7"]);
    fs::rename(&current, history.join(current.file_name().unwrap())).unwrap();
    fs::rename(
        history.join(old.file_name().unwrap()),
        project.path("lake/orders").join(old.file_name().unwrap()),
    )
    .unwrap();
    check(&project, &["misplaced_file", "superseded_file"], &["3", "5", "6", "7"]);
}

#[test]
fn files_of_others_are_named_and_left_alone() {
    let project = done();
    project.write("lake/orders/notes.txt", "mine");
    let text = StringArray::from(vec!["x"]);
    let foreign = RecordBatch::try_from_iter([("a", Arc::new(text) as _)]).unwrap();
    write(&project.path("lake/orders/theirs.parquet"), &[foreign]);
    project.write("lake/elsewhere/notes.txt", "not in a topic");
    for arguments in [&[][..], &["--repair"]] {
        let (code, found) = verify(&project, arguments);
        assert_eq!((code, kinds(&found)), (5, vec!["foreign_file", "foreign_file"]));
    }
    assert!(project.path("lake/orders/notes.txt").exists());
    assert!(project.path("lake/orders/theirs.parquet").exists());
}

#[test]
fn a_promotion_whose_job_is_not_committing_is_found() {
    let project = done();
    plant(&project, "promoting", Path::new(""));
    check(&project, &["stray_promotion"], &["1", "2", "3"]);
}

#[test]
fn what_cannot_be_made_again_is_lost_for_good_and_said_so() {
    let project = done();
    let lost = part(&project, 2);
    fs::remove_file(project.path("data/a.csv")).unwrap();
    project.json(&["run", "data"]);
    fs::remove_file(lost).unwrap();
    let (code, found) = verify(&project, &["--repair"]);
    assert_eq!((code, kinds(&found)), (5, vec!["missing_file"]));
    assert_eq!(found["findings"][0]["repair"], "none");
    assert!(found["findings"][0]["repair_text"].as_str().unwrap().contains("lost for good"));
}

#[test]
fn an_output_root_that_is_not_there_is_unchecked_not_lost() {
    let project = done();
    fs::rename(project.path("lake"), project.path("away")).unwrap();
    let (code, document) = verify(&project, &["--repair"]);
    assert_eq!((code, &document["clean"], &document["differences"]), (4, &json!(false), &json!(0)));
    assert!(document["unchecked"][0]["reason"].as_str().unwrap().contains("is its disk mounted?"));
    assert!(!project.path("lake").exists(), "a look makes nothing");
}

#[test]
fn topics_that_no_plugin_declares_are_named_and_checked() {
    let project = done();
    fs::remove_file(project.path("plugins/orders.py")).unwrap();
    project.json(&["run", "data"]);
    let (code, document) = verify(&project, &[]);
    assert_eq!((code, &document["undeclared_topics"]), (0, &json!(["orders"])), "{document:#}");
}
