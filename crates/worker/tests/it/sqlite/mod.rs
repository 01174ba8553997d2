//! Tables in SQLite files, read back by Python and by SQLite's own shell.

mod bench;
mod commits;
mod crashes;
mod evolution;
mod model;
mod mounts;
mod names;
mod places;
mod rig;
mod types;

pub use rig::{ints, job, shell, staged, topic};
