//! Tables in a PostgreSQL server, read back by its own shell.

mod commits;
mod evolution;
mod rig;
mod types;

pub use rig::Server;
