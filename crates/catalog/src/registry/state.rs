//! What is registered and announced now.

use super::model::{Announcement, KnownManifest, RegistryState};
use crate::db::{self, Catalog, Connection, Row, parsed};
use crate::error::CatalogError;
use crate::roles::SentinelTx;
use protocol::{ManifestId, PluginLanguage, PluginVersion};

impl Catalog {
    /// What the registry was last made from; empty: nobody made it yet.
    pub async fn registry_digest(&self) -> Result<String, CatalogError> {
        let sql = "SELECT registry_digest FROM catalog_meta";
        db::query(sql).fetch_one(self.readers()).await?.try_get(0)
    }

    pub async fn registry_state(&self) -> Result<RegistryState, CatalogError> {
        registry_state(&mut self.readers().acquire().await?).await
    }
}

impl SentinelTx {
    pub async fn set_registry_digest(&mut self, digest: &str) -> Result<(), CatalogError> {
        let sql = "UPDATE catalog_meta SET registry_digest = $1 WHERE registry_digest <> $1";
        db::query(sql).bind(digest).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// As it is within the transaction.
    pub async fn registry_state(&mut self) -> Result<RegistryState, CatalogError> {
        registry_state(&mut self.tx).await
    }

    /// A source that was seen before, whatever its status is now, with its lock.
    pub async fn manifest_source(
        &mut self,
        plugin: &str,
        version: PluginVersion,
    ) -> Result<Option<(PluginLanguage, String, Option<String>)>, CatalogError> {
        let sql = "SELECT language, source_code, lock_text FROM plugin_manifest WHERE plugin_name = $1 AND source_hash = $2";
        let query = db::query(sql).bind(plugin).bind(version.as_bytes().to_vec());
        let row = query.fetch_optional(&mut *self.tx).await?;
        row.map(|row| Ok((parsed(row.try_get(0)?)?, row.try_get(1)?, row.try_get(2)?))).transpose()
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
