//! SQL plugins: the SELECT statements of a plugin, run over one file, which they see as the table `file`.

mod error;
mod file_table;
mod positions;
mod runner;
mod scans;
mod source;
mod wildcard;

pub use error::PluginError;
pub use runner::{Publish, Published, Runner};
pub use source::{SourceError, SqlPlugin};

/// What the statements call the file.
pub const FILE: &str = "file";
/// The number of a row in its file, from 1.
pub const ROW: &str = "_row";
/// The byte at which a row begins in its unpacked file.
pub const OFFSET: &str = "_offset";
