//! The Sentinel steers: it leases jobs to workers, grants their commits and records what they report. It never touches data.
//! `decide` is the state machine; everything else here does what it says.

mod batch;
pub mod decide;
mod dispatch;
mod driver;
mod handle;
mod moments;
mod progress;
mod requests;
mod socket;
mod store;
mod token;

pub use handle::{SentinelError, SentinelHandle, SentinelSettings};
pub use progress::{Progress, ProgressSnapshot};
pub use socket::SocketError;
pub use token::Tokens;
