//! Where rows go. A sink is chosen by the scheme of its URI, in one `match`; each keeps staged, current and replaced output apart.

mod error;
mod evolve;
mod parquet;
mod schema;
mod sink;

pub use error::{SchemaError, SinkError};
pub use parquet::PromoteOutcome;
pub use sink::{Lineage, Promoter, RecoverTarget, Recovered, Sinks, Stager, Unsynced};
