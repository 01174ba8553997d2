//! What tables in databases have in common, whichever database it is.

pub mod iso;
pub mod json;
mod load;

pub use load::{CommitRecord, CommitState, Load, Loaded, OriginCount};
