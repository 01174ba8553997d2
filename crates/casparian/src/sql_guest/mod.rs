//! The guest that SQL plugins run in: this binary, started once more by the worker, with its end of the host's socket as stdin.

mod guest;
mod messages;
mod publisher;
mod serve;

pub use serve::{ARGUMENT, main};
