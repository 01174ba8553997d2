//! What a plugin's source declares: routing, topics and limits. The control plane reads it from the source, never by running it.

use crate::{SinkUri, TopicName, TopicSchema};
use serde::{Deserialize, Serialize};

/// The magic comments or the `MANIFEST` of one plugin, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginDeclaration {
    /// Globs; each makes a rule that gives the tag `auto_<plugin>`.
    pub patterns: Vec<String>,
    /// Tags of other rules that the plugin subscribes to.
    pub tags: Vec<String>,
    /// In the order of the source: what `execute` returns goes to the first; the n-th statement of a SQL plugin gives the n-th its rows.
    pub topics: Vec<TopicDeclaration>,
    pub limits: Limits,
    /// `READER`, of a SQL plugin: what its reader would detect, pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reader: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicDeclaration {
    pub name: TopicName,
    /// One or more; several fan out.
    pub uris: Vec<SinkUri>,
    pub options: TopicOptions,
    /// `SCHEMA`: what the source says of its columns; empty when it says nothing.
    #[serde(default, skip_serializing_if = "TopicSchema::is_empty")]
    pub schema: TopicSchema,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TopicOptions {
    /// `history=all`: a newer version supersedes nothing.
    pub history_all: bool,
    /// `on_delete=retract`: the rows leave when no live path holds their content.
    pub retract_on_delete: bool,
    /// `dedup=off` clears it: content that is already in the topic is processed again for another path.
    pub dedup: bool,
    /// `schema=strict`: a new column or another type fails the job.
    pub strict: bool,
    pub max_quarantine: QuarantineLimit,
}

/// A job with more rows in quarantine than both of these fails and publishes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineLimit {
    pub rows: u64,
    /// Of all rows of the job in this topic.
    pub percent: u8,
}

impl QuarantineLimit {
    pub fn is_exceeded(self, quarantined: u64, all: u64) -> bool {
        let share = u128::from(quarantined) * 100;
        quarantined > self.rows && share > u128::from(self.percent) * u128::from(all)
    }
}

impl Default for QuarantineLimit {
    fn default() -> Self {
        Self { rows: 10, percent: 10 }
    }
}

impl Default for TopicOptions {
    fn default() -> Self {
        Self {
            history_all: false,
            retract_on_delete: false,
            dedup: true,
            strict: false,
            max_quarantine: QuarantineLimit::default(),
        }
    }
}

/// What a job may use, and how its turn comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Higher goes first.
    pub priority: i32,
    pub timeout_ms: u64,
    /// Resident memory of the guest's whole process group.
    pub memory_bytes: u64,
    /// Attempts after the first. None: 3 for what may pass by itself, 0 for the plugin's own exceptions.
    pub retries: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { priority: 0, timeout_ms: 600_000, memory_bytes: 2 << 30, retries: None }
    }
}
