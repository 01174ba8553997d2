//! Tests of the wire contract, and of the project's own order (here because this crate builds in seconds).

mod frames;
mod golden;
mod messages;
mod tidy;
mod v4;
