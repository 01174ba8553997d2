//! What tables in databases have in common, whichever database it is.

pub mod iso;
pub mod json;
mod load;
mod row_bytes;

pub use load::{CommitRecord, CommitState, Load, Loaded, OriginCount};
pub use row_bytes::rows_above;
