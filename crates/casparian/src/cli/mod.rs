//! The command line: a file per command, each with its arguments (their doc comments are the help) and one thin function.
//! To add a command: its file, and a line in `command`.

mod backfill;
mod command;
mod context;
mod doctor;
mod doubt;
mod entry;
mod explain;
mod families;
mod files;
mod global;
mod init;
mod inspect;
mod jobs;
mod keys;
mod plugins;
mod quarantine;
mod request;
mod routes;
mod run;
mod run_summary;
mod scan;
mod scout;
mod sentinel;
mod serve;
mod sql;
mod status;
mod topics;
mod trace;
mod verify;
mod waiting;
mod worker;

pub use context::{block_on, catalog_url};
pub use doubt::doubt_text;
pub use entry::main;
