//! Avro container files. The container is checked here, block by block and record by record: the library that makes columns of the
//! records takes the end of a file that is cut off for the end, and never comes back from a block that is longer than its records.

mod blocks;
mod codec;
mod header;
mod open;
mod records;
mod varint;

pub(crate) use open::open;
