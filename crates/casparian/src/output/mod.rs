//! The only place that prints. Data goes to stdout, everything else to stderr; foreign text is cleaned on its way.

mod clean;
mod json;
mod log;
mod panic;
mod path;
mod printer;
mod progress;
mod quantity;
mod table;

pub use clean::{clean, clean_bytes};
pub use json::path_fields;
pub use log::{LogFormat, start as start_log};
pub use panic::quiet_panics;
pub use path::{absolute, shown};
pub use printer::{Printer, failure, usage};
pub use progress::Bar;
pub use quantity::{bytes, count, counted, hex, moment, seconds};
pub use table::Table;
