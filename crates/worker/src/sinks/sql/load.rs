//! What is said to a table, and what it answers; alike for all databases.

use crate::sinks::SinkError;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use protocol::{JobAttempt, JobId, TableName, TopicName};

/// The staged rows of one job, to be loaded in the order in which they come.
pub struct Load<'a> {
    pub topic: &'a TopicName,
    pub table: &'a TableName,
    pub job: JobAttempt,
    /// Of the staged file, with the columns of the lineage; its types are the canonical ones.
    pub schema: SchemaRef,
    /// As many as were staged.
    pub rows: u64,
    /// Jobs whose rows go as these come.
    pub supersede: &'a [JobId],
    pub batches: &'a mut dyn Iterator<Item = Result<RecordBatch, SinkError>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loaded {
    Done,
    /// This attempt was loaded before.
    Already,
    /// A later attempt was loaded, or this one may not be any more.
    Overtaken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitState {
    /// Its rows are in the table.
    Current,
    /// Its rows were removed.
    Superseded,
    /// This attempt may never be loaded any more.
    Void,
}

impl CommitState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Superseded => "superseded",
            Self::Void => "void",
        }
    }

    /// What is none of ours counts as the one that does nothing.
    pub fn parse(text: &str) -> Self {
        match text {
            "current" => Self::Current,
            "superseded" => Self::Superseded,
            _ => Self::Void,
        }
    }
}

/// What a table remembers of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitRecord {
    pub job: JobAttempt,
    pub rows: u64,
    pub state: CommitState,
}

impl CommitRecord {
    /// Whether there is nothing to load of this attempt, and why.
    pub fn answer(&self, attempt: u32) -> Option<Loaded> {
        match self.job.attempt.cmp(&attempt) {
            std::cmp::Ordering::Less => None,
            std::cmp::Ordering::Equal if self.state != CommitState::Void => Some(Loaded::Already),
            _ => Some(Loaded::Overtaken),
        }
    }
}

/// Rows of one origin, as they were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OriginCount {
    pub job: JobId,
    pub version: protocol::VersionId,
    pub rows: u64,
}
