//! casparian.toml as it is written. What it leaves out stays open here; `settings` fills it in.

use super::error::ConfigError;
use super::place::line_at;
use super::value::{
    Endpoints, Gatekeeper, HashMode, Interval, Sandbox, Secret, SentinelKey, Settle, Slots,
};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// A text with its place, so that what is wrong with it later can be named with its line.
pub type Text = Spanned<String>;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileConfig {
    pub plugins_dir: Option<Text>,
    pub output: Option<Text>,
    pub catalog: Option<Text>,
    pub sources: Vec<SourceEntry>,
    pub rules: Vec<RuleEntry>,
    pub plugins: BTreeMap<Text, PluginEntry>,
    pub topics: BTreeMap<Text, TopicEntry>,
    pub sinks: BTreeMap<Text, SinkEntry>,
    pub python: PythonSection,
    pub sentinel: SentinelSection,
    pub worker: WorkerSection,
    pub scout: ScoutSection,
    pub security: SecuritySection,
    pub llm: LlmSection,
    /// Where this was read from, and the text, for lines. Not keys.
    #[serde(skip)]
    pub(super) origin: FileOrigin,
}

#[derive(Debug, Clone, Default)]
pub struct FileOrigin {
    pub path: PathBuf,
    pub text: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceEntry {
    /// Relative to the project.
    pub path: Text,
    #[serde(default)]
    pub ignore: Vec<String>,
    pub settle: Option<Settle>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleEntry {
    pub pattern: Text,
    pub tag: Text,
}

/// `[plugins.NAME]`: what `configure` gets, and `[plugins.NAME.limits]`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct PluginEntry {
    pub limits: Option<LimitsEntry>,
    #[serde(flatten)]
    pub settings: toml::Table,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsEntry {
    pub priority: Option<i32>,
    pub timeout: Option<Interval>,
    pub memory: Option<Text>,
    pub retries: Option<u32>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TopicEntry {
    pub uri: Option<Text>,
    pub options: Option<Text>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SinkEntry {
    pub uri: Text,
    /// Where the secret is: `${env:NAME}` or `${file:PATH}`.
    pub credentials: Option<Secret>,
}

macro_rules! sections {
    ($($name:ident { $($key:ident: $type:ty),* })*) => {$(
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $(pub $key: Option<Spanned<$type>>,)*
        }
    )*};
}

sections! {
    PythonSection { interpreter: String }
    SentinelSection { bind: String, lease: Interval, heartbeat: Interval }
    WorkerSection { connect: Endpoints, slots: Slots, packs: bool, sentinel_key: SentinelKey }
    ScoutSection { hash: HashMode, sweep: Interval }
    SecuritySection { keys: String, gatekeeper: Gatekeeper, sandbox: Sandbox, require_signature: bool }
    LlmSection { base_url: String, model: String, api_key: Secret }
}

impl FileConfig {
    /// A project without the file has all defaults.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        match std::fs::read(path) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Self::parse(path, text),
                Err(error) => {
                    let at = error.utf8_error().valid_up_to();
                    let line = 1 + error.as_bytes()[..at].iter().filter(|it| **it == b'\n').count();
                    Err(ConfigError::in_file(path, line, "this is not UTF-8"))
                }
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(cause) => Err(ConfigError::Unreadable { path: path.to_owned(), cause }),
        }
    }

    pub(super) fn parse(path: &Path, text: String) -> Result<Self, ConfigError> {
        let parsed: Result<Self, _> = toml::from_str(&text);
        let mut config = parsed.map_err(|error| ConfigError::of_toml(path, &text, &error))?;
        config.origin = FileOrigin { path: path.to_owned(), text };
        for source in &config.sources {
            if source.path.get_ref().is_empty() {
                return Err(config.error_at(&source.path, "this source has no path"));
            }
        }
        config.registry()?;
        Ok(config)
    }

    pub fn line_of<T>(&self, spanned: &Spanned<T>) -> usize {
        line_at(&self.origin.text, spanned.span().start)
    }

    pub(super) fn error_at<T>(&self, spanned: &Spanned<T>, what: impl Into<String>) -> ConfigError {
        ConfigError::at(&self.origin.path, &self.origin.text, spanned.span().start, what)
    }
}
