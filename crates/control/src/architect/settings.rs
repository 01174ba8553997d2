//! What casparian.toml says about plugins, topics and rules. It goes before what the source says.

use protocol::{SinkUri, TopicOptions};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct RegistrySettings {
    /// `[[rules]]`: pattern and tag.
    pub rules: Vec<(String, String)>,
    /// `[plugins.NAME]` by plugin.
    pub plugins: BTreeMap<String, PluginSettings>,
    /// `[topics.NAME]` by topic.
    pub topics: BTreeMap<String, TopicSettings>,
    /// `[sinks.NAME]`: where `@NAME` points.
    pub sinks: BTreeMap<String, SinkUri>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct PluginSettings {
    /// What `configure` gets.
    pub config: Map<String, Value>,
    /// `[plugins.NAME.limits]`.
    pub limits: LimitSettings,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LimitSettings {
    pub priority: Option<i32>,
    pub timeout_ms: Option<u64>,
    pub memory_bytes: Option<u64>,
    pub retries: Option<u32>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicSettings {
    /// Instead of every URI in the source.
    pub uri: Option<SinkUri>,
    pub options: Option<TopicOptions>,
}
