//! Parquet on local disk: `part-*.parquet` are the current files; `_staging/<worker>/` what is not granted yet, `_history/` what was replaced.
//! Everything is opened from the output root downwards by descriptor, and no symbolic link is followed.

mod directory;
mod layout;
mod open;
mod promote;
mod recover;
mod retire;
mod row_group;
mod segment;
mod stage;
mod staging;
mod stored;
mod sweep;

pub use directory::{Directory, Renamed, rename};
pub use layout::{
    HISTORY as HISTORY_NAME, STAGING as STAGING_NAME, commit_of, final_name, free_name,
    is_file_name, staged_file, staged_name,
};
pub use open::StagingDirectories;
pub use promote::{PromoteOutcome, Promotion, has_hash, is_there};
pub use recover::{Found, Take};
pub use retire::retire;
pub use segment::{Finished, Purpose, Segment};
pub use stage::SegmentedWriter;
pub use staging::StagingDirectory;
pub use stored::{Footer, Origins, StoredFile};
pub use sweep::{is_idle, sweep};
