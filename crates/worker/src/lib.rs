//! The data plane: runs plugins in guest processes, stages what they publish, promotes it after the Sentinel's grant.
//! Data flows from here straight to storage; nothing here touches the catalog.

mod failure;
mod input;
mod plugins;
mod sdk;
pub mod host;
pub mod sinks;

pub use failure::JobFailure;
