//! What is in force of a plugin: its subscription, limits, settings and topics.

use super::model::{DesiredPlugin, auto_tag};
use crate::db::{self, to_json};
use crate::error::CatalogError;
use crate::roles::SentinelTx;
use std::collections::BTreeSet;

impl SentinelTx {
    /// Whether what routing depends on changed.
    pub(super) async fn sync_config(
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

    pub(super) async fn sync_topics(
        &mut self,
        plugin: &DesiredPlugin,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let name = plugin.name.as_str();
        let before = self.topic_targets(name).await?;
        if before == plugin.topics {
            return Ok(());
        }
        let delete = "DELETE FROM topic_config WHERE plugin_name = $1";
        db::query(delete).bind(name).execute(&mut *self.tx).await?;
        let insert = "INSERT INTO topic_config (id, plugin_name, topic_name, uri, position, mode, options, schema_json) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        for (position, topic) in plugin.topics.iter().enumerate() {
            let options = to_json(&topic.options)?;
            let is_declared = !topic.declared.is_empty();
            let declared = is_declared.then(|| to_json(&topic.declared)).transpose()?;
            db::query(insert)
                .bind(self.next_id(now_us).await?)
                .bind(name)
                .bind(topic.topic.as_str())
                .bind(topic.uri.to_string())
                .bind(position as i64)
                .bind(&topic.mode)
                .bind(options)
                .bind(declared)
                .execute(&mut *self.tx)
                .await?;
        }
        let topics = before.iter().chain(&plugin.topics).map(|target| target.topic.as_str());
        for topic in topics.collect::<BTreeSet<_>>() {
            self.declare_schema(topic, now_us).await?;
        }
        Ok(())
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
