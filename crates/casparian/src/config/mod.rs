//! Settings: flags before environment before casparian.toml before defaults, each value with where it came from.
//! The only place that reads the environment. What is wrong is named with file, line, key and the nearest right one.

mod environment;
mod error;
mod file;
mod flags;
mod key;
mod locations;
mod logins;
mod nearest;
mod place;
mod project;
mod registry;
mod setting;
mod settings;
mod value;

pub use environment::Environment;
pub use error::ConfigError;
pub use file::Text;
pub use flags::Flags;
pub use key::SECRET_SHOWN;
pub use nearest::nearest;
pub use project::CONFIG_FILE;
pub use setting::Origin;
pub use settings::Settings;
pub use value::{HashMode, Sandbox, SentinelKey, Settle, Slots};
