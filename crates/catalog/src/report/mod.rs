//! Reads for commands, a file per subject. Each returns a page at most.

mod files;
mod history;
mod jobs;
mod lineage;
mod output_files;
mod plugins;
mod proof;
mod quarantine;
mod roots;
mod run;
mod schemas;
mod status;
mod topics;

pub(crate) use files::joined;
pub use files::{FileFilter, FileRow};
pub use history::{DirectoryCounts, LocationRow, VersionRow};
pub use jobs::{ArtifactRow, JobFilter, JobRow};
pub use lineage::{EnvironmentRow, OriginRow};
pub use output_files::{FileProof, FileShare};
pub use plugins::{PluginRow, RuleRow};
pub(crate) use proof::live_place;
pub use proof::{ArtifactProof, JobProof, LivePlace, ProofSize, SinkRow, Snapshot};
pub use quarantine::QuarantineRow;
pub use roots::DoubtedRoot;
pub use run::RunTotals;
pub use schemas::SchemaRow;
pub use status::{Status, WorkerRow};
pub use topics::TopicRow;
