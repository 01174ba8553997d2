//! Plugins, their topics and the routing rules, as the registrar wants them. Saying the same thing again writes nothing.

use crate::db::{self, Catalog, Connection, Row, from_json};
use crate::error::CatalogError;
use crate::job_state::JobState;
use crate::queue::TopicTarget;
use crate::roles::SentinelTx;
use protocol::{JobId, Limits, ManifestId, PluginDeclaration, PluginName, PluginVersion};
use std::collections::{BTreeMap, BTreeSet};
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

impl Catalog {
    pub async fn registry_state(&self) -> Result<RegistryState, CatalogError> {
        registry_state(&mut self.readers().acquire().await?).await
    }
}

impl SentinelTx {
    /// As it is within the transaction.
    pub async fn registry_state(&mut self) -> Result<RegistryState, CatalogError> {
        registry_state(&mut self.tx).await
    }

    /// A source that was seen before, whatever its status is now.
    pub async fn manifest_source(
        &mut self,
        plugin: &str,
        version: PluginVersion,
    ) -> Result<Option<(String, Option<String>)>, CatalogError> {
        let sql = "SELECT source_code, lock_text FROM plugin_manifest WHERE plugin_name = $1 AND source_hash = $2";
        let query = db::query(sql).bind(plugin).bind(version.as_bytes().to_vec());
        let row = query.fetch_optional(&mut *self.tx).await?;
        row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
    }
}

async fn registry_state(connection: &mut Connection) -> Result<RegistryState, CatalogError> {
    let sql = "SELECT id, plugin_name, source_hash, source_code, lock_text, status, origin FROM plugin_manifest
               WHERE status IN ('ACTIVE', 'REJECTED') ORDER BY id";
    let rows = db::query(sql).fetch_all(&mut *connection).await?;
    let manifests = rows.iter().map(known_manifest).collect::<Result<_, _>>()?;
    let sql = "SELECT a.announcer, a.plugin_name, a.source_hash, m.id FROM plugin_announcement a
               LEFT JOIN plugin_manifest m ON m.plugin_name = a.plugin_name AND m.source_hash = a.source_hash
               ORDER BY a.announcer, a.plugin_name";
    let rows = db::query(sql).fetch_all(connection).await?;
    let announcements = rows.iter().map(announcement).collect::<Result<_, _>>()?;
    Ok(RegistryState { manifests, announcements })
}

fn known_manifest(row: &Row) -> Result<KnownManifest, CatalogError> {
    let status: String = row.try_get(5)?;
    Ok(KnownManifest {
        id: ManifestId::new(row.try_get(0)?),
        plugin: row.try_get(1)?,
        version: version(row, 2)?,
        source: row.try_get(3)?,
        lock: row.try_get(4)?,
        status: status.parse().map_err(CatalogError::corrupt)?,
        origin: row.try_get(6)?,
    })
}

fn announcement(row: &Row) -> Result<Announcement, CatalogError> {
    let (announcer, plugin) = (row.try_get(0)?, row.try_get(1)?);
    let manifest = row.try_get::<Option<i64>, _>(3)?.map(ManifestId::new);
    Ok(Announcement { announcer, plugin, version: version(row, 2)?, manifest })
}

fn version(row: &Row, column: usize) -> Result<PluginVersion, CatalogError> {
    let bytes: Vec<u8> = row.try_get(column)?;
    PluginVersion::try_from(bytes.as_slice())
        .map_err(|error| CatalogError::corrupt(error.to_string()))
}

impl SentinelTx {
    /// What one announcer has now, by plugin, instead of what it had.
    pub async fn set_announcements(
        &mut self,
        announcer: &str,
        announced: &BTreeMap<String, PluginVersion>,
    ) -> Result<(), CatalogError> {
        let delete = "DELETE FROM plugin_announcement WHERE announcer = $1";
        db::query(delete).bind(announcer).execute(&mut *self.tx).await?;
        let insert = "INSERT INTO plugin_announcement (announcer, plugin_name, source_hash) VALUES ($1, $2, $3)";
        for (plugin, version) in announced {
            let query = db::query(insert).bind(announcer).bind(plugin);
            query.bind(version.as_bytes().to_vec()).execute(&mut *self.tx).await?;
        }
        Ok(())
    }

    /// Keeps an announced source that may come into force later.
    pub async fn keep_source(
        &mut self,
        plugin: &DesiredPlugin,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        if self.manifest_source(plugin.name.as_str(), plugin.version).await?.is_none() {
            let declaration = declaration_text(plugin)?;
            self.insert_manifest(plugin, PluginStatus::Pending, declaration, now_us).await?;
        }
        Ok(())
    }

    /// Makes the registry what it should be. Whether the routing changed, and with it the rules epoch.
    pub async fn sync_registry(
        &mut self,
        desired: &DesiredRegistry,
        now_us: i64,
    ) -> Result<bool, CatalogError> {
        let mut routing_changed = false;
        for plugin in &desired.plugins {
            routing_changed |= self.sync_plugin(plugin, now_us).await?;
        }
        let names = desired.plugins.iter().map(|plugin| plugin.name.as_str()).collect();
        routing_changed |= self.retire_absent(&names, now_us).await?;
        routing_changed |= self.sync_rules(desired, now_us).await?;
        if routing_changed {
            let sql = "UPDATE catalog_meta SET rules_epoch = rules_epoch + 1";
            db::query(sql).execute(&mut *self.tx).await?;
        }
        Ok(routing_changed)
    }

    async fn sync_plugin(
        &mut self,
        plugin: &DesiredPlugin,
        now_us: i64,
    ) -> Result<bool, CatalogError> {
        let manifest = self.sync_manifest(plugin, now_us).await?;
        if plugin.declaration.is_none() {
            return self.deactivate(plugin.name.as_str(), now_us).await;
        }
        let routing_changed = self.sync_config(plugin, manifest, now_us).await?;
        self.sync_topics(plugin, now_us).await?;
        if routing_changed {
            self.retarget(plugin, manifest, now_us).await?;
        }
        Ok(routing_changed)
    }

    /// No version of the plugin is in force; its jobs wait. Its rules, topics and subscription stay as they are: what a file is
    /// tagged with does not change because someone saved half an edit.
    async fn deactivate(&mut self, name: &str, now_us: i64) -> Result<bool, CatalogError> {
        let sql = "UPDATE plugin_config SET active_manifest_id = NULL, last_updated_us = $2
                   WHERE plugin_name = $1 AND active_manifest_id IS NOT NULL";
        let query = db::query(sql).bind(name).bind(now_us);
        Ok(query.execute(&mut *self.tx).await? > 0)
    }

    async fn sync_manifest(
        &mut self,
        plugin: &DesiredPlugin,
        now_us: i64,
    ) -> Result<i64, CatalogError> {
        let name = plugin.name.as_str();
        let hash = plugin.version.as_bytes().to_vec();
        let status = if plugin.declaration.is_some() {
            PluginStatus::Active
        } else {
            PluginStatus::Rejected
        };
        let declaration = declaration_text(plugin)?;
        let known = "SELECT id, status, coalesce(validation_error, ''), coalesce(declaration, ''), origin FROM plugin_manifest
                     WHERE plugin_name = $1 AND source_hash = $2";
        let row = db::query(known).bind(name).bind(&hash).fetch_optional(&mut *self.tx).await?;
        let Some(row) = row else {
            let id = self.insert_manifest(plugin, status, declaration, now_us).await?;
            self.retire_others(name, id).await?;
            return Ok(id);
        };
        let id: i64 = row.try_get(0)?;
        let stored = [1, 2, 3, 4].map(|column| row.try_get::<String, _>(column));
        let wanted = [
            status.as_str(),
            plugin.error.as_deref().unwrap_or_default(),
            declaration.as_deref().unwrap_or_default(),
            &plugin.origin,
        ];
        if stored.iter().zip(wanted).any(|(stored, wanted)| stored.as_deref().ok() != Some(wanted))
        {
            self.retire_others(name, id).await?;
            let sql = "UPDATE plugin_manifest SET status = $2, validation_error = $3, declaration = $4, origin = $5, deployed_at_us = $6 WHERE id = $1";
            db::query(sql)
                .bind(id)
                .bind(status.as_str())
                .bind(&plugin.error)
                .bind(declaration)
                .bind(&plugin.origin)
                .bind(now_us)
                .execute(&mut *self.tx)
                .await?;
        }
        Ok(id)
    }

    async fn insert_manifest(
        &mut self,
        plugin: &DesiredPlugin,
        status: PluginStatus,
        declaration: Option<String>,
        now_us: i64,
    ) -> Result<i64, CatalogError> {
        let id = self.next_id(now_us).await?;
        let sql = "INSERT INTO plugin_manifest (id, plugin_name, source_hash, source_code, lock_text, status, origin, declaration, validation_error, created_at_us, deployed_at_us)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
        db::query(sql)
            .bind(id)
            .bind(plugin.name.as_str())
            .bind(plugin.version.as_bytes().to_vec())
            .bind(&plugin.source)
            .bind(&plugin.lock)
            .bind(status.as_str())
            .bind(&plugin.origin)
            .bind(declaration)
            .bind(&plugin.error)
            .bind(now_us)
            .bind((status == PluginStatus::Active).then_some(now_us))
            .execute(&mut *self.tx)
            .await?;
        Ok(id)
    }

    async fn retire_others(&mut self, name: &str, but: i64) -> Result<(), CatalogError> {
        let sql = "UPDATE plugin_manifest SET status = 'RETIRED' WHERE plugin_name = $1 AND id <> $2 AND status <> 'RETIRED'";
        db::query(sql).bind(name).bind(but).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Whether what routing depends on changed.
    async fn sync_config(
        &mut self,
        plugin: &DesiredPlugin,
        active: i64,
        now_us: i64,
    ) -> Result<bool, CatalogError> {
        let tags = subscription(plugin);
        let limits = serde_json::to_string(&plugin.limits)
            .map_err(|error| CatalogError::corrupt(error.to_string()))?;
        let dedup = plugin.topics.iter().all(|topic| topic.options.dedup);
        let retract = plugin.topics.iter().any(|topic| topic.options.retract_on_delete);
        let known = "SELECT subscription_tags, active_manifest_id, dedup,
                         limits = $2 AND settings = $3 AND retract = $4 AND origin = $5 FROM plugin_config WHERE plugin_name = $1";
        let row = db::query(known)
            .bind(plugin.name.as_str())
            .bind(&limits)
            .bind(&plugin.settings)
            .bind(retract)
            .bind(&plugin.origin)
            .fetch_optional(&mut *self.tx)
            .await?;
        let routing_same = match &row {
            None => false,
            Some(row) => {
                row.try_get::<String, _>(0)? == tags
                    && row.try_get::<Option<i64>, _>(1)? == Some(active)
                    && row.try_get::<bool, _>(2)? == dedup
            }
        };
        let rest_same = row.as_ref().is_some_and(|row| row.try_get(3).unwrap_or(false));
        if routing_same && rest_same {
            return Ok(false);
        }
        let sql = "INSERT INTO plugin_config (plugin_name, subscription_tags, active_manifest_id, origin, limits, dedup, retract, settings, last_updated_us)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                   ON CONFLICT (plugin_name) DO UPDATE SET subscription_tags = excluded.subscription_tags,
                       active_manifest_id = excluded.active_manifest_id, origin = excluded.origin, limits = excluded.limits,
                       dedup = excluded.dedup, retract = excluded.retract, settings = excluded.settings, last_updated_us = excluded.last_updated_us";
        db::query(sql)
            .bind(plugin.name.as_str())
            .bind(tags)
            .bind(active)
            .bind(&plugin.origin)
            .bind(limits)
            .bind(dedup)
            .bind(retract)
            .bind(&plugin.settings)
            .bind(now_us)
            .execute(&mut *self.tx)
            .await?;
        Ok(!routing_same)
    }

    async fn sync_topics(
        &mut self,
        plugin: &DesiredPlugin,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let name = plugin.name.as_str();
        if self.topic_targets(name).await? == plugin.topics {
            return Ok(());
        }
        let delete = "DELETE FROM topic_config WHERE plugin_name = $1";
        db::query(delete).bind(name).execute(&mut *self.tx).await?;
        let insert = "INSERT INTO topic_config (id, plugin_name, topic_name, uri, position, mode, options) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        for (position, topic) in plugin.topics.iter().enumerate() {
            let options = serde_json::to_string(&topic.options)
                .map_err(|error| CatalogError::corrupt(error.to_string()))?;
            db::query(insert)
                .bind(self.next_id(now_us).await?)
                .bind(name)
                .bind(topic.topic.as_str())
                .bind(topic.uri.to_string())
                .bind(position as i64)
                .bind(&topic.mode)
                .bind(options)
                .execute(&mut *self.tx)
                .await?;
        }
        Ok(())
    }

    /// Jobs that have not started run with the source that is there now. One that this source has had already is not run again.
    async fn retarget(
        &mut self,
        plugin: &DesiredPlugin,
        active: i64,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let name = plugin.name.as_str();
        let sql = "UPDATE processing_job SET manifest_id = $2
                   WHERE plugin_name = $1 AND manifest_id <> $2 AND state IN ('PENDING', 'QUEUED')
                     AND NOT EXISTS (SELECT 1 FROM processing_job k WHERE k.file_version_id = processing_job.file_version_id
                                     AND k.manifest_id = $2 AND k.kind = processing_job.kind)";
        db::query(sql).bind(name).bind(active).execute(&mut *self.tx).await?;
        let sql = "SELECT id FROM processing_job WHERE plugin_name = $1 AND manifest_id <> $2 AND state IN ('PENDING', 'QUEUED')";
        for row in db::query(sql).bind(name).bind(active).fetch_all(&mut *self.tx).await? {
            self.end(JobId::new(row.try_get(0)?), JobState::Superseded, now_us).await?;
        }
        Ok(())
    }

    async fn retire_absent(
        &mut self,
        present: &BTreeSet<&str>,
        now_us: i64,
    ) -> Result<bool, CatalogError> {
        let sql = "SELECT DISTINCT plugin_name FROM plugin_manifest WHERE status IN ('ACTIVE', 'REJECTED')";
        let mut changed = false;
        for row in db::query(sql).fetch_all(&mut *self.tx).await? {
            let name: String = row.try_get(0)?;
            if present.contains(name.as_str()) {
                continue;
            }
            self.retire_others(&name, 0).await?;
            changed |= self.deactivate(&name, now_us).await?;
        }
        Ok(changed)
    }

    async fn sync_rules(
        &mut self,
        desired: &DesiredRegistry,
        now_us: i64,
    ) -> Result<bool, CatalogError> {
        let sql = "SELECT pattern, tag, origin FROM routing_rule";
        let mut stored = BTreeSet::new();
        for row in db::query(sql).fetch_all(&mut *self.tx).await? {
            stored.insert((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
        }
        let wanted = rules_of(desired, &stored);
        let delete = "DELETE FROM routing_rule WHERE pattern = $1 AND tag = $2";
        for (pattern, tag, _) in stored.difference(&wanted) {
            db::query(delete).bind(pattern).bind(tag).execute(&mut *self.tx).await?;
        }
        let insert = "INSERT INTO routing_rule (id, pattern, tag, origin) VALUES ($1, $2, $3, $4) ON CONFLICT (pattern, tag) DO NOTHING";
        for (pattern, tag, origin) in wanted.difference(&stored) {
            let query = db::query(insert).bind(self.next_id(now_us).await?);
            query.bind(pattern).bind(tag).bind(origin).execute(&mut *self.tx).await?;
        }
        Ok(stored != wanted)
    }
}

fn subscription(plugin: &DesiredPlugin) -> String {
    let Some(declaration) = &plugin.declaration else { return String::new() };
    let mut tags = declaration.tags.iter().cloned().collect::<BTreeSet<_>>();
    if !declaration.patterns.is_empty() {
        tags.insert(auto_tag(&plugin.name));
    }
    tags.into_iter().collect::<Vec<_>>().join(",")
}

/// Pattern, tag and origin.
type Rule = (String, String, String);

/// Of two rules that give the same tag by the same pattern one is enough.
fn rules_of(desired: &DesiredRegistry, stored: &BTreeSet<Rule>) -> BTreeSet<Rule> {
    let user = desired
        .user_rules
        .iter()
        .map(|(pattern, tag)| (pattern.clone(), tag.clone(), "user".to_owned()));
    let auto = desired.plugins.iter().flat_map(|plugin| {
        let patterns = plugin.declaration.iter().flat_map(|declared| &declared.patterns);
        patterns.map(|pattern| (pattern.clone(), auto_tag(&plugin.name), rule_origin(plugin)))
    });
    let rejected = desired.plugins.iter().filter(|plugin| plugin.declaration.is_none());
    let rejected = rejected.map(rule_origin).collect::<BTreeSet<_>>();
    let kept = stored.iter().filter(|(_, _, origin)| rejected.contains(origin)).cloned();
    let mut seen = BTreeSet::new();
    user.chain(auto)
        .chain(kept)
        .filter(|(pattern, tag, _)| seen.insert((pattern.clone(), tag.clone())))
        .collect()
}

fn rule_origin(plugin: &DesiredPlugin) -> String {
    format!("plugin:{}", plugin.name)
}

fn declaration_text(plugin: &DesiredPlugin) -> Result<Option<String>, CatalogError> {
    let text = plugin.declaration.as_ref().map(serde_json::to_string).transpose();
    text.map_err(|error| CatalogError::corrupt(error.to_string()))
}

/// A declaration as it is stored.
pub(crate) fn declaration(text: Option<String>) -> Result<Option<PluginDeclaration>, CatalogError> {
    text.map(|text| from_json(&text)).transpose()
}
