//! The states of a job, who moves it on, and the one table of legal moves.

use protocol::JobKind;
use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobState {
    /// Held; `Hold` says why. The Sentinel moves it on when the reason is gone.
    Pending,
    /// Waits for a worker with room. The Sentinel claims it.
    Queued,
    /// A worker has it on lease. Its READY, its failure or the end of the lease moves it on.
    Running,
    /// Granted: its outputs are being promoted. Only forward: a worker's receipt completes it.
    Committing,
    /// Its rows are in the topics. The end, unless they get lost: then `verify --repair` moves it on.
    Completed,
    /// Spent. Only a person's retry moves it on.
    Failed,
    /// This content is already in the topics. The end, unless it gets lost there: then `verify --repair` moves it on.
    Skipped,
    /// Those bytes no longer exist. The end.
    Superseded,
    /// Stopped by a person. Only a person's retry moves it on.
    Aborted,
}

impl JobState {
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Queued,
        Self::Running,
        Self::Committing,
        Self::Completed,
        Self::Failed,
        Self::Skipped,
        Self::Superseded,
        Self::Aborted,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Committing => "COMMITTING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Skipped => "SKIPPED",
            Self::Superseded => "SUPERSEDED",
            Self::Aborted => "ABORTED",
        }
    }

    /// Whether nothing but a person moves it on.
    pub fn is_end(self) -> bool {
        match self {
            Self::Pending | Self::Queued | Self::Running | Self::Committing => false,
            Self::Completed | Self::Failed | Self::Skipped | Self::Superseded | Self::Aborted => {
                true
            }
        }
    }

    /// The answer to a person who wants it aborted; none if it can be.
    pub fn why_not_aborted(self) -> Option<&'static str> {
        match self {
            Self::Pending | Self::Queued | Self::Running => None,
            Self::Committing => {
                Some("it is COMMITTING: its commit was granted, and it only goes forward")
            }
            Self::Completed => Some("it has ended: COMPLETED"),
            Self::Failed => Some("it has ended: FAILED"),
            Self::Skipped => Some("it has ended: SKIPPED"),
            Self::Superseded => Some("it has ended: SUPERSEDED"),
            Self::Aborted => Some("it is ABORTED already"),
        }
    }
}

/// Every move that there is.
pub const fn is_legal(kind: JobKind, from: JobState, to: JobState) -> bool {
    use JobState::{
        Aborted, Committing, Completed, Failed, Pending, Queued, Running, Skipped, Superseded,
    };
    match (from, to) {
        // A retract job is carried out by the Sentinel itself, and again when the file came back and went again.
        (Pending, Completed) | (Completed | Superseded, Pending) => {
            matches!(kind, JobKind::Retract)
        }
        // What it published is lost, or was replaced and is wanted again, or the copy that it was skipped for.
        (Completed | Skipped | Superseded, Queued) => matches!(kind, JobKind::Process),
        (Pending, Queued | Skipped | Superseded | Aborted) => true,
        (Queued, Running | Pending | Skipped | Superseded | Aborted) => true,
        (Running, Committing | Queued | Pending | Failed | Superseded | Aborted) => true,
        (Committing, Completed | Queued) => true,
        (Failed | Aborted, Queued) => true,
        _ => false,
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for JobState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = text.to_ascii_uppercase();
        Self::ALL.into_iter().find(|state| state.as_str() == wanted).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ").to_lowercase();
            format!("'{text}' is not a state of a job: expected one of {known}")
        })
    }
}

/// As the catalog spells it.
pub(crate) fn kind_of(text: &str) -> Result<JobKind, String> {
    match text {
        "process" => Ok(JobKind::Process),
        "recover" => Ok(JobKind::Recover),
        "retract" => Ok(JobKind::Retract),
        "compact" => Ok(JobKind::Compact),
        "trial" => Ok(JobKind::Trial),
        _ => Err(format!("'{text}' is not a kind of job")),
    }
}

/// Where a job queues. Each lane has a guaranteed share of the workers' time; what one does not want, the other gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Lane {
    /// Files as they come.
    #[default]
    Fresh,
    /// Files that were processed before, once more.
    Backfill,
}

impl Lane {
    pub const ALL: [Self; 2] = [Self::Fresh, Self::Backfill];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Backfill => "backfill",
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Lane {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|lane| lane.as_str() == text);
        named.ok_or_else(|| format!("'{text}' is not a lane"))
    }
}

/// Why a job is PENDING.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hold {
    /// New; the Sentinel has to look at what else there is of this file and this content.
    Admit,
    /// An older version of the file is in flight.
    Older,
    /// The same bytes are being processed from another path.
    Copy,
    /// It failed and waits for its next attempt.
    Backoff,
    /// The bytes changed under the parser; the tagger has to look at the file again.
    Changed,
}

impl Hold {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admit => "admit",
            Self::Older => "older",
            Self::Copy => "copy",
            Self::Backoff => "backoff",
            Self::Changed => "changed",
        }
    }
}
