//! Plugins and rules as they are in force.

use crate::db::{self, Catalog, Row, parsed};
use crate::error::CatalogError;
use crate::registry::{PluginStatus, declaration};
use protocol::{ManifestId, PluginDeclaration, PluginLanguage, PluginVersion};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginRow {
    pub name: String,
    /// SHA-256 of its source.
    pub version: Vec<u8>,
    pub language: PluginLanguage,
    pub status: PluginStatus,
    /// `project`, or who announced it.
    pub origin: String,
    pub declaration: Option<PluginDeclaration>,
    pub error: Option<String>,
    pub deployed_at_us: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRow {
    pub pattern: String,
    pub tag: String,
    pub origin: String,
}

impl Catalog {
    /// Whatever its status; none if this source was never seen.
    pub async fn manifest_of(
        &self,
        plugin: &str,
        version: &PluginVersion,
    ) -> Result<Option<ManifestId>, CatalogError> {
        let sql = "SELECT id FROM plugin_manifest WHERE plugin_name = $1 AND source_hash = $2";
        let query = db::query(sql).bind(plugin).bind(version.as_bytes().as_slice());
        let row = query.fetch_optional(self.readers()).await?;
        row.map(|row| Ok(ManifestId::new(row.try_get(0)?))).transpose()
    }

    /// The latest version of each plugin; with `all`, every version that there was.
    pub async fn plugins(&self, all: bool) -> Result<Vec<PluginRow>, CatalogError> {
        let sql = "SELECT m.plugin_name, m.source_hash, m.status, m.origin, m.declaration, m.validation_error, m.deployed_at_us, m.language FROM plugin_manifest m
                   WHERE $1 = 1 OR m.status <> 'RETIRED' OR (m.id = (SELECT max(k.id) FROM plugin_manifest k WHERE k.plugin_name = m.plugin_name)
                        AND NOT EXISTS (SELECT 1 FROM plugin_manifest k WHERE k.plugin_name = m.plugin_name AND k.status <> 'RETIRED'))
                   ORDER BY m.plugin_name, m.id";
        let rows = db::query(sql).bind(all).fetch_all(self.readers()).await?;
        let plugin = |row: &Row| -> Result<PluginRow, CatalogError> {
            let status: String = row.try_get(2)?;
            Ok(PluginRow {
                name: row.try_get(0)?,
                version: row.try_get(1)?,
                status: status.parse().map_err(CatalogError::corrupt)?,
                origin: row.try_get(3)?,
                declaration: declaration(row.try_get(4)?)?,
                error: row.try_get(5)?,
                deployed_at_us: row.try_get(6)?,
                language: parsed(row.try_get(7)?)?,
            })
        };
        rows.iter().map(plugin).collect()
    }

    pub async fn rules(&self) -> Result<Vec<RuleRow>, CatalogError> {
        let sql = "SELECT pattern, tag, origin FROM routing_rule ORDER BY tag, pattern";
        let rows = db::query(sql).fetch_all(self.readers()).await?;
        let rule = |row: &Row| -> Result<RuleRow, CatalogError> {
            Ok(RuleRow { pattern: row.try_get(0)?, tag: row.try_get(1)?, origin: row.try_get(2)? })
        };
        rows.iter().map(rule).collect()
    }
}
