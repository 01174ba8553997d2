//! Reads for commands, a file per subject. Each returns a page at most.

mod files;
mod jobs;
mod plugins;
mod run;
mod status;
mod topics;

pub use files::{FileFilter, FileRow};
pub use jobs::{ArtifactRow, JobFilter, JobRow};
pub use plugins::{PluginRow, RuleRow};
pub use run::RunTotals;
pub use status::{Status, WorkerRow};
pub use topics::TopicRow;
