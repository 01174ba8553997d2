//! Names below a sink's directory, and what a name says.

use protocol::{Commit, PARQUET_SUFFIX as SUFFIX, PART_PREFIX as PREFIX};

pub use protocol::{STAGING, final_name, staged_file, staged_name};

pub const HISTORY: &str = "_history";

/// One of several files of which the staged one is made when the schema changed on the way.
pub fn segment_file(commit: Commit, index: usize) -> String {
    format!("{}-{}-s{index}{SUFFIX}", commit.id, commit.attempt)
}

/// What a recoverer took away, so that a late rename finds nothing.
pub fn taken_file(commit: Commit, recovery: u32) -> String {
    format!("{}-{}-r{recovery}{SUFFIX}", commit.id, commit.attempt)
}

/// What a file in a staging directory was staged for.
pub fn commit_of(name: &str) -> Option<Commit> {
    let mut parts = name.strip_suffix(SUFFIX)?.split('-');
    let id = parts.next()?.parse().ok()?;
    let attempt = parts.next()?.parse().ok()?;
    Some(Commit { id, attempt })
}

/// Of a file that holds everything that the commit publishes to this sink: the recovery that took it, 0 where it was staged.
pub fn recovery_of(name: &str) -> Option<u32> {
    let mut parts = name.strip_suffix(SUFFIX)?.split('-').skip(2);
    let recovery = parts.next().map_or(Some(0), |part| part.strip_prefix('r')?.parse().ok());
    recovery.filter(|_| parts.next().is_none())
}

/// Another name for a file whose own is taken where it goes.
pub fn free_name(name: &str, turn: u32) -> String {
    let stem = name.strip_suffix(SUFFIX).unwrap_or(name);
    format!("{stem}.{turn}{SUFFIX}")
}

/// A published file's name is one part and none of the reserved directories.
pub fn is_file_name(name: &str) -> bool {
    name.starts_with(PREFIX) && name.ends_with(SUFFIX) && !name.contains(['/', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::CommitId;

    const JOB: Commit = Commit { id: CommitId::new(7), attempt: 1 };

    #[test]
    fn a_name_tells_its_commit() {
        for name in [staged_file(JOB), segment_file(JOB, 3), taken_file(JOB, 2)] {
            assert_eq!(commit_of(&name), Some(JOB), "{name}");
        }
        assert_eq!(commit_of("7-12.parquet").unwrap().attempt, 12);
        assert_eq!(commit_of("7.parquet"), None);
        assert_eq!(commit_of("7-1.tmp"), None);
    }

    #[test]
    fn only_whole_outputs_are_recovered() {
        let recovery = [staged_file(JOB), taken_file(JOB, 2), segment_file(JOB, 0)];
        assert_eq!(recovery.map(|name| recovery_of(&name)), [Some(0), Some(2), None]);
    }

    #[test]
    fn each_attempt_has_a_file_of_its_own() {
        let names = [1, 2].map(|attempt| final_name(Commit { attempt, ..JOB }));
        assert_eq!(names, ["part-7.parquet", "part-7-2.parquet"]);
    }

    #[test]
    fn f24_a_file_name_cannot_leave_its_sink() {
        assert!(is_file_name(&final_name(JOB)));
        for name in ["../part-1.parquet", "part-/../x.parquet", "_staging/w/7-1.parquet"] {
            assert!(!is_file_name(name), "{name}");
        }
    }
}
