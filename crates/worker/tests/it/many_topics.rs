//! Jobs with very many topics, columns or rows that take nothing: memory and open files stay bounded.

use crate::failures::plugin;
use crate::schemas::{batch, ints};
use crate::support::{Rig, read, sink};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use protocol::ConcludeStatus::Success;
use protocol::{JobAttempt, JobId, TopicSchema, VersionId};
use tempfile::TempDir;
use worker::sinks::{Lineage, Sinks};

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("t{number}")).collect()
}

#[test]
fn a_topic_without_rows_leaves_no_directory() {
    let mut rig = Rig::new(1);
    let source = plugin("self.publish('a', [{'x': 1}])\nself.publish('b', [])");
    assert_eq!(rig.run(1, &source, "x", &["a", "b", "c"]).status, Success);
    let entries = std::fs::read_dir(rig.project.lake()).unwrap();
    let entries = entries.map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(entries, ["a"]);
}

#[test]
fn a_job_with_more_topics_than_files_that_may_be_open_keeps_its_rows_in_order() {
    let mut rig = Rig::new(1);
    let topics = names(600);
    let topics = topics.iter().map(String::as_str).collect::<Vec<_>>();
    let body = "for turn in range(3):\n    for topic in range(600):\n        self.publish(f't{topic}', {'a': [turn, topic]})";
    let conclude = rig.run(1, &plugin(body), "x", &topics);
    assert_eq!((conclude.status, conclude.metrics.rows), (Success, 3_600), "{conclude:?}");
    assert_eq!(conclude.artifacts.len(), 600);
    for (number, topic) in topics.iter().enumerate().step_by(97) {
        let [file] = &rig.project.files(topic)[..] else { panic!("not one file in {topic}") };
        let values = read(file)
            .iter()
            .flat_map(|batch| batch["a"].as_primitive::<Int64Type>().values().to_vec())
            .collect::<Vec<_>>();
        let number = number as i64;
        assert_eq!(values, [0, number, 1, number, 2, number]);
        assert!(rig.project.staged(topic).is_empty());
    }
}

#[test]
fn staging_directories_that_nobody_uses_are_given_back() {
    let lake = TempDir::new().unwrap();
    let sinks = Sinks::new(lake.path().to_owned(), "w1".parse().unwrap());
    for number in 1..=400 {
        let job = JobAttempt { id: JobId::new(number), attempt: 1 };
        let lineage = Lineage { job: job.id, version: VersionId::new(1) };
        let target = sink("t", &format!("parquet://t{number}"));
        let mut stager = sinks.stager(&target, job, lineage, false).unwrap();
        stager.write(&batch(&[("a", ints(&[1]))])).unwrap();
        let output = stager.seal(&TopicSchema::default()).unwrap().unwrap().output;
        // Every third one is not granted yet.
        if number % 3 > 0 {
            let mut promotion = sinks.promotion();
            promotion.promote(job, &output, &[]).unwrap();
            promotion.finish().files.unwrap();
        }
    }
    let held =
        (1..=400).filter(|number| lake.path().join(format!("t{number}/_staging/w1")).exists());
    let held = held.collect::<Vec<_>>();
    assert!(held.len() < 270, "{}", held.len());
    assert!((3..=400).step_by(3).all(|waiting| held.contains(&waiting)));
}
