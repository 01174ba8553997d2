//! Files as they are found, read through the crate's door.

mod corpus;
mod csv;
mod reading;
