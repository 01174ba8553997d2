//! What a topic's rows look like is said by grants, in one order.

use crate::backend::{Backend, output, plugin, simple};
use catalog::{GrantOutcome, JobState};
use protocol::{
    CommitId, JobAttempt, QuarantineReason, ReadyJob, SinkUri, StagedOutput, TopicOptions,
    TopicSchema,
};

fn schema(text: &str) -> TopicSchema {
    let mut schema = TopicSchema::parse_declared(text).unwrap();
    schema.columns.iter_mut().for_each(|column| column.declared = false);
    schema
}

fn staged(job: JobAttempt, topic: &str, columns: &str) -> StagedOutput {
    StagedOutput { schema: schema(columns), ..output(job, topic) }
}

fn ready(job: JobAttempt, outputs: Vec<StagedOutput>) -> ReadyJob {
    ReadyJob { job: job.id, attempt: job.attempt, commit_id: CommitId::from(job.id), outputs }
}

async fn grant(backend: &Backend, ready: &[ReadyJob]) -> Vec<&'static str> {
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    let outcomes = tx.grant(ready, &backend.session, backend.now()).await.unwrap();
    tx.commit().await.unwrap();
    let name = |outcome: GrantOutcome| match outcome {
        GrantOutcome::Granted { .. } => "granted",
        GrantOutcome::Refused { reason } => reason,
        GrantOutcome::Deferred => "deferred",
    };
    outcomes.into_iter().map(name).collect()
}

async fn history(backend: &Backend) -> Vec<String> {
    let rows = backend.catalog.schemas(Some("out")).await.unwrap();
    let line = |schema: &TopicSchema| {
        let columns = schema.columns.iter();
        let columns = columns.map(|column| format!("{} {}", column.name, column.column_type));
        columns.collect::<Vec<_>>().join(", ")
    };
    rows.iter().map(|row| format!("{}: {}", row.version, line(&row.schema))).collect()
}

/// Three jobs under way.
async fn three() -> (Backend, Vec<JobAttempt>) {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    for (path, content) in [("a", 1), ("b", 2), ("c", 3)] {
        backend.write(path, content).await;
    }
    backend.admit().await;
    let mut jobs: Vec<_> = backend.claim(3).await.into_iter().map(|claimed| claimed.job).collect();
    jobs.sort_by_key(|job| job.id);
    (backend, jobs)
}

#[tokio::test]
async fn the_oldest_job_says_first_what_a_topic_looks_like() {
    let (backend, jobs) = three().await;
    let second = ready(jobs[1], vec![staged(jobs[1], "out", "a text")]);
    let third = ready(jobs[2], vec![staged(jobs[2], "out", "b text")]);
    assert_eq!(grant(&backend, &[third.clone(), second.clone()]).await, ["deferred"; 2]);
    assert_eq!(history(&backend).await, [""; 0]);
    // The order of the message does not count.
    let first = ready(jobs[0], vec![staged(jobs[0], "out", "a int64")]);
    let answers = grant(&backend, &[third.clone(), second, first]).await;
    let moved = "the schema of a topic went on: the file runs again";
    assert_eq!(answers, ["granted", moved, "granted"]);
    assert_eq!(history(&backend).await, ["1: a int64, b text"]);
    assert_eq!(
        backend.states().await,
        [JobState::Committing, JobState::Queued, JobState::Committing]
    );
    assert_eq!(grant(&backend, &[third]).await, ["granted"], "and once more the same");
}

#[tokio::test]
async fn an_older_job_that_publishes_elsewhere_or_ends_is_waited_for_no_longer() {
    let (backend, jobs) = three().await;
    let second = ready(jobs[1], vec![staged(jobs[1], "out", "a text")]);
    let nothing = ready(jobs[0], Vec::new());
    assert_eq!(grant(&backend, &[second, nothing]).await, ["granted"; 2]);
    assert_eq!(history(&backend).await, ["1: a text"]);
}

#[tokio::test]
async fn columns_are_added_and_widened_and_the_next_dispatch_knows_them() {
    let (backend, jobs) = three().await;
    let steps = ["a int8", "a int32, b text", "a int64"];
    for ((job, columns), schema_version) in jobs.iter().zip(steps).zip(0..) {
        let output = StagedOutput { schema_version, ..staged(*job, "out", columns) };
        let ready = ready(*job, vec![output]);
        assert_eq!(grant(&backend, &[ready]).await, ["granted"]);
    }
    let expected = ["1: a int8", "2: a int32, b text", "3: a int64, b text"];
    assert_eq!(history(&backend).await, expected);
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    let details = tx.job_details(&[jobs[0].id]).await.unwrap();
    let manifest = tx.manifest_detail(details[&jobs[0].id].manifest).await.unwrap();
    assert_eq!(manifest.schemas[&"out".parse().unwrap()], (3, schema("a int64, b text")));
}

#[tokio::test]
async fn a_column_widens_only_for_rows_that_were_held_against_it() {
    let (backend, jobs) = three().await;
    let output = |at: usize, schema_version, columns| {
        let job: JobAttempt = jobs[at];
        ready(job, vec![StagedOutput { schema_version, ..staged(job, "out", columns) }])
    };
    assert_eq!(grant(&backend, &[output(0, 0, "a int64")]).await, ["granted"]);
    let blind = output(1, 0, "a float64");
    assert!(grant(&backend, &[blind]).await[0].starts_with("the schema of a topic went on"));
    assert_eq!(grant(&backend, &[output(2, 0, "a int64, b text")]).await, ["granted"]);
    let again = backend.claim(1).await.remove(0).job;
    assert_eq!((again.id, again.attempt), (jobs[1].id, 2));
    let seeing = StagedOutput { schema_version: 2, ..staged(again, "out", "a float64, b text") };
    assert_eq!(grant(&backend, &[ready(again, vec![seeing])]).await, ["granted"]);
    assert_eq!(history(&backend).await.last().unwrap(), "3: a float64, b text");
}

#[tokio::test]
async fn what_source_declares_is_a_version_of_its_own() {
    let backend = Backend::fresh().await;
    let mut declaring = plugin("p", 1, &[("out", TopicOptions::default())]);
    declaring.topics[0].declared = TopicSchema::parse_declared("id int not null").unwrap();
    backend.plugins(&[declaring.clone()]).await;
    backend.plugins(&[declaring.clone()]).await;
    assert_eq!(history(&backend).await, ["1: id int64"]);
    backend.write("a", 1).await;
    backend.admit().await;
    let job = backend.claim(1).await.remove(0).job;
    let text = ready(job, vec![staged(job, "out", "id text")]);
    assert!(grant(&backend, &[text]).await[0].starts_with("the schema of a topic went on"));
    declaring.topics[0].declared = TopicSchema::default();
    backend.plugins(&[declaring]).await;
    let rows = backend.catalog.schemas(None).await.unwrap();
    assert_eq!((rows.len(), rows[0].job), (2, None));
    assert!(rows[0].schema.columns[0].not_null && !rows[1].schema.columns[0].not_null);
}

#[tokio::test]
async fn what_is_in_quarantine_is_listed_until_a_later_result_replaces_it() {
    let (backend, jobs) = three().await;
    let job = jobs[0];
    let uri: SinkUri = "parquet://out/_quarantine".parse().unwrap();
    let reason = "'x' is no int64".to_owned();
    let reasons = vec![QuarantineReason { column: Some("a".to_owned()), reason, rows: 2 }];
    let (schema, rows) = (TopicSchema::default(), 2);
    let bad = StagedOutput { uri, reasons: reasons.clone(), schema, rows, ..output(job, "out") };
    let outputs = vec![staged(job, "out", "a int64"), bad];
    assert_eq!(grant(&backend, &[ready(job, outputs)]).await, ["granted"]);
    assert_eq!(backend.catalog.quarantine(None, 10).await.unwrap(), [], "not before it is there");
    backend.conclude(job).await;
    let listed = backend.catalog.quarantine(Some("out"), 10).await.unwrap();
    assert_eq!((listed.len(), listed[0].rows, &*listed[0].path), (1, 2, b"a".as_slice()));
    assert_eq!(listed[0].reasons, reasons);
    assert_eq!(backend.catalog.quarantine(Some("other"), 10).await.unwrap(), []);
    backend.write("a", 9).await;
    backend.drain(&["out"]).await;
    assert_eq!(backend.catalog.quarantine(None, 10).await.unwrap(), []);
}
