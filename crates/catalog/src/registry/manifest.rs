//! Plugins' sources: one row for each that was ever seen, of which at most one is in force.

use super::model::{DesiredPlugin, PluginStatus};
use crate::db::{self, from_json};
use crate::error::CatalogError;
use crate::roles::SentinelTx;
use protocol::{PluginDeclaration, PluginVersion};
use std::collections::BTreeMap;

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
        match self.manifest_source(plugin.name.as_str(), plugin.version).await? {
            None => {
                let declaration = declaration_text(plugin)?;
                self.insert_manifest(plugin, PluginStatus::Pending, declaration, now_us).await?;
            }
            // The same text in a file of another name: it is read as what it is called now.
            Some((language, ..)) if language != plugin.language => {
                let sql = "UPDATE plugin_manifest SET language = $3 WHERE plugin_name = $1 AND source_hash = $2";
                let query = db::query(sql).bind(plugin.name.as_str());
                let query = query.bind(plugin.version.as_bytes().to_vec());
                query.bind(plugin.language.as_str()).execute(&mut *self.tx).await?;
            }
            Some(_) => {}
        }
        Ok(())
    }

    pub(super) async fn sync_manifest(
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
        let known = "SELECT id, status, coalesce(validation_error, ''), coalesce(declaration, ''), origin, language FROM plugin_manifest
                     WHERE plugin_name = $1 AND source_hash = $2";
        let row = db::query(known).bind(name).bind(&hash).fetch_optional(&mut *self.tx).await?;
        let Some(row) = row else {
            let id = self.insert_manifest(plugin, status, declaration, now_us).await?;
            self.retire_others(name, id).await?;
            return Ok(id);
        };
        let id: i64 = row.try_get(0)?;
        let stored = [1, 2, 3, 4, 5].map(|column| row.try_get::<String, _>(column));
        let wanted = [
            status.as_str(),
            plugin.error.as_deref().unwrap_or_default(),
            declaration.as_deref().unwrap_or_default(),
            &plugin.origin,
            plugin.language.as_str(),
        ];
        if stored.iter().zip(wanted).any(|(stored, wanted)| stored.as_deref().ok() != Some(wanted))
        {
            self.retire_others(name, id).await?;
            let sql = "UPDATE plugin_manifest SET status = $2, validation_error = $3, declaration = $4, origin = $5, deployed_at_us = $6, language = $7 WHERE id = $1";
            db::query(sql)
                .bind(id)
                .bind(status.as_str())
                .bind(&plugin.error)
                .bind(declaration)
                .bind(&plugin.origin)
                .bind(now_us)
                .bind(plugin.language.as_str())
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
        let sql = "INSERT INTO plugin_manifest (id, plugin_name, source_hash, language, source_code, lock_text, status, origin, declaration, validation_error, created_at_us, deployed_at_us)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
        db::query(sql)
            .bind(id)
            .bind(plugin.name.as_str())
            .bind(plugin.version.as_bytes().to_vec())
            .bind(plugin.language.as_str())
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

    pub(super) async fn retire_others(&mut self, name: &str, but: i64) -> Result<(), CatalogError> {
        let sql = "UPDATE plugin_manifest SET status = 'RETIRED' WHERE plugin_name = $1 AND id <> $2 AND status <> 'RETIRED'";
        db::query(sql).bind(name).bind(but).execute(&mut *self.tx).await?;
        Ok(())
    }
}

fn declaration_text(plugin: &DesiredPlugin) -> Result<Option<String>, CatalogError> {
    let text = plugin.declaration.as_ref().map(serde_json::to_string).transpose();
    text.map_err(|error| CatalogError::corrupt(error.to_string()))
}

/// A declaration as it is stored.
pub(crate) fn declaration(text: Option<String>) -> Result<Option<PluginDeclaration>, CatalogError> {
    text.map(|text| from_json(&text)).transpose()
}
