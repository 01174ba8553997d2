//! The worker against real disks, real guests and a real socket.

#![cfg(test)]

mod bench;
mod commit;
mod failures;
mod guests;
mod hostile;
mod schemas;
mod sink_crashes;
mod sink_paths;
mod support;
