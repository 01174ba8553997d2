//! The worker against real disks, real guests and a real socket.

#![cfg(test)]

mod abort;
mod bench;
mod column_types;
mod commit;
mod compaction;
mod conformance;
mod failures;
mod guests;
mod hostile;
mod many_topics;
mod packs;
mod parquet_files;
mod postgresql;
mod schemas;
mod sink_paths;
mod sql_guests;
mod sqlite;
mod support;
