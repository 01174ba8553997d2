//! The real binary, run as people run it.

#![cfg(test)]

mod aborting;
mod backfill;
mod compaction;
mod config;
mod crashes;
mod disks;
mod doors;
mod errors;
mod examples;
mod explain;
mod failing;
mod help;
mod hostile;
mod inspect;
mod keys;
mod languages;
mod mounts;
mod names;
mod outages;
mod outside;
mod poison;
mod postgres;
mod project;
mod quarantine;
mod roles;
mod roots;
mod run;
mod server;
mod sql;
mod sql_plugins;
mod sqlite;
mod stopping;
mod trace;
mod v4;
mod verify;
mod warehouse;
