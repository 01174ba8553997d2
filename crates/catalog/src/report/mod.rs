//! Reads for commands, a file per subject. Each returns a page at most.

mod files;
mod history;
mod jobs;
mod lineage;
mod plugins;
mod proof;
mod roots;
mod run;
mod status;
mod topics;

pub(crate) use files::joined;
pub use files::{FileFilter, FileRow};
pub use history::{DirectoryCounts, LocationRow, VersionRow};
pub use jobs::{ArtifactRow, JobFilter, JobRow};
pub use lineage::{EnvironmentRow, OriginRow};
pub use plugins::{PluginRow, RuleRow};
pub(crate) use proof::live_place;
pub use proof::{ArtifactProof, JobProof, LivePlace, ProofSize, SinkRow, Snapshot};
pub use roots::DoubtedRoot;
pub use run::RunTotals;
pub use status::{Status, WorkerRow};
pub use topics::TopicRow;
