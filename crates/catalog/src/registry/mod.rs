//! Plugins, their topics and the routing rules, as the registrar wants them. Saying the same thing again writes nothing.

mod config;
mod manifest;
mod model;
mod rules;
mod state;
mod sync;

pub(crate) use manifest::declaration;
pub use model::{
    Announcement, DesiredPlugin, DesiredRegistry, KnownManifest, PluginStatus, RegistryState,
    auto_tag,
};
