//! What a worker reports of a job that it finished: real counts, of what really lies there.

use crate::{ContentHash, TopicName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metrics {
    /// Rows in all topics together.
    pub rows: u64,
    /// Bytes of the published files.
    pub size_bytes: u64,
    /// Bytes of the input file.
    pub bytes_in: u64,
    /// Rows in quarantine.
    pub quarantined: u64,
    /// Milliseconds by phase: `execute`, `stage`, `promote`.
    pub ms: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactReceipt {
    pub topic: TopicName,
    /// The sink's URI as it is configured.
    pub uri: String,
    /// The published file, relative to the sink.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// A v4 worker does not say.
    #[serde(default)]
    pub rows: u64,
    /// SHA-256 of the published file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<ContentHash>,
}
