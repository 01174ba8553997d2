//! What can be wrong, and what would put it right.

use protocol::{ArtifactId, JobId};
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The catalog says that a file is current, and it is not there.
    MissingFile,
    /// It is not what was published: truncated, changed, unreadable.
    DamagedFile,
    /// The file is as it was published, and the catalog's count of its rows is another.
    RowsDiffer,
    /// Rows that say they come from another job or version.
    WrongLineage,
    /// Current by the catalog, and in `_history`.
    MisplacedFile,
    /// Rows that are current in another file, too.
    DoubledFile,
    /// Rows of ours that nobody published here.
    UnknownFile,
    /// Among the current files, and none of ours.
    ForeignFile,
    /// Replaced by the catalog, and among the current files.
    SupersededFile,
    /// Left by a worker that is gone, and needed by nobody.
    StagingOrphan,
    ArtifactWithoutJob,
    JobWithoutArtifact,
    /// The job's count of rows is not that of what it published.
    ReceiptDiffers,
    /// About to be published, and its job is not committing.
    StrayPromotion,
}

impl Fault {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MissingFile => "missing_file",
            Self::DamagedFile => "damaged_file",
            Self::RowsDiffer => "rows_differ",
            Self::WrongLineage => "wrong_lineage",
            Self::MisplacedFile => "misplaced_file",
            Self::DoubledFile => "doubled_file",
            Self::UnknownFile => "unknown_file",
            Self::ForeignFile => "foreign_file",
            Self::SupersededFile => "superseded_file",
            Self::StagingOrphan => "staging_orphan",
            Self::ArtifactWithoutJob => "artifact_without_job",
            Self::JobWithoutArtifact => "job_without_artifact",
            Self::ReceiptDiffers => "receipt_differs",
            Self::StrayPromotion => "stray_promotion",
        }
    }
}

/// What `--repair` does about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// The Sentinel queues the job again; its bytes lie at this path.
    RunAgain {
        path: String,
    },
    MoveToHistory,
    MoveBack,
    /// Out of the table.
    RemoveRows,
    /// From the staging of this worker.
    Remove {
        worker: String,
    },
    /// The catalog forgets it, and its file goes to `_history`.
    DropArtifact {
        artifact: ArtifactId,
    },
    /// Why not.
    Nothing(String),
}

impl Repair {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::RunAgain { .. } => "run_again",
            Self::MoveToHistory => "move_to_history",
            Self::MoveBack => "move_back",
            Self::RemoveRows => "remove_rows",
            Self::Remove { .. } => "remove",
            Self::DropArtifact { .. } => "drop_artifact",
            Self::Nothing(_) => "none",
        }
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RunAgain { path } => write!(f, "the job runs again: {path} still holds its bytes"),
            Self::MoveToHistory => f.write_str("the file is moved to _history"),
            Self::MoveBack => f.write_str("the file is moved back from _history"),
            Self::RemoveRows => f.write_str("the rows are taken out of the table"),
            Self::Remove { .. } => f.write_str("the file is removed: its attempt is over"),
            Self::DropArtifact { .. } => f.write_str(
                "the catalog gives it up, its file is moved to _history, and files without a job get one",
            ),
            Self::Nothing(why) => f.write_str(why),
        }
    }
}

/// One fault at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub fault: Fault,
    pub topic: Option<String>,
    pub uri: String,
    /// Relative to the sink; empty where there is none.
    pub file: Vec<u8>,
    pub job: Option<JobId>,
    pub expected: String,
    pub found: String,
    pub repair: Repair,
    /// None: nobody tried.
    pub repaired: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repair_says_what_happens_to_the_file() {
        let run = Repair::RunAgain { path: "data/a.csv".to_owned() };
        assert_eq!(run.to_string(), "the job runs again: data/a.csv still holds its bytes");
        assert_eq!(
            (run.as_str(), Repair::MoveToHistory.as_str()),
            ("run_again", "move_to_history")
        );
    }
}
