//! The Sentinel steers: it leases jobs to workers, grants their commits and records what they report. It never touches data.
//! `decide` is the state machine; everything else here does what it says.

pub mod decide;
mod socket;

pub use socket::SocketError;
