//! Files that are written anew: without the rows that nobody needs any more, and many small ones as one. Planned from what the catalog
//! knows, granted and concluded like the commit of a job; the artifacts move with the receipt.

mod choose;
mod commit;
mod pending;
mod plan;

pub(super) use choose::{SMALL_ARTIFACTS_MAX, SMALL_BYTES_MAX};
pub use commit::InFlightCompaction;
pub use plan::CompactionPlan;
