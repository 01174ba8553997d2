//! A plugin's source as it comes from a directory or from a worker, read whether it is good or not.

use super::declare::{DeclaredPlugin, declare, language_of};
use super::problem::{PluginError, PluginErrors, Problem};
use super::sql::SqlCheck;
use super::version::plugin_version;
use protocol::{AnnouncedPlugin, PluginLanguage, PluginName, PluginVersion};
use std::collections::{BTreeMap, BTreeSet};

/// A plugin is code; what is larger holds data that belongs elsewhere.
pub(super) const SOURCE_LEN_MAX: usize = 1 << 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginSource {
    /// As errors call it: `plugins/sales.py`.
    pub file: String,
    /// The plugin's name if it can be one; the file's stem in any case.
    pub name: String,
    pub version: PluginVersion,
    pub language: PluginLanguage,
    /// Empty when it could not be read.
    pub text: String,
    pub lock: Option<String>,
    pub declared: Result<DeclaredPlugin, PluginErrors>,
}

/// As a worker's directory has it.
pub(super) fn file_name(plugin: &str, language: PluginLanguage) -> String {
    format!("{plugin}.{}", language.extension())
}

impl PluginSource {
    pub fn read(
        file: String,
        name: String,
        text: String,
        lock: Option<String>,
        check: SqlCheck,
    ) -> Self {
        let declared = declare(&file, &text, lock.as_deref(), check);
        let version = plugin_version(&text, lock.as_deref());
        let language = language_of(&file);
        Self { file, name, version, language, text, lock, declared }
    }

    /// What a worker says its directory holds.
    pub fn announced(plugin: &AnnouncedPlugin, check: SqlCheck) -> Self {
        let AnnouncedPlugin { name, source, lock, language } = plugin;
        let file = file_name(name, *language);
        if let Err(error) = name.parse::<PluginName>() {
            return Self::unreadable(file, name.clone(), Problem::FileName(error));
        }
        if source.len() > SOURCE_LEN_MAX {
            let problem = Problem::TooLarge { max_kib: SOURCE_LEN_MAX >> 10 };
            return Self::unreadable(file, name.clone(), problem);
        }
        Self::read(file, name.clone(), source.clone(), lock.clone(), check)
    }

    /// There is no text to be had.
    pub(super) fn unreadable(file: String, name: String, problem: Problem) -> Self {
        let errors = PluginErrors::one(&file, problem);
        // A version of its own, so that it stands in the catalog beside the readable ones.
        let version = plugin_version(&errors.to_string(), None);
        let (language, text) = (language_of(&file), String::new());
        Self { file, name, version, language, text, lock: None, declared: Err(errors) }
    }

    /// Another file of its directory has its name: nothing can be registered under that.
    pub(super) fn shares_its_name(&self) -> bool {
        let is_shared = |error: &PluginError| matches!(error.problem, Problem::SameName { .. });
        self.declared.as_ref().is_err_and(|errors| errors.iter().any(is_shared))
    }

    fn refuse(&mut self, problem: Problem) {
        self.declared = Err(PluginErrors::one(&self.file, problem));
    }
}

/// `x.py` and `x.sql` would be the same plugin: neither is.
pub(super) fn refuse_same_names(sources: &mut [PluginSource]) {
    let mut files: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in &*sources {
        files.entry(source.name.clone()).or_default().insert(source.file.clone());
    }
    for source in sources {
        let mut same = files.get(&source.name).into_iter().flatten();
        if let Some(other) = same.find(|file| **file != source.file) {
            source.refuse(Problem::SameName { other: other.clone() });
        }
    }
}
