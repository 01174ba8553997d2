//! What becomes visible in one step, and what a worker may say of it.

use crate::{CommitId, JobAttempt, JobId, ReadyJob, StagedOutput};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One attempt of one job, by the job's number; or a pack of jobs, by a number of its own, which is used once: its attempt is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Commit {
    pub id: CommitId,
    pub attempt: u32,
}

impl Commit {
    pub fn pack(id: CommitId) -> Self {
        Self { id, attempt: 1 }
    }

    /// Of what is no pack: the attempt that it is.
    pub fn attempt(self) -> JobAttempt {
        JobAttempt { id: JobId::new(self.id.get()), attempt: self.attempt }
    }

    /// Of a job: whether it commits with others.
    pub fn is_pack_of(self, job: JobId) -> bool {
        self.id != CommitId::from(job)
    }
}

impl From<JobAttempt> for Commit {
    fn from(job: JobAttempt) -> Self {
        Self { id: job.id.into(), attempt: job.attempt }
    }
}

impl JobAttempt {
    /// What it is committed with, by its number.
    pub fn commit(self, id: CommitId) -> Commit {
        if id == CommitId::from(self.id) { self.into() } else { Commit::pack(id) }
    }
}

impl ReadyJob {
    pub fn commit(&self) -> Commit {
        JobAttempt { id: self.job, attempt: self.attempt }.commit(self.commit_id)
    }
}

/// Packs whose jobs do not fill their files, row after row, or say different things of them.
pub fn faulty_packs(ready: &[ReadyJob]) -> BTreeSet<CommitId> {
    let mut files = BTreeMap::<_, Vec<&StagedOutput>>::new();
    for one in ready {
        for output in one.outputs.iter().filter(|_| one.commit().is_pack_of(one.job)) {
            files.entry((one.commit_id, output.uri.to_string())).or_default().push(output);
        }
    }
    let faulty = files.into_iter().filter(|(_, outputs)| !is_file(outputs.clone()));
    faulty.map(|((commit, _), _)| commit).collect()
}

fn is_file(mut outputs: Vec<&StagedOutput>) -> bool {
    outputs.sort_by_key(|output| output.row_start);
    let mut next = 0;
    for output in &outputs {
        let same = output.topic == outputs[0].topic
            && output.staged == outputs[0].staged
            && (output.size_bytes, output.hash) == (outputs[0].size_bytes, outputs[0].hash);
        if !same || output.row_start != next || output.rows == 0 {
            return false;
        }
        next += output.rows;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ContentHash, TopicSchema, staged_name};

    const PACK: CommitId = CommitId::new(99);

    fn ready(job: i64, rows: std::ops::Range<u64>) -> ReadyJob {
        let output = StagedOutput {
            topic: "t".parse().unwrap(),
            uri: "parquet://t".parse().unwrap(),
            staged: staged_name(&"w".parse().unwrap(), Commit::pack(PACK)),
            final_name: "part-99.parquet".to_owned(),
            row_start: rows.start,
            rows: rows.end - rows.start,
            size_bytes: 100,
            hash: ContentHash::new([1; 32]),
            schema: TopicSchema::default(),
            schema_version: 0,
            reasons: Vec::new(),
        };
        ReadyJob { job: JobId::new(job), attempt: 3, commit_id: PACK, outputs: vec![output] }
    }

    #[test]
    fn a_pack_has_a_number_of_its_own_and_a_job_by_itself_its_own_number() {
        let pack = ready(1, 0..1);
        assert_eq!(pack.commit(), Commit::pack(PACK));
        assert!(pack.commit().is_pack_of(pack.job));
        let single = ReadyJob { commit_id: pack.job.into(), ..pack };
        assert_eq!(single.commit(), Commit { id: CommitId::new(1), attempt: 3 });
        assert!(!single.commit().is_pack_of(single.job));
    }

    #[test]
    fn the_jobs_of_a_pack_fill_its_file_without_gap_or_overlap() {
        let whole = [ready(1, 2..5), ready(2, 0..2), ready(3, 5..6)];
        assert!(faulty_packs(&whole).is_empty());
        for missing in 0..2 {
            let mut part = whole.to_vec();
            part.remove(missing);
            assert_eq!(faulty_packs(&part), [PACK].into());
        }
        assert_eq!(faulty_packs(&[ready(1, 0..2), ready(2, 1..2)]), [PACK].into());
        let mut other = whole.clone();
        other[0].outputs[0].size_bytes += 1;
        assert_eq!(faulty_packs(&other), [PACK].into());
    }
}
