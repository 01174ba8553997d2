//! Many at once: what is said together is done as if it had been said one after the other.

use crate::backend::{Backend, hash, output, simple};
use catalog::{
    ConcludeOutcome, GrantOutcome, JobState, NewDirectory, NewLocation, Receipt, RecordCounts,
    SubscribedPlugin, Tagged, TodoLocation,
};
use protocol::{CommitId, FileStat, JobAttempt, JobId, Metrics, ReadyJob};

impl Backend {
    async fn inventory_all(&self, count: usize) {
        let now_us = self.now();
        let mut tx = self.catalog.begin_scout().await.unwrap();
        let root = tx.register_root(b"/data", now_us).await.unwrap();
        let directory = NewDirectory { path: b"", digest: Some(b"seen") };
        let directory = tx.upsert_directories(root, &[directory], now_us).await.unwrap()[0];
        let locations = (0..count as u64).map(|n| NewLocation {
            directory,
            name: format!("file_{n:05}").into_bytes(),
            stat: FileStat { inode: n, size: n, mtime_ns: 1, ctime_ns: 1 },
        });
        let locations: Vec<_> = locations.collect();
        tx.upsert_locations(&locations, now_us).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn todo(&self) -> Vec<TodoLocation> {
        self.catalog.todo(&self.roots().await, i64::MAX, None, 10_000).await.unwrap()
    }

    /// All in one batch, with the content that each has.
    async fn tag_all(&self, todo: &[TodoLocation], content: impl Fn(usize) -> u8) -> RecordCounts {
        let table = self.catalog.routing_table().await.unwrap();
        let plugins: Vec<&SubscribedPlugin> = table.plugins.iter().collect();
        let tagged = todo.iter().enumerate().map(|(n, one)| Tagged {
            location: one.id,
            seen: one.stat,
            stat: one.stat,
            hash: Some(hash(content(n))),
            racy: false,
            tags: &[],
            plugins: &plugins,
        });
        let tagged: Vec<_> = tagged.collect();
        let mut tx = self.catalog.begin_scout().await.unwrap();
        let counts = tx.record(&tagged, table.epoch, self.now()).await.unwrap();
        tx.commit().await.unwrap();
        counts
    }
}

fn ready(job: JobAttempt) -> ReadyJob {
    let outputs = vec![output(job, "out")];
    ReadyJob { job: job.id, attempt: job.attempt, commit_id: CommitId::from(job.id), outputs }
}

#[tokio::test]
async fn of_the_same_bytes_in_one_batch_the_first_is_queued_and_the_others_wait() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.inventory_all(3).await;
    let counts = backend.tag_all(&backend.todo().await, |_| 1).await;
    assert_eq!(counts, RecordCounts { versions: 3, jobs: 3, skipped: 0, stale: 0 });
    let expected = [JobState::Queued, JobState::Pending, JobState::Pending];
    assert_eq!(backend.states().await, expected);
    assert_eq!(backend.drain(&["out"]).await.len(), 1);
    assert_eq!(backend.files("out").await, (1, 0));
}

#[tokio::test]
async fn a_batch_longer_than_a_statement_is_recorded_whole() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.inventory_all(2_300).await;
    let todo = backend.todo().await;
    let counts = backend.tag_all(&todo, |n| (n % 250) as u8).await;
    assert_eq!((counts.versions, counts.jobs, counts.stale), (2_300, 2_300, 0));
    let status = backend.catalog.status().await.unwrap();
    assert_eq!((status.files, status.versions, status.files_unhashed), (2_300, 2_300, 0));
    assert_eq!(backend.claim(3_000).await.len(), 250, "a content is processed once");
    assert_eq!(backend.tag_all(&todo, |n| (n % 250) as u8).await, RecordCounts::default());
}

#[tokio::test]
async fn a_location_that_is_said_twice_counts_once() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.inventory_all(1).await;
    let todo = backend.todo().await.remove(0);
    let counts = backend.tag_all(&[todo.clone(), todo], |n| n as u8).await;
    assert_eq!(counts, RecordCounts { versions: 1, jobs: 1, skipped: 0, stale: 1 });
}

#[tokio::test]
async fn what_the_inventory_changed_meanwhile_is_not_recorded_and_stays_to_be_done() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.inventory("changed", 1).await;
    backend.inventory("deleted", 2).await;
    backend.inventory("same", 3).await;
    let todo = backend.todo().await;
    backend.inventory("changed", 4).await;
    backend.delete("deleted").await;
    let counts = backend.tag_all(&todo, |n| n as u8).await;
    assert_eq!(counts, RecordCounts { versions: 1, jobs: 1, skipped: 0, stale: 2 });
    let epoch = backend.catalog.rules_epoch().await.unwrap();
    let left = backend.catalog.todo(&backend.roots().await, epoch, None, 10).await.unwrap();
    assert_eq!(left.len(), 1);
    assert!(left[0].name == b"changed" && left[0].dirty && left[0].current.is_none());
}

#[tokio::test]
async fn a_file_that_changed_before_it_was_hashed_is_compared_by_the_next_inventory() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.inventory_all(1).await;
    let root = backend.roots().await[0];
    let digest = async || {
        let digests = backend.catalog.directory_digests(root, &[b"".as_slice()]).await.unwrap();
        digests.into_iter().next().flatten().unwrap().digest
    };
    assert!(digest().await.is_some());
    let todo = backend.todo().await.remove(0);
    let table = backend.catalog.routing_table().await.unwrap();
    let tagged = Tagged {
        location: todo.id,
        seen: todo.stat,
        stat: FileStat { mtime_ns: 99, ctime_ns: 99, ..todo.stat },
        hash: Some(hash(1)),
        racy: true,
        tags: &[],
        plugins: &[],
    };
    let mut tx = backend.catalog.begin_scout().await.unwrap();
    assert_eq!(tx.record(&[tagged], table.epoch, backend.now()).await.unwrap().versions, 1);
    tx.commit().await.unwrap();
    assert_eq!(digest().await, None);
    let todo = backend.todo().await.remove(0);
    assert!(todo.stat.mtime_ns == 99 && !todo.dirty && todo.racy);
    let racy = backend.catalog.racy(&[root], None, 10).await.unwrap();
    assert_eq!(racy.len(), 1);
}

#[tokio::test]
async fn grants_of_a_batch_are_answered_each_by_itself_and_in_order() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    for (path, content) in [("a", 1), ("b", 2), ("c", 3)] {
        backend.write(path, content).await;
    }
    let jobs: Vec<JobAttempt> = backend.claim(3).await.into_iter().map(|one| one.job).collect();
    backend.write("b", 4).await;
    let stale = JobAttempt { attempt: 9, ..jobs[2] };
    let strange = JobAttempt { id: JobId::new(5), attempt: 1 };
    let asked = [jobs[0], strange, jobs[1], stale, jobs[0]].map(ready);
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    let answers = tx.grant(&asked, &backend.session, backend.now()).await.unwrap();
    tx.commit().await.unwrap();
    let granted = answers.iter().map(|one| matches!(one, GrantOutcome::Granted { .. }));
    assert_eq!(granted.collect::<Vec<_>>(), [true, false, false, false, true]);
    let expected =
        [JobState::Committing, JobState::Superseded, JobState::Running, JobState::Pending];
    assert_eq!(backend.states().await, expected);
    assert_eq!(backend.catalog.artifacts_of(jobs[0].id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn of_two_results_for_one_content_in_a_batch_the_later_replaces_the_earlier() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let first = backend.claim(1).await.remove(0).job;
    // The plugin changed: the same content at another path is processed by its new source.
    backend.plugins(&[simple("p", 2)]).await;
    backend.write("b", 1).await;
    let second = backend.claim(1).await.remove(0).job;
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    tx.grant(&[ready(first), ready(second)], &backend.session, backend.now()).await.unwrap();
    let receipt = |job| Receipt { job, metrics: Metrics::default() };
    let receipts = [receipt(second), receipt(first), receipt(second)];
    let outcomes = tx.conclude(&receipts, &backend.session, backend.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(outcomes, [ConcludeOutcome::Completed; 3]);
    assert_eq!(backend.files("out").await, (1, 1));
    let artifacts = backend.catalog.artifacts_of(first.id).await.unwrap();
    assert_eq!(artifacts[0].state, "CURRENT", "it was concluded last");
}

#[tokio::test]
async fn a_dropped_transaction_takes_grant_and_receipt_back() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let job = backend.claim(1).await.remove(0).job;
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    tx.grant(&[ready(job)], &backend.session, backend.now()).await.unwrap();
    drop(tx);
    assert_eq!(backend.states().await, [JobState::Running]);
    assert!(backend.catalog.artifacts_of(job.id).await.unwrap().is_empty());
    backend.grant(job, &["out"]).await;
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    let receipt = Receipt { job, metrics: Metrics::default() };
    tx.conclude(&[receipt], &backend.session, backend.now()).await.unwrap();
    drop(tx);
    assert_eq!(backend.states().await, [JobState::Committing]);
    assert_eq!(backend.files("out").await, (0, 0));
    assert_eq!(backend.conclude(job).await, ConcludeOutcome::Completed);
    assert_eq!(backend.files("out").await, (1, 0));
}
