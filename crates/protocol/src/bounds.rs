//! What a worker's word may hold. A message within the size of a frame can still carry numbers that no sum takes, texts that no index
//! takes and names of other people's files: such a word is refused or cut to size before anybody acts on it.

use crate::output_name::{final_name, is_staged_name};
use crate::{Conclude, Environment, Identify, Metrics, ReadyJob};
use std::collections::BTreeMap;

/// Sums of a million of them are numbers still.
const COUNT_MAX: u64 = 1 << 42;
const SLOTS_MAX: u32 = 1_024;
const OUTPUTS_MAX: usize = 10_000;
/// Bytes of a text that describes a worker.
const WORD_LEN_MAX: usize = 200;
const VERSIONS_MAX: usize = 16;
/// Bytes of what a failed job says for itself.
const MESSAGE_LEN_MAX: usize = 64 << 10;
const PHASES_MAX: usize = 16;

impl ReadyJob {
    /// Why this cannot be granted, whoever says it.
    pub fn fault(&self) -> Option<String> {
        let commit = self.commit();
        if commit.id.get() <= 0 {
            return Some(format!("its commit id is {}", self.commit_id));
        }
        if self.outputs.len() > OUTPUTS_MAX {
            return Some(format!("it has more than {OUTPUTS_MAX} outputs"));
        }
        let mut places = BTreeMap::new();
        for output in &self.outputs {
            if places.insert((output.topic.as_str(), output.uri.to_string()), ()).is_some() {
                return Some(format!("it has two outputs for {} at {}", output.topic, output.uri));
            }
            if output.final_name != final_name(commit) || !is_staged_name(&output.staged, commit) {
                return Some(format!(
                    "an output for {} has the name of no file of this commit",
                    output.topic
                ));
            }
            if output.row_start > 0 && !commit.is_pack_of(self.job) {
                return Some(format!("an output for {} begins with other rows", output.topic));
            }
            if [output.rows, output.size_bytes, output.row_start].iter().any(|it| *it > COUNT_MAX) {
                return Some(format!(
                    "an output for {} has more rows or bytes than there can be",
                    output.topic
                ));
            }
        }
        None
    }
}

impl Conclude {
    pub fn bounded(mut self) -> Self {
        self.metrics = self.metrics.bounded();
        if let Some(message) = &mut self.error_message {
            cut(message, MESSAGE_LEN_MAX);
        }
        self
    }
}

impl Metrics {
    fn bounded(mut self) -> Self {
        for count in
            [&mut self.rows, &mut self.size_bytes, &mut self.bytes_in, &mut self.quarantined]
        {
            *count = (*count).min(COUNT_MAX);
        }
        self.ms = self
            .ms
            .into_iter()
            .take(PHASES_MAX)
            .map(|(mut phase, ms)| {
                cut(&mut phase, WORD_LEN_MAX);
                (phase, ms.min(COUNT_MAX))
            })
            .collect();
        self
    }
}

impl Identify {
    pub fn bounded(mut self) -> Self {
        self.slots = self.slots.min(SLOTS_MAX);
        self.environment = self.environment.bounded();
        self
    }
}

impl Environment {
    fn bounded(mut self) -> Self {
        let words = [
            &mut self.host,
            &mut self.user,
            &mut self.plugins_dir,
            &mut self.git_hash,
            &mut self.os,
        ];
        words.into_iter().for_each(|word| cut(word, WORD_LEN_MAX));
        self.versions = self
            .versions
            .into_iter()
            .take(VERSIONS_MAX)
            .map(|(mut name, mut version)| {
                cut(&mut name, WORD_LEN_MAX / 4);
                cut(&mut version, WORD_LEN_MAX / 4);
                (name, version)
            })
            .collect();
        self
    }
}

fn cut(text: &mut String, len_max: usize) {
    if text.len() > len_max {
        text.truncate(text.floor_char_boundary(len_max));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output_name::staged_name;
    use crate::{CommitId, ContentHash, JobAttempt, JobId, StagedOutput, TopicSchema};

    type Spoil = fn(&mut ReadyJob);

    fn ready() -> ReadyJob {
        let job = JobAttempt { id: JobId::new(7), attempt: 2 };
        let output = |topic: &str| StagedOutput {
            topic: topic.parse().unwrap(),
            uri: format!("parquet://{topic}").parse().unwrap(),
            staged: staged_name(&"host-1".parse().unwrap(), job.into()),
            final_name: "part-7-2.parquet".to_owned(),
            row_start: 0,
            rows: 1,
            size_bytes: 100,
            hash: ContentHash::new([1; 32]),
            schema: TopicSchema::default(),
            schema_version: 0,
            reasons: Vec::new(),
        };
        let outputs = vec![output("a"), output("b")];
        ReadyJob { job: job.id, attempt: 2, commit_id: job.id.into(), outputs }
    }

    #[test]
    fn what_a_worker_stages_has_no_fault() {
        assert_eq!(ready().fault(), None);
    }

    #[test]
    fn a_name_of_another_file_a_second_output_and_numbers_beyond_all_sums_are_faults() {
        let faults: [(Spoil, &str); 9] = [
            (|ready| ready.commit_id = CommitId::new(-8), "its commit id is -8"),
            (|ready| ready.commit_id = CommitId::new(8), "the name of no file"),
            (|ready| ready.outputs[1].row_start = 1, "begins with other rows"),
            (|ready| ready.outputs[1] = ready.outputs[0].clone(), "two outputs for a"),
            (
                |ready| ready.outputs[1].final_name = "../b/part-7-2.parquet".to_owned(),
                "the name of no file",
            ),
            (
                |ready| ready.outputs[1].final_name = "part-8.parquet".to_owned(),
                "the name of no file",
            ),
            (
                |ready| ready.outputs[1].staged = "_staging/host-1/8-2.parquet".to_owned(),
                "the name of no file",
            ),
            (|ready| ready.outputs[1].rows = u64::MAX, "more rows or bytes"),
            (
                |ready| ready.outputs = vec![ready.outputs[0].clone(); OUTPUTS_MAX + 1],
                "more than 10000",
            ),
        ];
        for (spoil, expected) in faults {
            let mut spoilt = ready();
            spoil(&mut spoilt);
            let fault = spoilt.fault().unwrap_or_default();
            assert!(fault.contains(expected), "{fault}");
        }
    }

    #[test]
    fn words_are_cut_between_characters_and_numbers_to_what_sums_take() {
        let environment = Environment { host: "ä".repeat(5_000), ..Environment::default() };
        let identify = Identify { slots: u32::MAX, environment, ..Identify::default() }.bounded();
        assert_eq!((identify.slots, identify.environment.host.len()), (SLOTS_MAX, WORD_LEN_MAX));
        let ms = (0..100).map(|phase| (format!("{phase:05000}"), u64::MAX)).collect();
        let metrics = Metrics { rows: u64::MAX, ms, ..Metrics::default() }.bounded();
        assert_eq!((metrics.rows, metrics.ms.len()), (COUNT_MAX, PHASES_MAX.min(1)));
    }
}
