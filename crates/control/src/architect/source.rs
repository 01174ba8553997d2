//! A plugin's source as it comes from a directory or from a worker, read whether it is good or not.

use super::declare::{DeclaredPlugin, declare};
use super::problem::{PluginErrors, Problem};
use super::version::plugin_version;
use protocol::{AnnouncedPlugin, PluginName, PluginVersion};

/// A plugin is code; what is larger holds data that belongs elsewhere.
pub(super) const SOURCE_LEN_MAX: usize = 1 << 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginSource {
    /// As errors call it: `plugins/sales.py`.
    pub file: String,
    /// The plugin's name if it can be one; the file's stem in any case.
    pub name: String,
    pub version: PluginVersion,
    /// Empty when it could not be read.
    pub text: String,
    pub lock: Option<String>,
    pub declared: Result<DeclaredPlugin, PluginErrors>,
}

impl PluginSource {
    pub fn read(file: String, name: String, text: String, lock: Option<String>) -> Self {
        let declared = declare(&file, &text, lock.as_deref());
        let version = plugin_version(&text, lock.as_deref());
        Self { file, name, version, text, lock, declared }
    }

    /// What a worker says its directory holds.
    pub fn announced(plugin: &AnnouncedPlugin) -> Self {
        let AnnouncedPlugin { name, source, lock } = plugin;
        let file = format!("{name}.py");
        if let Err(error) = name.parse::<PluginName>() {
            return Self::unreadable(file, name.clone(), Problem::FileName(error));
        }
        if source.len() > SOURCE_LEN_MAX {
            let problem = Problem::TooLarge { max_kib: SOURCE_LEN_MAX >> 10 };
            return Self::unreadable(file, name.clone(), problem);
        }
        Self::read(file, name.clone(), source.clone(), lock.clone())
    }

    /// There is no text to be had.
    pub(super) fn unreadable(file: String, name: String, problem: Problem) -> Self {
        let errors = PluginErrors::one(&file, problem);
        // A version of its own, so that it stands in the catalog beside the readable ones.
        let version = plugin_version(&errors.to_string(), None);
        Self { file, name, version, text: String::new(), lock: None, declared: Err(errors) }
    }

    pub(super) fn refuse(&mut self, problem: Problem) {
        self.declared = Err(PluginErrors::one(&self.file, problem));
    }
}
