//! What is special to files: names, what lies at them already, and directories that workers share.

use crate::conformance::{Target, attempt, promote};
use crate::schemas::{batch, ints};
use arrow_array::RecordBatch;
use protocol::{JobAttempt, OutputFileId, Retirement, StagedOutput};
use worker::sinks::{PromoteOutcome, Sinks};

const JOB: JobAttempt = JobAttempt { id: protocol::JobId::new(9), attempt: 2 };

fn rows() -> [RecordBatch; 1] {
    [batch(&[("a", ints(&[1, 2, 3]))])]
}

fn lake() -> Target {
    Target::parquet().unwrap()
}

fn stage(lake: &Target, sinks: &Sinks, topic: &str) -> StagedOutput {
    lake.stage(sinks, topic, JOB, &rows()).unwrap()
}

#[test]
fn a_final_file_with_the_same_content_is_adopted_and_another_is_never_overwritten() {
    let lake = lake();
    let (sinks, root) = (lake.worker("w1"), lake.lake.path());
    let (same, other) = (stage(&lake, &sinks, "t"), stage(&lake, &sinks, "u"));
    std::fs::copy(root.join("t").join(&same.staged), root.join("t/part-9-2.parquet")).unwrap();
    std::fs::write(root.join("u/part-9-2.parquet"), "something else").unwrap();
    assert_eq!(promote(&sinks, JOB, &same, &[]).unwrap(), PromoteOutcome::Done);
    let error = promote(&sinks, JOB, &other, &[]).unwrap_err().to_string();
    assert!(error.contains("exists with other content"), "{error}");
    assert_eq!(std::fs::read(root.join("u/part-9-2.parquet")).unwrap(), b"something else");
}

#[test]
fn a_worker_of_the_same_name_that_lives_is_never_shared_with() {
    let lake = lake();
    let first = lake.worker("w1");
    stage(&lake, &first, "t");
    let second = lake.worker("w1");
    let error = lake.stager(&second, "t", JOB).write(&rows()[0]).unwrap_err();
    assert!(error.to_string().contains("is held by another worker process"), "{error}");
}

#[test]
fn workers_that_start_while_others_sweep_get_their_directory() {
    let lake = lake();
    std::thread::scope(|scope| {
        for name in ["a", "b", "c", "d"] {
            let lake = &lake;
            scope.spawn(move || {
                for _ in 0..30 {
                    let sinks = lake.worker(name);
                    let outputs = ["t", "u"].map(|topic| stage(lake, &sinks, topic));
                    lake.worker("sweeper").sweep().unwrap();
                    assert!(outputs.iter().all(|output| {
                        let topic = lake.lake.path().join(output.topic.as_str());
                        topic.join(&output.staged).exists()
                    }));
                    sinks.discard(&outputs).unwrap();
                }
            });
        }
    });
}

#[test]
fn retired_files_lie_in_history_and_a_name_that_is_none_holds_up_no_other() {
    let lake = lake();
    let (sinks, root) = (lake.worker("w1"), lake.lake.path());
    for topic in ["t", "u"] {
        promote(&sinks, JOB, &stage(&lake, &sinks, topic), &[]).unwrap();
    }
    for _ in 0..2 {
        lake.retire(&sinks, "t", JOB);
        lake.retire(&sinks, "t", attempt(8, 1));
        assert!(root.join("t/_history/part-9-2.parquet").exists());
    }
    let retirement = |id, topic: &str, file: &str| Retirement {
        id: OutputFileId::new(id),
        job: JOB,
        topic: topic.parse().unwrap(),
        uri: lake.uri(topic).parse().unwrap(),
        file: file.to_owned(),
        copied: false,
    };
    let files =
        [retirement(1, "t", "../u/part-9-2.parquet"), retirement(2, "u", "part-9-2.parquet")];
    let (done, errors) = sinks.retire(&files);
    assert_eq!((done, errors.len()), (vec![OutputFileId::new(2)], 1));
    assert!(errors[0].to_string().contains("is not the name of a file"), "{}", errors[0]);
    assert!(lake.rows("t", "a").is_empty() && lake.rows("u", "a").is_empty());
}
