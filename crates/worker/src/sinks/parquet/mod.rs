//! Parquet on local disk: `part-*.parquet` are the current files; `_staging/<worker>/` what is not granted yet, `_history/` what was replaced.
//! Everything is opened from the output root downwards by descriptor, and no symbolic link is followed.

mod directory;
mod layout;
mod open;
mod promote;
mod recover;
mod retire;
mod segment;
mod stage;
mod staging;
mod sweep;

pub use layout::{final_name, staged_name};
pub use open::StagingDirectories;
pub use promote::{PromoteOutcome, Promotion};
pub use recover::{Found, Take};
pub use retire::retire;
pub use stage::SegmentedWriter;
pub use staging::StagingDirectory;
pub use sweep::sweep;
