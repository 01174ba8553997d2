//! Files as they are found, read through the crate's door.

#![cfg(test)]

mod corpus;
mod csv;
mod reading;
