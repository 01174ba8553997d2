//! Files as they are found, read through the crate's door.

#![cfg(test)]

mod corpus;
mod csv;
mod excel;
mod native;
mod packed;
mod reading;
mod refused;
mod rows;
mod samples;
mod walk;
