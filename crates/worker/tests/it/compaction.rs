//! Files that a worker writes anew as one.

use crate::guests::EXAMPLE;
use crate::support::{Rig, Sentinel, read};
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use protocol::{
    CommitId, Compaction, CompactionSource, Conclude, ConcludeStatus, ErrorClass, HeartbeatAnswer,
    JobAttempt, JobId, OutputFileId, Retirement, WorkerMessage, final_name,
};
use std::path::PathBuf;
use worker::Worker;

const ID: CommitId = CommitId::new(900);

impl Rig {
    /// A job's file, of which these rows are needed.
    fn source(&mut self, job: i64, content: &str, rows: &[(u64, u64)]) -> CompactionSource {
        self.source_by(EXAMPLE, job, content, rows)
    }

    fn source_by(
        &mut self,
        plugin: &str,
        job: i64,
        content: &str,
        rows: &[(u64, u64)],
    ) -> CompactionSource {
        let conclude = self.run(job, plugin, content, &["sales_data"]);
        assert_eq!(conclude.status, ConcludeStatus::Success, "{conclude:?}");
        let (file, hash) = (conclude.artifacts[0].file.clone(), conclude.artifacts[0].hash);
        let file = file.unwrap();
        let size_bytes = self.path(&file).metadata().unwrap().len();
        CompactionSource { file, size_bytes, hash: hash.unwrap(), rows: rows.to_vec() }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.project.lake().join("sales_data").join(file)
    }

    fn order(&self, sources: Vec<CompactionSource>) {
        self.sentinel.answer(HeartbeatAnswer {
            compact: vec![compaction(sources)],
            ..HeartbeatAnswer::default()
        });
    }

    fn compact(&mut self, sources: Vec<CompactionSource>) -> Conclude {
        self.order(sources);
        self.sentinel.until_concluded(ID.get())
    }

    fn made(&self) -> RecordBatch {
        let batches = read(&self.path(&made_name()));
        arrow_select::concat::concat_batches(&batches[0].schema(), &batches).unwrap()
    }
}

fn compaction(sources: Vec<CompactionSource>) -> Compaction {
    Compaction {
        id: ID,
        topic: "sales_data".parse().unwrap(),
        uri: "parquet://sales_data".parse().unwrap(),
        sources,
        recovery: 0,
        output: None,
    }
}

fn made_name() -> String {
    final_name(compaction(Vec::new()).job().into())
}

fn texts(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
    batch[column].as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

#[test]
fn the_rows_that_are_asked_for_become_one_file_with_their_lineage() {
    let mut rig = Rig::new(1);
    let sources = vec![
        rig.source(1, "a\n1\n2\n3\n4\n", &[(0, 1), (2, 2)]),
        rig.source(2, "a\n5\n6\n", &[(0, 2)]),
        rig.source(3, "a\n7\n8\n", &[(1, 1)]),
    ];
    let conclude = rig.compact(sources);
    assert_eq!(conclude.status, ConcludeStatus::Success, "{conclude:?}");
    let made = rig.made();
    let wanted = ["1", "3", "4", "5", "6", "8"].map(|text| Some(text.to_owned()));
    assert_eq!(texts(&made, "a"), wanted);
    assert_eq!(made["_job_id"].as_primitive::<Int64Type>().values(), &[1, 1, 1, 2, 2, 3]);
    assert_eq!(conclude.artifacts[0].rows, 6);
    assert!(rig.project.staged("sales_data").is_empty());
}

#[test]
fn columns_that_came_later_are_null_before_and_types_have_room_for_all() {
    const NUMBERS: &str = r#"
from casparian_flow.sdk import BasePlugin

class Handler(BasePlugin):
    def execute(self, path):
        return [{"a": 1}] if "1.csv" in path else [{"b": "x", "a": 0.5}]
"#;
    let mut rig = Rig::new(1);
    let sources =
        vec![rig.source_by(NUMBERS, 1, "1", &[(0, 1)]), rig.source_by(NUMBERS, 2, "2", &[(0, 1)])];
    let conclude = rig.compact(sources);
    assert_eq!(conclude.status, ConcludeStatus::Success, "{conclude:?}");
    let made = rig.made();
    let floats = made["a"].as_primitive::<arrow_array::types::Float64Type>();
    assert_eq!(floats.values(), &[1.0, 0.5]);
    assert_eq!(texts(&made, "b"), [None, Some("x".to_owned())]);
    let names = made.schema().fields().iter().map(|f| f.name().clone()).collect::<Vec<_>>();
    assert_eq!(names, ["a", "b", "_job_id", "_file_version_id"]);
}

#[test]
fn a_file_that_is_not_what_was_published_becomes_part_of_none() {
    let mut rig = Rig::new(1);
    let source = rig.source(1, "a\n1\n", &[(0, 1)]);
    let path = rig.path(&source.file);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let conclude = rig.compact(vec![source.clone()]);
    assert_eq!(conclude.error_class, Some(ErrorClass::Sink), "{conclude:?}");
    let text = conclude.error_message.unwrap();
    assert!(text.contains("part-1.parquet exists with other content"), "{text}");
    std::fs::remove_file(&path).unwrap();
    rig.sentinel.concluded.clear();
    let conclude = rig.compact(vec![source]);
    let text = conclude.error_message.unwrap();
    assert!(text.starts_with("cannot open") && text.contains("part-1.parquet"), "{text}");
    assert!(rig.project.files("sales_data").is_empty());
    assert!(rig.project.staged("sales_data").is_empty());
}

#[test]
fn what_was_granted_of_a_lost_compaction_is_finished_by_another_worker() {
    let mut rig = Rig::new(1);
    let source = rig.source(1, "a\n1\n2\n", &[(1, 1)]);
    rig.order(vec![source]);
    let ready = rig.sentinel.until_ready().ready;
    let JobAttempt { id, attempt } = compaction(Vec::new()).job();
    assert_eq!((ready[0].job, ready[0].attempt, ready[0].commit_id), (id, attempt, ID));
    let Rig { project, worker, .. } = rig;
    worker.kill();
    worker.wait();
    let mut sentinel = Sentinel::bind();
    let _second = Worker::start(project.settings(&sentinel.endpoint, 1)).unwrap();
    let WorkerMessage::Identify(_) = sentinel.receive() else { panic!("no IDENTIFY") };
    sentinel.accept(vec![ready[0].commit()]);
    let output = Some(ready[0].outputs[0].clone());
    let order = Compaction { recovery: 1, output, ..compaction(Vec::new()) };
    sentinel.answer(HeartbeatAnswer { compact: vec![order], ..HeartbeatAnswer::default() });
    let conclude = sentinel.until_concluded(ID.get());
    assert_eq!((conclude.status, conclude.recovery), (ConcludeStatus::Success, 1), "{conclude:?}");
    assert_eq!(read(&project.lake().join("sales_data").join(made_name()))[0].num_rows(), 1);
}

#[test]
fn a_file_whose_rows_are_all_in_another_is_removed_and_not_kept() {
    let mut rig = Rig::new(1);
    let source = rig.source(1, "a\n1\n", &[(0, 1)]);
    let retire = vec![Retirement {
        id: OutputFileId::new(42),
        job: JobAttempt { id: JobId::new(1), attempt: 1 },
        topic: "sales_data".parse().unwrap(),
        uri: "parquet://sales_data".parse().unwrap(),
        file: source.file.clone(),
        copied: true,
    }];
    rig.sentinel.answer(HeartbeatAnswer { retire, ..HeartbeatAnswer::default() });
    let path = rig.path(&source.file);
    while path.exists() {
        rig.sentinel.step();
    }
    assert!(!rig.path("_history").join(&source.file).exists());
}

#[test]
fn a_worker_that_stops_leaves_nothing_of_a_compaction() {
    let mut rig = Rig::new(1);
    let rows = 20_000;
    let lines = (0..rows).map(|n| format!("{n}\n")).collect::<String>();
    let source = rig.source(1, &format!("a\n{lines}"), &[(0, rows)]);
    // Many times the same rows, so that it takes a while.
    rig.order(vec![source; 200]);
    let is_begun = |message: &WorkerMessage| match message {
        WorkerMessage::Heartbeat(heartbeat) => {
            heartbeat.jobs.iter().any(|job| job.id.get() == ID.get())
        }
        _ => false,
    };
    while !is_begun(&rig.sentinel.receive()) {
        rig.sentinel.answer(HeartbeatAnswer::default());
    }
    rig.sentinel.answer(HeartbeatAnswer::default());
    rig.worker.stop();
    let Rig { project, worker, mut sentinel } = rig;
    let conclude = sentinel.until_concluded(ID.get());
    assert_eq!(conclude.error_class, Some(ErrorClass::Aborted), "{conclude:?}");
    worker.wait();
    assert!(project.staged("sales_data").is_empty());
    assert_eq!(project.files("sales_data").len(), 1);
}
