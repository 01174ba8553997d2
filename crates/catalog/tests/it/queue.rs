//! Claiming, losing and failing.

use crate::backend::{Backend, simple};
use catalog::{
    ClaimFrom, FailNext, JobState, Lane, Loss, NewRequest, RefusedJob, RequestReport,
    RetrySelection, is_legal,
};
use protocol::{ErrorClass, JobId, JobKind};

#[tokio::test]
async fn f19_no_job_is_claimed_twice() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    for n in 0..20 {
        backend.write(&format!("f{n}"), n).await;
    }
    let (one, two) = tokio::join!(backend.claim(15), backend.claim(15));
    let mut ids = one.iter().chain(&two).map(|job| job.job.id).collect::<Vec<_>>();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 20);
}

#[tokio::test]
async fn the_most_urgent_goes_first_then_the_oldest() {
    let backend = Backend::fresh().await;
    let mut urgent = simple("urgent", 1);
    urgent.limits.priority = 5;
    backend.plugins(&[simple("plain", 2)]).await;
    backend.write("a", 1).await;
    backend.plugins(&[simple("plain", 2), urgent]).await;
    backend.write("b", 2).await;
    let mut plugins = Vec::new();
    for job in backend.claim(10).await {
        let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
        let detail = tx.job_details(&[job.job.id]).await.unwrap().remove(&job.job.id).unwrap();
        plugins.push(tx.manifest_detail(detail.manifest).await.unwrap().name.to_string());
    }
    assert_eq!(plugins, ["urgent", "plain", "plain"]);
}

#[tokio::test]
async fn a_lane_is_claimed_by_itself() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let claim = async |lane| {
        let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
        let from = ClaimFrom::Lane(lane);
        let jobs = tx.claim(&backend.session, 9, from, backend.now()).await.unwrap();
        tx.commit().await.unwrap();
        jobs
    };
    let there = backend.catalog.opportunities(backend.now()).await.unwrap();
    assert_eq!((there.fresh, there.backfill), (true, false));
    assert!(claim(Lane::Backfill).await.is_empty());
    assert_eq!(claim(Lane::Fresh).await[0].lane, Lane::Fresh);
}

#[tokio::test]
async fn a_plugin_that_is_not_active_gets_nothing_and_its_jobs_wait() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let mut broken = simple("p", 2);
    broken.declaration = None;
    broken.error = Some("p.py:1: wrong".to_owned());
    backend.plugins(&[broken]).await;
    assert!(backend.claim(10).await.is_empty());
    assert_eq!(backend.catalog.waiting().await.unwrap().without_plugin, 1);
    backend.plugins(&[simple("p", 3)]).await;
    assert_eq!(backend.claim(10).await.len(), 1, "with the source that is there now");
}

#[tokio::test]
async fn f12_a_lost_job_is_queued_again_and_its_old_attempt_is_over() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let old = backend.claim(1).await.remove(0).job;
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    tx.requeue(&[Loss { job: old, losses: 1, spent: false }], 1).await.unwrap();
    let again = tx.claim(&backend.session, 1, ClaimFrom::Suspects, 1).await.unwrap().remove(0);
    tx.commit().await.unwrap();
    assert_eq!((again.job.id, again.job.attempt, again.losses), (old.id, 2, 1));
    assert!(!backend.fail(old, FailNext::Failed).await);
    assert_eq!(backend.states().await, [JobState::Running]);
}

#[tokio::test]
async fn a_job_that_is_lost_too_often_fails_with_a_reason() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let job = backend.claim(1).await.remove(0).job;
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    tx.requeue(&[Loss { job, losses: 4, spent: true }], 1).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(backend.states().await, [JobState::Failed]);
}

#[tokio::test]
async fn a_failed_attempt_waits_for_its_time_and_costs_one() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let job = backend.claim(1).await.remove(0).job;
    let far = backend.now() + 60_000_000;
    assert!(backend.fail(job, FailNext::Backoff { not_before_us: far }).await);
    assert_eq!(backend.admit().await, 0);
    assert_eq!(backend.catalog.waiting().await.unwrap().backing_off, 1);
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    assert_eq!(tx.admit(far).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(backend.claim(1).await[0].failures, 1);
}

#[tokio::test]
async fn a_wait_that_a_clock_ahead_of_time_has_set_is_cut_short() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let job = backend.claim(1).await.remove(0).job;
    let far = backend.now() + 1_000_000_000_000;
    backend.fail(job, FailNext::Backoff { not_before_us: far }).await;
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    tx.bound_waits(far - 5).await.unwrap();
    assert_eq!(tx.admit(far - 6).await.unwrap(), 0, "it is no shorter than that");
    assert_eq!(tx.admit(far - 5).await.unwrap(), 1);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_storage_that_fails_costs_no_attempt() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let job = backend.claim(1).await.remove(0).job;
    let next = FailNext::Backoff { not_before_us: 1 };
    assert!(backend.fail_with(job, ErrorClass::Storage, next).await);
    assert_eq!(backend.admit().await, 1);
    assert_eq!(backend.claim(1).await[0].failures, 0);
}

#[tokio::test]
async fn a_person_may_retry_what_failed_and_nothing_else() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    backend.write("b", 2).await;
    let jobs = backend.claim(2).await;
    backend.fail(jobs[0].job, FailNext::Failed).await;
    let selection = RetrySelection::Jobs(jobs.iter().map(|job| job.job.id).collect());
    let request = NewRequest::Retry { selection };
    let id = backend.catalog.leave_request(&request, "me", 1).await.unwrap();
    assert_eq!(backend.catalog.request_report(id).await.unwrap(), None);
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    let pending = tx.pending_requests().await.unwrap().remove(0);
    assert_eq!((pending.request.as_ref(), pending.requested_by.as_str()), (Some(&request), "me"));
    let Some(NewRequest::Retry { selection }) = &pending.request else { unreachable!() };
    let retried = tx.retry(selection, backend.now()).await.unwrap();
    let report = RequestReport { jobs: 1, ..RequestReport::default() };
    tx.answer_request(pending.id, &report, 1).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((retried.queued, retried.more), (1, false));
    assert_eq!(
        retried.refused,
        [RefusedJob::new(jobs[1].job.id, "it is neither FAILED nor ABORTED")]
    );
    assert_eq!(backend.catalog.request_report(id).await.unwrap(), Some(report));
    assert_eq!(backend.claim(9).await[0].failures, 0);
}

#[tokio::test]
async fn a_clock_that_was_set_back_keeps_no_failed_job_waiting() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let job = backend.claim(1).await.remove(0).job;
    let hour_us = 3_600_000_000;
    backend.fail(job, FailNext::Backoff { not_before_us: backend.now() + hour_us }).await;
    assert!(backend.catalog.opportunities(backend.now()).await.unwrap().held);
    assert_eq!(backend.admit().await, 1);
}

#[test]
fn nothing_leaves_an_end_but_by_a_person() {
    for from in JobState::ALL.into_iter().filter(|state| state.is_end()) {
        let left = JobState::ALL.into_iter().filter(|to| is_legal(JobKind::Process, from, *to));
        assert_eq!(left.collect::<Vec<_>>(), [JobState::Queued], "{from}");
    }
    assert!(!is_legal(JobKind::Process, JobState::Committing, JobState::Aborted));
    assert!(!is_legal(JobKind::Process, JobState::Running, JobState::Completed));
}

#[tokio::test]
async fn a_lost_job_that_was_overtaken_ends_and_the_newer_one_goes_on() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let job = backend.claim(1).await.remove(0).job;
    backend.write("a", 2).await;
    backend.admit().await;
    assert_eq!(backend.states().await, [JobState::Running, JobState::Pending], "it is waited for");
    backend.lose(job).await;
    backend.admit().await;
    assert_eq!(backend.states().await, [JobState::Superseded, JobState::Queued]);
}

#[tokio::test]
async fn what_comes_back_to_the_queue_runs_with_the_source_that_is_in_force_then() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    for (path, content) in [("a", 1), ("b", 2), ("c", 3)] {
        backend.write(path, content).await;
    }
    let jobs = backend.claim(3).await;
    backend.plugins(&[simple("p", 2)]).await;
    backend.lose(jobs[0].job).await;
    backend.fail(jobs[1].job, FailNext::Backoff { not_before_us: 1 }).await;
    backend.fail(jobs[2].job, FailNext::Failed).await;
    backend.retry_all().await;
    backend.admit().await;
    let active = backend.catalog.routing_table().await.unwrap().plugins[0].manifest;
    let again = [backend.claim(9).await, backend.claim_suspects().await].concat();
    let ids: Vec<_> = again.iter().map(|one| one.job.id).collect();
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    let details = tx.job_details(&ids).await.unwrap();
    assert_eq!(details.len(), 3);
    assert!(details.values().all(|detail| detail.manifest == active));
}

#[tokio::test]
async fn of_files_that_failed_all_are_tried_again_at_once() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    for (path, content) in [("a", 1), ("b", 2), ("c", 3)] {
        backend.write(path, content).await;
    }
    for claimed in backend.claim(3).await {
        backend.fail(claimed.job, FailNext::Failed).await;
    }
    backend.write("a", 4).await;
    backend.delete("b").await;
    let retried = backend.retry_all().await;
    assert_eq!((retried.queued, retried.more), (1, false), "{retried:?}");
    assert!(retried.refused.is_empty());
    assert_eq!(backend.retry_all().await.queued, 0, "once");
}

#[tokio::test]
async fn a_retry_is_refused_with_its_reason() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let job = backend.claim(1).await.remove(0).job;
    backend.fail(job, FailNext::Failed).await;
    let reason = async |jobs: &[JobId]| {
        let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
        let selection = RetrySelection::Jobs(jobs.to_vec());
        tx.retry(&selection, backend.now()).await.unwrap().refused[0].to_string()
    };
    assert!(reason(&[JobId::new(3)]).await.ends_with("job 3: there is no such job"));
    backend.plugins(&[simple("p", 2)]).await;
    backend.tag("a", 1).await;
    assert!(reason(&[job.id]).await.contains("another job of this file and plugin"));
    backend.drain(&["out"]).await;
    assert!(reason(&[job.id]).await.contains("another job of this file and plugin"));
    backend.write("a", 2).await;
    assert!(reason(&[job.id]).await.ends_with("the file does not hold those bytes any more"));
}

#[tokio::test]
async fn suspects_are_claimed_by_themselves() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    backend.write("b", 2).await;
    let job = backend.claim(1).await.remove(0).job;
    backend.lose(job).await;
    let there = backend.catalog.opportunities(backend.now()).await.unwrap();
    assert!(there.fresh && there.suspects);
    let claimed = backend.claim(9).await;
    assert!(claimed.len() == 1 && claimed[0].job.id != job.id && claimed[0].losses == 0);
    let suspects = backend.claim_suspects().await;
    assert!(suspects.len() == 1 && suspects[0].job.id == job.id && suspects[0].losses == 1);
    assert_eq!(suspects[0].job.attempt, 2);
    let there = backend.catalog.opportunities(backend.now()).await.unwrap();
    assert!(!there.fresh && !there.suspects);
}

#[tokio::test]
async fn what_is_in_flight_is_known_to_the_next_sentinel() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    for (path, content) in [("a", 1), ("b", 2), ("c", 3)] {
        backend.write(path, content).await;
    }
    let jobs = backend.claim(2).await;
    backend.grant(jobs[0].job, &["out"]).await;
    let mut in_flight = backend.catalog.in_flight().await.unwrap();
    in_flight.sort_by_key(|one| one.claimed.job.id);
    let seen: Vec<_> = in_flight.iter().map(|one| (one.claimed.job, one.commit)).collect();
    assert_eq!(seen, [(jobs[0].job, Some(jobs[0].job.into())), (jobs[1].job, None)]);
    assert!(in_flight.iter().all(|one| one.session.as_ref() == Some(&backend.session)));
    let waiting = backend.catalog.waiting().await.unwrap();
    assert_eq!((waiting.queued, waiting.running, waiting.committing), (1, 1, 1));
    let sessions = backend.catalog.open_sessions().await.unwrap();
    assert_eq!(sessions.len(), 1);
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    tx.worker_lost(&backend.session, backend.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(backend.catalog.open_sessions().await.unwrap().len(), 1, "it still holds jobs");
}
