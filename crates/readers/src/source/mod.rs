//! The bytes of a file as they are read: unpacked where it is packed, from the beginning and in one go, within limits.

mod begin;
mod cursor;
mod gzip;
mod limit;
mod open;
mod packed;
mod random;

pub(crate) use begin::{Begun, begin};
pub(crate) use limit::UnpackError;
pub(crate) use open::{head, open_unpacked};
pub(crate) use random::{Random, RandomCursor};
