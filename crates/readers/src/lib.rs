//! File formats to Arrow: what a file is, decided by its content and pinned by READER, and its rows as batches, with what cannot be read
//! told row by row. No engine, no state; memory is bounded whatever the file.

mod arrow;
mod avro;
mod contain;
mod csv;
mod decision;
mod detect;
mod encoding;
mod error;
mod excel;
mod format;
mod input;
mod json;
mod names;
mod native;
mod open;
mod parquet;
mod pins;
mod reading;
mod settings;
mod source;
mod table;

pub use decision::{ColumnDecision, ColumnKind, Decision, TextLayout};
pub use error::ReadError;
pub use format::{Compression, Format};
pub use input::Input;
pub use open::open;
pub use pins::{PinError, Pins};
pub use reading::{Block, Reading, Reject};
pub use settings::Settings;
