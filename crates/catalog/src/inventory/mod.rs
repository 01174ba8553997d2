//! What lies where: roots, directories, locations. Written by the scout, read to compare with the disk.

mod departure;
mod read;
mod write;

pub use read::{DirectoryDigest, StoredEntry};
pub use write::{NewDirectory, NewLocation};
