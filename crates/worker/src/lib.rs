//! The data plane: runs plugins in guest processes, stages what they publish, promotes it after the Sentinel's grant.
//! Data flows from here straight to storage; nothing here touches the catalog.

mod committer;
mod compactor;
pub mod contract;
mod event;
mod failure;
pub mod guest;
mod held;
mod host;
mod input;
mod job;
mod link;
mod original;
mod packing;
mod packs;
mod plugins;
mod queue;
mod sdk;
mod session;
mod settings;
pub mod sinks;
mod slot;
mod stagers;
mod syncer;
mod worker;

pub use failure::JobFailure;
pub use host::{SqlGuest, kill_guests};
pub use settings::{WorkerCurve, WorkerError, WorkerSettings};
pub use worker::{Worker, WorkerHandle};
