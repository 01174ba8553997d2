//! Records of text to columns, whatever format they stand in: cells, the proof of what a column holds, and the columns themselves.

mod build;
mod cells;
mod column;
mod decide;
mod kinds;
mod moment;
mod number;
mod proof;
mod words;

pub use build::Builder;
pub use cells::{Cell, Cells, Row, shown};
pub use decide::decide;
pub use kinds::check as check_type;
pub use proof::Proof;
pub use words::null as null_word;
