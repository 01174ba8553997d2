//! Names of a commit's files below a sink's directory. Worker and Sentinel make them alike, so that a worker can announce no other ones.

use crate::{Commit, WorkerId};

pub const STAGING: &str = "_staging";
pub const PART_PREFIX: &str = "part-";
pub const PARQUET_SUFFIX: &str = ".parquet";

/// Relative to the sink. A later attempt has a name of its own: whoever still moves a file of an earlier one finds nothing of it.
pub fn final_name(Commit { id, attempt }: Commit) -> String {
    match attempt {
        ..=1 => format!("{PART_PREFIX}{id}{PARQUET_SUFFIX}"),
        _ => format!("{PART_PREFIX}{id}-{attempt}{PARQUET_SUFFIX}"),
    }
}

/// Relative to the sink.
pub fn staged_name(worker: &WorkerId, commit: Commit) -> String {
    format!("{STAGING}/{worker}/{}", staged_file(commit))
}

pub fn staged_file(commit: Commit) -> String {
    format!("{}-{}{PARQUET_SUFFIX}", commit.id, commit.attempt)
}

/// Whether some worker stages this commit under that name.
pub fn is_staged_name(name: &str, commit: Commit) -> bool {
    let worker = name.strip_prefix(STAGING).and_then(|rest| {
        rest.strip_prefix('/')?.strip_suffix(&staged_file(commit))?.strip_suffix('/')
    });
    worker.is_some_and(|worker| worker.parse::<WorkerId>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CommitId;

    const JOB: Commit = Commit { id: CommitId::new(7), attempt: 2 };

    #[test]
    fn a_staged_name_is_of_one_worker_and_of_this_commit() {
        let worker: WorkerId = "host-1".parse().unwrap();
        assert!(is_staged_name(&staged_name(&worker, JOB), JOB));
        for name in [
            "_staging/host-1/7-1.parquet",
            "_staging/../../7-2.parquet",
            "_staging/a/b/7-2.parquet",
            "_staging//7-2.parquet",
            "_staging/7-2.parquet",
            "/_staging/host-1/7-2.parquet",
            "_history/host-1/7-2.parquet",
            "",
        ] {
            assert!(!is_staged_name(name, JOB), "{name}");
        }
    }
}
