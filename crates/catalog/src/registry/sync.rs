//! Makes the registry what it should be, plugin by plugin.

use super::model::{DesiredPlugin, DesiredRegistry};
use crate::db;
use crate::error::CatalogError;
use crate::job_state::JobState;
use crate::queue::Target;
use crate::roles::SentinelTx;
use protocol::JobId;
use std::collections::BTreeSet;

impl SentinelTx {
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
            let (name, priority) = (plugin.name.as_str(), plugin.limits.priority);
            self.heal(Target { plugin: name, manifest, priority }, now_us).await?;
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
}
