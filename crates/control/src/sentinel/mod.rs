//! The Sentinel steers: it leases jobs to workers, grants their commits and records what they report. It never touches data.
//! `decide` is the state machine; everything else here does what it says.

mod allow_list;
mod batch;
mod compactions;
mod crowd;
pub mod decide;
mod dispatch;
mod door;
mod driver;
mod handle;
mod moments;
mod owners;
mod progress;
mod refusals;
mod requests;
mod socket;
mod store;
mod token;
mod zap;

pub use allow_list::{AllowListError, AllowedWorker, read_allow_list};
pub use door::SentinelCurve;
pub use handle::{SentinelError, SentinelHandle, SentinelSettings};
pub use progress::{Progress, ProgressSnapshot};
pub use refusals::Refused;
pub use socket::SocketError;
pub use token::Tokens;
