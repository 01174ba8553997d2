//! The architect reads plugin source, never runs it: what it declares (`declare`), which directory holds it (`directory`),
//! and which of its versions are in force (`registrar`).

mod comments;
mod declare;
mod desired;
mod directory;
mod key;
mod manifest;
mod nesting;
mod registrar;
mod settings;
mod topics;
mod values;

pub use declare::{Declared, declare, version};
pub use registrar::{PROJECT, Registrar};
pub use settings::{LimitSettings, PluginSettings, RegistrySettings, TopicSettings};
pub use topics::parse_topic_options;
pub use values::{ValueError, parse_duration_ms, parse_size_bytes};
