//! Grant, promote, conclude, recover: and what a commit replaces.

use crate::backend::{Backend, plugin, simple};
use catalog::{ConcludeOutcome, GrantOutcome, JobState};
use protocol::TopicOptions;

#[tokio::test]
async fn f07_a_rewritten_file_replaces_its_rows_with_the_receipt() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    backend.drain(&["out"]).await;
    backend.write("a", 2).await;
    backend.admit().await;
    let job = backend.claim(1).await.remove(0).job;
    let GrantOutcome::Granted { supersede } = backend.grant(job, &["out"]).await else { panic!() };
    assert_eq!(supersede.len(), 1);
    assert_eq!(
        backend.files("out").await,
        (1, 0),
        "the old rows stay until the new ones are there"
    );
    backend.conclude(job).await;
    assert_eq!(backend.files("out").await, (1, 1));
}

#[tokio::test]
async fn a_version_that_publishes_nothing_replaces_all_the_same() {
    let backend = Backend::fresh().await;
    backend
        .plugins(&[plugin(
            "p",
            1,
            &[("x", TopicOptions::default()), ("y", TopicOptions::default())],
        )])
        .await;
    backend.write("a", 1).await;
    backend.drain(&["x", "y"]).await;
    backend.write("a", 2).await;
    backend.drain(&["x"]).await;
    assert_eq!(backend.files("x").await, (1, 1));
    assert_eq!(backend.files("y").await, (0, 1), "every topic of the plugin");
    backend.write("a", 3).await;
    backend.drain(&[]).await;
    assert_eq!(backend.files("x").await, (0, 2));
}

#[tokio::test]
async fn back_to_an_earlier_content_holds_that_content() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    for content in [1, 2, 1] {
        backend.write("a", content).await;
        backend.drain(&["out"]).await;
    }
    assert_eq!(backend.files("out").await, (1, 2));
    assert_eq!(backend.states().await, [JobState::Completed; 3]);
}

#[tokio::test]
async fn rows_stay_while_any_live_path_holds_the_content() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    backend.drain(&["out"]).await;
    backend.write("b", 1).await;
    backend.write("a", 2).await;
    backend.drain(&["out"]).await;
    assert_eq!(backend.files("out").await, (2, 0), "b still holds the first content");
    backend.write("b", 3).await;
    backend.drain(&["out"]).await;
    assert_eq!(backend.files("out").await, (2, 1));
}

#[tokio::test]
async fn with_dedup_off_each_path_has_its_own_rows() {
    let backend = Backend::fresh().await;
    let options = TopicOptions { dedup: false, ..TopicOptions::default() };
    backend.plugins(&[plugin("p", 1, &[("out", options)])]).await;
    backend.write("a", 1).await;
    backend.write("b", 1).await;
    backend.drain(&["out"]).await;
    assert_eq!(backend.files("out").await, (2, 0));
    backend.write("a", 2).await;
    backend.drain(&["out"]).await;
    assert_eq!(backend.files("out").await, (2, 1));
}

#[tokio::test]
async fn a_topic_that_keeps_history_keeps_every_version() {
    let backend = Backend::fresh().await;
    let all = TopicOptions { history_all: true, ..TopicOptions::default() };
    backend.plugins(&[plugin("p", 1, &[("all", all), ("now", TopicOptions::default())])]).await;
    backend.write("a", 1).await;
    backend.drain(&["all", "now"]).await;
    backend.write("a", 2).await;
    backend.drain(&["all", "now"]).await;
    assert_eq!(backend.files("all").await, (2, 0));
    assert_eq!(backend.files("now").await, (1, 1));
}

#[tokio::test]
async fn an_overtaken_attempt_is_refused() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let job = backend.claim(1).await.remove(0).job;
    backend.write("a", 2).await;
    let GrantOutcome::Refused { reason } = backend.grant(job, &["out"]).await else { panic!() };
    assert_eq!(reason, "a newer version of the file is there");
    backend.drain(&["out"]).await;
    assert_eq!(backend.states().await, [JobState::Superseded, JobState::Completed]);
}

#[tokio::test]
async fn an_output_goes_where_a_topic_of_the_plugin_goes_or_the_job_runs_again() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1), simple("q", 2)]).await;
    backend.write("a", 1).await;
    let job = backend.claim(1).await.remove(0).job;
    let GrantOutcome::Refused { reason } = backend.grant(job, &["out", "elsewhere"]).await else {
        panic!("granted")
    };
    assert!(reason.contains("where none of its plugin's topics go"), "{reason}");
    let again = backend.claim(2).await;
    let again = again.iter().find(|claimed| claimed.job.id == job.id).expect("it is queued again");
    assert_eq!(again.job.attempt, 2);
    let granted = backend.grant(again.job, &["out"]).await;
    assert!(matches!(granted, GrantOutcome::Granted { .. }), "{granted:?}");
}

#[tokio::test]
async fn f23_nobody_concludes_what_was_not_granted_to_him() {
    let backend = Backend::fresh().await;
    let stranger = backend.worker("stranger").await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let job = backend.claim(1).await.remove(0).job;
    assert!(matches!(backend.conclude(job).await, ConcludeOutcome::Refused { .. }), "not granted");
    assert!(matches!(
        backend.grant_to(job, &["out"], &stranger).await,
        GrantOutcome::Refused { .. }
    ));
    backend.grant(job, &["out"]).await;
    assert!(matches!(backend.conclude_as(job, &stranger).await, ConcludeOutcome::Refused { .. }));
    assert_eq!(backend.conclude(job).await, ConcludeOutcome::Completed);
}

#[tokio::test]
async fn granting_and_concluding_twice_changes_nothing() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let job = backend.claim(1).await.remove(0).job;
    assert_eq!(backend.grant(job, &["out"]).await, backend.grant(job, &["out"]).await);
    assert_eq!(backend.conclude(job).await, ConcludeOutcome::Completed);
    assert_eq!(backend.conclude(job).await, ConcludeOutcome::Completed);
    assert_eq!(backend.files("out").await, (1, 0));
    assert!(matches!(backend.grant(job, &["out"]).await, GrantOutcome::Refused { .. }));
}

#[tokio::test]
async fn a_recovery_adopts_or_gives_up_and_the_first_worker_may_still_report() {
    let backend = Backend::fresh().await;
    let other = backend.worker("other").await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let job = backend.claim(1).await.remove(0).job;
    backend.grant(job, &["out"]).await;
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    let recovery = tx.begin_recovery(job, &other).await.unwrap().unwrap();
    assert_eq!((recovery.number, recovery.jobs), (1, vec![job]));
    assert_eq!(tx.recovery_outputs(job.id).await.unwrap().len(), 1);
    assert!(!tx.lost(job, 2).await.unwrap(), "of another recovery");
    tx.commit().await.unwrap();
    assert_eq!(backend.conclude(job).await, ConcludeOutcome::Completed);
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    assert!(!tx.lost(job, 1).await.unwrap(), "it is completed");
    assert_eq!(tx.begin_recovery(job, &other).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_lost_for_good_runs_again_without_its_old_artifacts() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let job = backend.claim(1).await.remove(0).job;
    backend.grant(job, &["out"]).await;
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    tx.begin_recovery(job, &backend.session).await.unwrap();
    assert!(tx.lost(job, 1).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(backend.files("out").await, (0, 1), "what is there of it leaves the topic");
    assert_eq!(backend.drain(&["out"]).await, [job.id]);
    assert_eq!(backend.files("out").await, (1, 1));
}

#[tokio::test]
async fn a_superseded_file_is_told_of_until_it_has_moved() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    for content in [1, 2] {
        backend.write("a", content).await;
        backend.drain(&["out"]).await;
    }
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    let retire = tx.retirements(10).await.unwrap();
    assert_eq!(retire, tx.retirements(10).await.unwrap());
    tx.mark_retired(&[retire[0].id]).await.unwrap();
    assert!(tx.retirements(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_was_lost_for_good_and_overtaken_gives_way() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let job = backend.claim(1).await.remove(0).job;
    backend.grant(job, &["out"]).await;
    backend.write("a", 2).await;
    backend.admit().await;
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    let recovery = tx.begin_recovery(job, &backend.session).await.unwrap().unwrap();
    assert!(tx.lost(job, recovery.number).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(backend.states().await, [JobState::Queued, JobState::Pending]);
    backend.admit().await;
    assert_eq!(backend.states().await, [JobState::Superseded, JobState::Queued]);
}
