//! What a Sentinel of the original v4 sends, and what it understands of a worker's word. Nothing of it is checked against sums, versions or
//! attempts: the original knew none of these.

use crate::{Conclude, ConcludeStatus, VersionId};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginalDispatch {
    pub plugin_name: String,
    /// Absolute.
    pub file_path: String,
    pub file_version_id: VersionId,
    #[serde(default)]
    pub sinks: Vec<OriginalSink>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginalSink {
    pub topic: String,
    pub uri: String,
    #[serde(default = "append")]
    pub mode: String,
    #[serde(default)]
    pub schema_def: Option<String>,
}

fn append() -> String {
    "append".to_owned()
}

/// A DISPATCH with a lease is none of the original's, however little of the rest it has.
#[derive(Debug, Deserialize)]
pub(crate) struct LeaseProbe {
    pub lease_s: Option<IgnoredAny>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginalConclude {
    pub status: ConcludeStatus,
    pub metrics: BTreeMap<String, u64>,
    pub artifacts: Vec<BTreeMap<String, String>>,
    pub error_message: Option<String>,
}

impl From<&Conclude> for OriginalConclude {
    fn from(conclude: &Conclude) -> Self {
        let metrics = &conclude.metrics;
        let artifact = |topic: &str, uri: &str| {
            BTreeMap::from(
                [("topic", topic), ("uri", uri)]
                    .map(|(key, value)| (key.to_owned(), value.to_owned())),
            )
        };
        let artifacts = conclude.artifacts.iter();
        Self {
            status: conclude.status,
            metrics: [("rows", metrics.rows), ("size_bytes", metrics.size_bytes)]
                .map(|(key, value)| (key.to_owned(), value))
                .into(),
            artifacts: artifacts.map(|one| artifact(one.topic.as_str(), &one.uri)).collect(),
            error_message: conclude.error_message.clone(),
        }
    }
}
