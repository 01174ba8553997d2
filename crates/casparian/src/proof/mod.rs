//! `verify`: the catalog and the sinks, held against each other. A file per side that is looked from; whatever differs is looked at
//! once more before it is called a fault, because workers go on meanwhile.

mod artifacts;
mod directories;
mod examine;
mod finding;
mod jobs;
mod repair;
mod report;
mod staging;
mod tables;
mod verifier;

pub use finding::Finding;
pub use report::ProofReport;
pub use verifier::{Depth, Verifier};
