//! Small jobs share files: their rows wait in memory until the parse has succeeded, and go to the worker's one open pack. A pack is one
//! commit: it is closed, made durable, announced, granted and promoted as a whole, so that many jobs share what a file and a flush cost.

mod anew;
mod budget;
mod number;
mod open;
mod packer;
mod small;

pub use anew::{PackAnew, PackedJob};
pub use budget::{Budget, Permit};
pub use packer::{ClosedPack, Packer};
pub use small::{SINKS_MAX, SmallJob, SmallRows};
