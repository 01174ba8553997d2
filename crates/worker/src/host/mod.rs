//! Guests: the processes that plugins run in. The host starts them, speaks frames with them over a socket pair, watches them,
//! keeps them warm between jobs, and kills them with all that they started.

mod batch;
mod control;
mod frames;
mod guest;
mod log;
mod memory;
mod pieces;
mod pool;
mod process;
mod rejects;
mod report;
mod watch;

pub use control::JobControl;
pub use frames::{FRAME_LEN_MAX, Kind, header};
pub use guest::{Guest, GuestJob, Hello, Sent};
pub use log::JobLog;
pub use memory::MemoryScan;
pub use pool::{GuestKey, Pool};
pub use process::{Launch, SqlGuest, kill_guests};
pub use watch::Watch;
