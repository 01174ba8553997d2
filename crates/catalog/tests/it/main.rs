//! The conformance suite of the catalog, a module per subject. It is compiled once for each database: as `it` for SQLite, as `postgres` for
//! PostgreSQL.

#![cfg(test)]

mod abort;
mod admission;
mod backend;
mod backfill;
mod batches;
mod commit;
mod compaction;
mod locations;
mod opening;
mod packs;
mod postgres;
mod queue;
mod registry;
mod restoration;
mod retraction;
mod schemas;
mod sequences;
mod server;
mod versions;
