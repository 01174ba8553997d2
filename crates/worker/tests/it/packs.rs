//! Small jobs share files, and a pack is announced, granted and refused as a whole.

use crate::guests::EXAMPLE;
use crate::support::{Project, Rig};
use protocol::{
    Abort, Column, ColumnType, ConcludeStatus, Dispatch, HeartbeatAnswer, JobId, Refusal,
    SentinelMessage, TopicSchema,
};
use std::collections::BTreeSet;

/// Of a topic whose columns are known: only then do its jobs share files.
fn dispatch(project: &Project, name: &str) -> Dispatch {
    let file = project.input(name, "a\n1\n");
    let mut dispatch = project.dispatch(EXAMPLE, &file, &["sales_data"]);
    let columns = vec![Column::new("a", ColumnType::Text)];
    dispatch.sinks[0].schema_def = Some(TopicSchema { columns });
    dispatch
}

#[test]
fn small_jobs_share_files_and_each_has_its_rows() {
    let mut rig = Rig::new(2);
    let dispatch = dispatch(&rig.project, "x.csv");
    for job in 1..=200 {
        rig.sentinel.dispatch(job, &dispatch);
    }
    for job in 1..=200 {
        let conclude = rig.sentinel.until_concluded(job);
        assert_eq!(conclude.status, ConcludeStatus::Success, "{conclude:?}");
        assert_eq!((conclude.metrics.rows, conclude.artifacts[0].rows), (1, 1));
    }
    let files = rig.project.files("sales_data").len();
    assert!(files < 100, "{files} files of 200 jobs");
    assert_eq!(rig.project.rows("sales_data"), 200);
    assert!(rig.project.staged("sales_data").is_empty());
}

#[test]
fn where_one_job_of_a_pack_is_refused_the_others_come_in_another_one() {
    let mut rig = Rig::new(1);
    let dispatch = dispatch(&rig.project, "x.csv");
    for job in 1..=20 {
        rig.sentinel.dispatch(job, &dispatch);
    }
    let (commit, refused, others) = loop {
        let ready = rig.sentinel.until_ready().ready;
        let last = ready.last().unwrap().commit_id;
        let jobs = ready.iter().filter(|one| one.commit_id == last).map(|one| one.job);
        let mut jobs = jobs.collect::<BTreeSet<_>>();
        if jobs.len() > 1 {
            let first = jobs.pop_first().unwrap();
            break (last, first, jobs);
        }
        rig.sentinel.answer(HeartbeatAnswer::default());
    };
    let refusal = Refusal { id: refused, attempt: 1, reason: "overtaken".to_owned() };
    rig.sentinel.answer(HeartbeatAnswer { refused: vec![refusal], ..HeartbeatAnswer::default() });
    loop {
        let ready = rig.sentinel.until_ready().ready;
        assert!(ready.iter().all(|one| one.commit_id != commit && one.job != refused));
        let packed = ready.iter().filter(|one| others.contains(&one.job));
        let commits = packed.clone().map(|one| one.commit_id).collect::<BTreeSet<_>>();
        rig.sentinel.answer(HeartbeatAnswer::default());
        if packed.count() == others.len() {
            assert_eq!(commits.len(), 1);
            break;
        }
    }
    for job in &others {
        let conclude = rig.sentinel.until_concluded(job.get());
        assert_eq!(conclude.status, ConcludeStatus::Success, "{conclude:?}");
    }
    assert!(!rig.project.job_ids("sales_data").contains(&refused.get()));
}

#[test]
fn a_job_that_is_aborted_in_the_open_pack_publishes_nothing() {
    let mut rig = Rig::new(1);
    let dispatch = dispatch(&rig.project, "x.csv");
    for job in 1..=10 {
        rig.sentinel.dispatch(job, &dispatch);
    }
    let abort = Abort { reason: "not wanted".to_owned() };
    rig.sentinel.send(&SentinelMessage::Abort(JobId::new(3), abort));
    let mut published = BTreeSet::new();
    for job in 1..=10 {
        let conclude = rig.sentinel.until_concluded(job);
        if conclude.status == ConcludeStatus::Success {
            published.insert(job);
        }
    }
    let there = rig.project.job_ids("sales_data").into_iter().collect::<BTreeSet<_>>();
    assert_eq!(there, published);
}
