//! The tagger's write: version, tags and jobs of a file in one transaction. What the catalog says is read for many files at once,
//! `plan` decides without touching it, and the plan is written in a few statements.

mod apply;
mod known;
mod plan;
mod tagged;

pub use tagged::{RecordCounts, Tagged};
