//! Files that were processed before, once more by the plugin's ACTIVE version: which, and a page at a time.

mod moment;
mod plan;
mod selection;
mod term;

pub use plan::{BackfillCounts, BackfillError, BackfillPlan, carry_out_page, plan};
pub use selection::{Selection, SelectionError};
