//! Scout finds files (walk, inventory), versions them by content (hash, tagger) and gives them their jobs.
//! It never writes to a source, and it is the only one who writes locations, versions and new jobs.

mod batch;
mod below;
mod budget;
mod digest;
mod doubt;
mod exchange;
mod findings;
mod frames;
mod hash;
mod ignores;
mod inventory;
mod lister;
mod listing;
mod outlook;
mod pass;
mod pass_mark;
mod progress;
mod record;
mod report;
mod roots;
mod routes;
mod scout_error;
mod serve;
mod settle;
mod source;
mod stored;
mod tagger;
mod vanished;
mod visit;
mod walk;
mod walker;
mod watch;

pub use doubt::MANY_FILES;
pub use ignores::{IgnoreOrigin, IgnorePatternError, IgnoreReason};
pub use outlook::{Obstacle, outlook};
pub use pass::{HashMode, Scout, ScoutSettings};
pub use progress::{Progress, ProgressCounts};
pub use report::{Bounded, PassReport, PassedOver, PassedOverReason, RootInDoubt, Unreadable};
pub use scout_error::ScoutError;
pub use serve::WatchReport;
pub use source::Source;
pub use walker::PATH_LEN_MAX;
pub use watch::WatchStatus;
