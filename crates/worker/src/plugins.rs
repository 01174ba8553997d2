//! Plugin sources by version: what the Sentinel sent, and what lies in the worker's own plugin directory.

use crate::failure::JobFailure;
use protocol::{AnnouncedPlugin, Dispatch, ErrorClass, PluginLanguage, PluginName, PluginVersion};
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone)]
pub struct PluginStore {
    home: PathBuf,
}

pub fn version_of(source: &str, lock: Option<&str>) -> PluginVersion {
    let mut hasher = Sha256::new();
    hasher.update(source.as_bytes());
    if let Some(lock) = lock {
        hasher.update([0]);
        hasher.update(lock.as_bytes());
    }
    PluginVersion::new(hasher.finalize().into())
}

/// The sources of a plugin directory, with the lock files beside them.
pub fn announced(plugins_dir: &Path) -> io::Result<Vec<AnnouncedPlugin>> {
    let mut plugins = Vec::new();
    for entry in std::fs::read_dir(plugins_dir)? {
        let path = entry?.path();
        let Some((name, language)) = plugin_of(&path) else { continue };
        match std::fs::read_to_string(&path) {
            Ok(source) => {
                // What a query needs is in the program that runs it.
                let lock = (language == PluginLanguage::Python)
                    .then(|| std::fs::read_to_string(path.with_extension("py.lock")).ok())
                    .flatten();
                plugins.push(AnnouncedPlugin { name, source, lock, language });
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a plugin cannot be read");
            }
        }
    }
    plugins.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(plugins)
}

/// What a file of this name is the source of.
fn plugin_of(path: &Path) -> Option<(String, PluginLanguage)> {
    let name = path.file_stem()?.to_str()?;
    name.parse::<PluginName>().ok()?;
    let language = PluginLanguage::of_extension(path.extension()?.to_str()?)?;
    Some((name.to_owned(), language))
}

impl PluginStore {
    pub fn new(state_dir: &Path) -> Self {
        Self { home: state_dir.join("plugins") }
    }

    pub fn add(&self, plugin: &AnnouncedPlugin) -> io::Result<()> {
        let version = version_of(&plugin.source, plugin.lock.as_deref());
        self.write(&self.path(&plugin.name, &version, plugin.language), &plugin.source)
    }

    /// Where the source of the dispatched version lies.
    pub fn source_path(&self, dispatch: &Dispatch) -> Result<PathBuf, JobFailure> {
        let (name, version) = (&dispatch.plugin_name, &dispatch.plugin_version);
        let path = self.path(name.as_str(), version, dispatch.plugin_language);
        if path.exists() {
            return Ok(path);
        }
        let Some(source) = &dispatch.plugin_source else {
            let text = format!("this worker has no source for plugin {name} version {version}");
            return Err(missing(text));
        };
        if version_of(source, None) != *version {
            let text = format!("the source sent for plugin {name} is not its version {version}");
            return Err(missing(text));
        }
        let written = self.write(&path, source);
        written.map_err(|error| missing(format!("cannot write {}: {error}", path.display())))?;
        Ok(path)
    }

    fn path(&self, name: &str, version: &PluginVersion, language: PluginLanguage) -> PathBuf {
        let file = format!("{name}.{}", language.extension());
        self.home.join(version.to_string()).join(file)
    }

    /// By rename, so that no guest reads half a source.
    fn write(&self, path: &Path, source: &str) -> io::Result<()> {
        if path.exists() {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let thread = format!("{:?}", std::thread::current().id());
        let number = thread.bytes().filter(u8::is_ascii_digit).map(char::from);
        let suffix = format!("{}-{}", std::process::id(), number.collect::<String>());
        let unfinished = path.with_extension(suffix);
        std::fs::write(&unfinished, source)?;
        std::fs::rename(&unfinished, path)
    }
}

fn missing(message: String) -> JobFailure {
    JobFailure { class: ErrorClass::Load, message, retryable: Some(true) }
}
