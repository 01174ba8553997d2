//! The architect reads plugin source, never runs it: what it declares (`declare`), which directory holds it (`directory`),
//! and which of its versions are in force (`registrar`).

mod assemble;
mod comments;
mod declare;
mod desired;
mod directory;
mod fact;
mod in_force;
mod key;
mod manifest;
mod nesting;
mod problem;
mod python;
mod registrar;
mod settings;
mod source;
mod sql;
mod topic_option;
mod values;
mod version;

pub use declare::{DeclaredPlugin, declare, plugin_name};
pub use directory::{PluginDirectory, read_directory};
pub use problem::{Note, PluginError, PluginErrors, Problem, Remark};
pub use registrar::{PROJECT, Registrar};
pub use settings::{LimitSettings, PluginSettings, RegistrySettings, TopicSettings};
pub use source::PluginSource;
pub use sql::{SqlCheck, StatementError, reader_line};
pub use topic_option::{OptionError, parse_topic_options};
pub use values::{ValueError, parse_duration_ms, parse_size_bytes};
pub use version::plugin_version;
