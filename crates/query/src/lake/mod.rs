//! SQL over topics: each is a table whose rows are those that the catalog calls current. Read-only by construction: only queries are taken,
//! and nothing is registered but what the caller hands in.

mod engine;
mod error;
mod question;
mod topic;
mod units;

pub use engine::{Answer, Engine};
pub use error::QueryError;
pub use question::{Question, TableName};
pub use topic::{Topic, TopicFile};
