//! Versions, tags and new jobs: what the tagger reads, and its one write.

use crate::db::{self, Bulk, Catalog, ROWS_MAX, Row, content_hash, from_json, parsed, stat};
use crate::error::CatalogError;
use crate::roles::ScoutTx;
use protocol::{
    ContentHash, FileStat, Limits, LocationId, ManifestId, PluginName, SourceRootId, VersionId,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TodoLocation {
    pub id: LocationId,
    pub root: Vec<u8>,
    /// Relative to the root; empty for the root itself.
    pub directory: Vec<u8>,
    pub name: Vec<u8>,
    pub stat: FileStat,
    pub dirty: bool,
    pub racy: bool,
    pub hashed_at_us: Option<i64>,
    /// The rules by which it was routed last; 0: by none.
    pub routed_epoch: i64,
    pub current: Option<VersionSummary>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionSummary {
    pub id: VersionId,
    pub sequence: u64,
    pub hash: ContentHash,
    pub tags: String,
}

/// The rules and subscriptions of one epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoutingTable {
    pub epoch: i64,
    /// Pattern and tag.
    pub rules: Vec<(String, String)>,
    /// Plugins with an ACTIVE manifest.
    pub plugins: Vec<SubscribedPlugin>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscribedPlugin {
    pub name: PluginName,
    pub manifest: ManifestId,
    pub tags: Vec<String>,
    pub priority: i32,
    pub dedup: bool,
}

/// CROSS JOIN: the order is ours. A planner that began with the root would read the whole inventory for each page.
const TODO: &str = "SELECT l.id, r.path, d.path, l.name, l.inode, l.size, l.mtime_ns, l.ctime_ns, l.dirty, l.racy, l.hashed_at_us,
           l.routed_epoch, v.id, v.sequence, h.content_hash, v.applied_tags
    FROM file_location l CROSS JOIN directory d CROSS JOIN source_root r LEFT JOIN file_version v ON v.id = l.current_version_id
        LEFT JOIN file_hash_registry h ON h.id = v.content_id
    WHERE d.id = l.directory_id AND r.id = d.source_root_id AND l.deleted_at_us IS NULL AND l.id > $1 AND r.id IN ";

impl Catalog {
    /// Locations of these roots that were not routed in this epoch, in the order of their epochs, after one.
    pub async fn todo(
        &self,
        roots: &[SourceRootId],
        epoch: i64,
        after: Option<&TodoLocation>,
        limit: usize,
    ) -> Result<Vec<TodoLocation>, CatalogError> {
        let mut page = Vec::new();
        let mut from = after.map_or((-1, LocationId::new(0)), |it| (it.routed_epoch, it.id));
        // One epoch after the other: a range of epochs could not be read in the order of ids.
        loop {
            let left = limit - page.len();
            let filter = "l.routed_epoch = $3";
            page.extend(self.locations(roots, filter, from.1, left, Some(from.0)).await?);
            let next = "SELECT min(routed_epoch) FROM file_location WHERE routed_epoch > $1 AND routed_epoch < $2 AND deleted_at_us IS NULL";
            let next = db::query(next).bind(from.0).bind(epoch).fetch_one(self.readers()).await?;
            match next.try_get::<Option<i64>, _>(0)? {
                Some(next) if page.len() < limit => from = (next, LocationId::new(0)),
                _ => return Ok(page),
            }
        }
    }

    /// Locations that have to be hashed once more.
    pub async fn racy(
        &self,
        roots: &[SourceRootId],
        after: Option<&TodoLocation>,
        limit: usize,
    ) -> Result<Vec<TodoLocation>, CatalogError> {
        self.locations(roots, "l.racy = 1 AND l.dirty = 0", id_of(after), limit, None).await
    }

    /// Locations whose content was never hashed under their stat.
    pub async fn unhashed(
        &self,
        roots: &[SourceRootId],
        after: Option<&TodoLocation>,
        limit: usize,
    ) -> Result<Vec<TodoLocation>, CatalogError> {
        self.locations(roots, "l.dirty = 1", id_of(after), limit, None).await
    }

    /// Locations whose bytes changed under the parser, and that nobody looked at since.
    pub async fn changed_holds(
        &self,
        roots: &[SourceRootId],
        after: Option<&TodoLocation>,
        limit: usize,
    ) -> Result<Vec<TodoLocation>, CatalogError> {
        let filter = "l.id IN (SELECT location_id FROM processing_job WHERE hold = 'changed' AND held_by IS NULL)
            AND EXISTS (SELECT 1 FROM processing_job j WHERE j.location_id = l.id AND j.hold = 'changed' AND j.held_by IS NULL
                        AND j.file_version_id = l.current_version_id AND coalesce(l.hashed_at_us, 0) <= j.ended_at_us)";
        self.locations(roots, filter, id_of(after), limit, None).await
    }

    async fn locations(
        &self,
        roots: &[SourceRootId],
        filter: &str,
        after: LocationId,
        limit: usize,
        epoch: Option<i64>,
    ) -> Result<Vec<TodoLocation>, CatalogError> {
        if roots.is_empty() {
            return Ok(Vec::new());
        }
        // Numbers of ours, so that the statement may hold them.
        let roots: Vec<String> = roots.iter().map(|root| root.get().to_string()).collect();
        let roots = roots.join(", ");
        let sql = format!("{TODO} ({roots}) AND {filter} ORDER BY l.id LIMIT $2");
        let mut query = db::query(sql).bind(after.get()).bind(limit as i64);
        if let Some(epoch) = epoch {
            query = query.bind(epoch);
        }
        query.fetch_all(self.readers()).await?.iter().map(todo_location).collect()
    }

    /// Rises whenever rules, plugins or subscriptions change.
    pub async fn rules_epoch(&self) -> Result<i64, CatalogError> {
        let sql = "SELECT rules_epoch FROM catalog_meta";
        db::query(sql).fetch_one(self.readers()).await?.try_get(0)
    }

    /// Until when a pass counts as under way; in the past: there is none.
    pub async fn pass_open_until(&self) -> Result<i64, CatalogError> {
        let sql = "SELECT pass_open_until_us FROM catalog_meta";
        db::query(sql).fetch_one(self.readers()).await?.try_get(0)
    }

    pub async fn routing_table(&self) -> Result<RoutingTable, CatalogError> {
        let mut tx = self.readers().begin_reading().await?;
        let epoch = db::query("SELECT rules_epoch FROM catalog_meta").fetch_one(&mut *tx).await?;
        let rules = "SELECT pattern, tag FROM routing_rule ORDER BY id";
        let rules = db::query(rules).fetch_all(&mut *tx).await?;
        let plugins = "SELECT plugin_name, active_manifest_id, subscription_tags, limits, dedup FROM plugin_config
                       WHERE active_manifest_id IS NOT NULL ORDER BY plugin_name";
        let plugins = db::query(plugins).fetch_all(&mut *tx).await?;
        let rule =
            |row: &Row| -> Result<_, CatalogError> { Ok((row.try_get(0)?, row.try_get(1)?)) };
        Ok(RoutingTable {
            epoch: epoch.try_get(0)?,
            rules: rules.iter().map(rule).collect::<Result<_, _>>()?,
            plugins: plugins.iter().map(subscribed).collect::<Result<_, _>>()?,
        })
    }
}

fn id_of(location: Option<&TodoLocation>) -> LocationId {
    location.map_or(LocationId::new(0), |location| location.id)
}

fn todo_location(row: &Row) -> Result<TodoLocation, CatalogError> {
    let current = match row.try_get::<Option<i64>, _>(12)? {
        None => None,
        Some(id) => Some(VersionSummary {
            id: VersionId::new(id),
            sequence: row.try_get::<i64, _>(13)?.cast_unsigned(),
            hash: content_hash(row, 14)?,
            tags: row.try_get(15)?,
        }),
    };
    Ok(TodoLocation {
        id: LocationId::new(row.try_get(0)?),
        root: row.try_get(1)?,
        directory: row.try_get(2)?,
        name: row.try_get(3)?,
        stat: stat(row, 4)?,
        dirty: row.try_get(8)?,
        racy: row.try_get(9)?,
        hashed_at_us: row.try_get(10)?,
        routed_epoch: row.try_get(11)?,
        current,
    })
}

fn subscribed(row: &Row) -> Result<SubscribedPlugin, CatalogError> {
    let name: String = row.try_get(0)?;
    let limits: String = row.try_get(3)?;
    let limits: Limits = from_json(&limits)?;
    Ok(SubscribedPlugin {
        name: parsed(&name)?,
        manifest: ManifestId::new(row.try_get(1)?),
        tags: split_tags(row.try_get::<&str, _>(2)?),
        priority: limits.priority,
        dedup: row.try_get(4)?,
    })
}

pub(crate) fn split_tags(tags: &str) -> Vec<String> {
    tags.split(',').filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

impl ScoutTx {
    /// While rewritten files of a pass are not all versioned, the Sentinel admits none of them. 0 ends the pass.
    pub async fn set_pass_open_until(&mut self, until_us: i64) -> Result<(), CatalogError> {
        let sql = "UPDATE catalog_meta SET pass_open_until_us = $1";
        db::query(sql).bind(until_us).execute(&mut *self.tx).await?;
        self.tx.wake().await
    }

    /// Locations without a version that no plugin wants by these rules: all that is to be noted of them.
    pub async fn mark_unrouted(
        &mut self,
        locations: &[LocationId],
        epoch: i64,
    ) -> Result<(), CatalogError> {
        self.check_rules(epoch).await?;
        for chunk in locations.chunks(ROWS_MAX) {
            let update = Bulk::new("UPDATE file_location SET routed_epoch = ").bind(epoch);
            let chunk = chunk.iter().map(|location| location.get());
            let update = update.then_list(" WHERE current_version_id IS NULL AND id IN ", chunk);
            update.execute(&mut self.tx).await?;
        }
        Ok(())
    }

    pub(crate) async fn check_rules(&mut self, epoch: i64) -> Result<(), CatalogError> {
        let sql = "SELECT rules_epoch FROM catalog_meta";
        let row = db::query(sql).fetch_one(&mut *self.tx).await?;
        if row.try_get::<i64, _>(0)? == epoch { Ok(()) } else { Err(CatalogError::RulesMoved) }
    }
}
