//! Files of one place that become one: which of their rows, and how that is finished when a worker is lost.

use crate::{Commit, CommitId, ContentHash, JobAttempt, SinkUri, StagedOutput, TopicName};
use serde::{Deserialize, Serialize};

/// Sentinel to Worker: write these rows into one file. It is announced, granted and concluded as a job of that number is, in attempt 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Compaction {
    pub id: CommitId,
    pub topic: TopicName,
    pub uri: SinkUri,
    /// The new file has their rows in this order.
    pub sources: Vec<CompactionSource>,
    /// 0 unless somebody else was granted it and is lost: the how-manieth recovery this is, and what it was granted with.
    #[serde(default)]
    pub recovery: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<StagedOutput>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompactionSource {
    /// Relative to the sink.
    pub file: String,
    pub size_bytes: u64,
    pub hash: ContentHash,
    /// Rows that somebody needs: the first one's number, from 0, and how many there are.
    pub rows: Vec<(u64, u64)>,
}

impl Compaction {
    pub fn job(&self) -> JobAttempt {
        Commit::pack(self.id).attempt()
    }

    /// Of the file that is made.
    pub fn rows(&self) -> u64 {
        self.sources.iter().flat_map(|source| &source.rows).map(|(_, rows)| rows).sum()
    }
}
