//! What lies where: roots, directories, locations. Written by the scout, read to compare with the disk.

mod departure;
mod read;
mod roots;
mod write;

pub use read::{DirectoryDigest, StoredEntry};
pub(crate) use roots::doubt_of;
pub use roots::{DoubtReason, KnownRoot, Place, RootDoubt};
pub use write::{NewDirectory, NewLocation};
