//! The conformance suite of the catalog, a module per subject. What differs between databases is in `backend` alone.

#![cfg(test)]

mod abort;
mod admission;
mod backend;
mod backfill;
mod batches;
mod commit;
mod locations;
mod opening;
mod queue;
mod registry;
mod restoration;
mod retraction;
mod sequences;
mod versions;
