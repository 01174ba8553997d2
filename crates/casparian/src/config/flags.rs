//! What the command line says about settings. A flag beats everything else.

use super::value::Slots;
use std::path::PathBuf;

#[derive(Debug, Clone, Default)]
pub struct Flags {
    pub project: Option<PathBuf>,
    pub plugins_dir: Option<PathBuf>,
    pub output: Option<String>,
    pub catalog: Option<String>,
    pub bind: Option<String>,
    pub connect: Option<String>,
    pub slots: Option<Slots>,
}
