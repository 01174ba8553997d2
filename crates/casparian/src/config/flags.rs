//! What the command line says about settings. A flag beats everything else.

use super::value::{SentinelKey, Slots};
use std::path::PathBuf;

#[derive(Debug, Clone, Default)]
pub struct Flags {
    pub project: Option<PathBuf>,
    pub plugins_dir: Option<PathBuf>,
    pub output: Option<String>,
    pub catalog: Option<String>,
    pub bind: Option<String>,
    /// Any number of addresses.
    pub connect: Vec<String>,
    pub sentinel_key: Option<SentinelKey>,
    pub keys: Option<PathBuf>,
    pub slots: Option<Slots>,
}
