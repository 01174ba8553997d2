//! What the registrar reads and what it wants.

use crate::queue::TopicTarget;
use protocol::{Limits, ManifestId, PluginDeclaration, PluginLanguage, PluginName, PluginVersion};
use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PluginStatus {
    /// Announced, while another source of the plugin is in force.
    Pending,
    Staging,
    /// The version that jobs are made for.
    Active,
    /// Its source is wrong; the error says where.
    Rejected,
    /// Replaced, or dropped from its directory.
    Retired,
}

impl PluginStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Staging => "STAGING",
            Self::Active => "ACTIVE",
            Self::Rejected => "REJECTED",
            Self::Retired => "RETIRED",
        }
    }
}

impl fmt::Display for PluginStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for PluginStatus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Pending, Self::Staging, Self::Active, Self::Rejected, Self::Retired];
        let found = all.into_iter().find(|status| status.as_str() == text);
        found.ok_or_else(|| format!("'{text}' is not a state of a plugin"))
    }
}

/// One plugin as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredPlugin {
    pub name: PluginName,
    pub version: PluginVersion,
    pub language: PluginLanguage,
    pub source: String,
    pub lock: Option<String>,
    /// `project`, or who announced it.
    pub origin: String,
    /// None: it is rejected, and `error` says why.
    pub declaration: Option<PluginDeclaration>,
    pub error: Option<String>,
    /// The declaration's topics with the user's overrides, sinks resolved.
    pub topics: Vec<TopicTarget>,
    pub limits: Limits,
    /// JSON object that `configure` gets.
    pub settings: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DesiredRegistry {
    pub plugins: Vec<DesiredPlugin>,
    /// Pattern and tag, from casparian.toml.
    pub user_rules: Vec<(String, String)>,
}

/// What a directory announced of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Announcement {
    pub announcer: String,
    pub plugin: String,
    pub version: PluginVersion,
    /// Ids are ordered by time: of two sources the later one was registered later.
    pub manifest: Option<ManifestId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownManifest {
    pub id: ManifestId,
    pub plugin: String,
    pub version: PluginVersion,
    pub source: String,
    pub lock: Option<String>,
    pub status: PluginStatus,
    pub origin: String,
}

/// What the registrar decides from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegistryState {
    /// ACTIVE and REJECTED ones.
    pub manifests: Vec<KnownManifest>,
    pub announcements: Vec<Announcement>,
}

/// The auto rule of a plugin gives this tag.
pub fn auto_tag(plugin: &PluginName) -> String {
    format!("auto_{plugin}")
}
