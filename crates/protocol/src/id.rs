//! Every id is a type of its own, so that swapped ids do not compile. An id is a 63-bit, time-ordered number:
//! a number on the v4 wire and in the catalog, a string (`Display`) in everything a person or a script reads.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not an id: expected a positive decimal number")]
pub struct ParseIdError {
    text: String,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            pub const fn new(raw: i64) -> Self {
                Self(raw)
            }

            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                match text.parse::<i64>() {
                    Ok(raw) if raw > 0 => Ok(Self(raw)),
                    _ => Err(ParseIdError { text: text.to_owned() }),
                }
            }
        }
    )*};
}

ids! {
    /// A directory given as a source.
    SourceRootId;
    /// A directory below a source root.
    DirectoryId;
    /// A path below a source root, whatever it holds at the moment.
    LocationId;
    /// One content that a location held.
    VersionId;
    /// One piece of work; also the lineage column `_job_id`.
    JobId;
    /// One source text of a plugin.
    ManifestId;
    /// Where a plugin's topic goes.
    TopicConfigId;
    /// A glob that gives a tag.
    RuleId;
    /// What a job published to one topic.
    ArtifactId;
    /// A file of a sink.
    OutputFileId;
    /// A session of a worker.
    WorkerNodeId;
    /// A distinct environment that jobs ran in.
    EnvironmentId;
    /// What a command asks of the Sentinel.
    RequestId;
    /// What is promoted in one step; a single job's commit id is its job id.
    CommitId;
}

impl From<JobId> for CommitId {
    fn from(job: JobId) -> Self {
        Self(job.0)
    }
}
