//! Where rows go. A sink is chosen by the scheme of its URI, in one `match`; each keeps staged, current and replaced output apart.

pub(crate) mod columns;
mod compact;
mod database;
mod databases;
mod error;
mod evolve;
mod filter;
mod pack;
mod parquet;
pub mod postgresql;
mod reader;
mod recovery;
mod sink;
pub mod sql;
pub mod sqlite;
mod stager;

pub use columns::arrow_schema;
pub use databases::Logins;
pub use error::SinkError;
pub use filter::{Filter, FilterError, FoundRow, Seen};
pub use pack::{PackFile, SmallOutput};
pub use parquet::{Footer, Origins, PromoteOutcome, StoredFile, commit_of};
pub use postgresql::{Login, PostgresqlError};
pub use reader::{Area, SinkEntry, SinkReader};
pub use recovery::{RecoverTarget, Recovered};
pub use sink::{Promoted, Promoter, Sinks};
pub use sql::OriginCount;
pub use sqlite::SqliteError;
pub use stager::{Lineage, Stager, Unsynced};
