//! Columns and their types: what a topic's rows look like, in a language of its own that control plane and data plane share.

mod column_type;
mod declared;
mod evolve;
mod parse;
mod topic_schema;
mod widen;

pub use column_type::{ColumnType, StructPart, TimeUnit};
pub use declared::DeclaredSchemaError;
pub use evolve::SchemaConflict;
pub use parse::ColumnTypeError;
pub use topic_schema::{Column, LINEAGE, TopicSchema};
