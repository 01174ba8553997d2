//! Versions, tags and new jobs: what the tagger reads, and its one write.

use crate::db::Catalog;
use crate::error::CatalogError;
use crate::inventory::stat;
use crate::roles::ScoutTx;
use protocol::{
    ContentHash, FileStat, LocationId, ManifestId, PluginName, SourceRootId, VersionId,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row};

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

/// What the tagger found out about one location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged<'a> {
    pub location: LocationId,
    /// `TodoLocation::stat`. Where the inventory has stored another one since, nothing is recorded: the location is to do again.
    pub seen: FileStat,
    /// The stat under which it was hashed, or looked at.
    pub stat: FileStat,
    /// None: only routed.
    pub hash: Option<ContentHash>,
    pub racy: bool,
    pub tags: &'a [String],
    /// Plugins that subscribe to one of the tags.
    pub plugins: &'a [&'a SubscribedPlugin],
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordCounts {
    pub versions: u64,
    pub jobs: u64,
    pub skipped: u64,
    /// Changed or deleted in the catalog since they were read; nothing was recorded of them.
    pub stale: u64,
}

const TODO: &str = "SELECT l.id, r.path, d.path, l.name, l.inode, l.size, l.mtime_ns, l.ctime_ns, l.dirty, l.racy, l.hashed_at_us,
           v.id, v.sequence, v.content_hash, v.applied_tags
    FROM file_location l
    JOIN directory d ON d.id = l.directory_id
    JOIN source_root r ON r.id = d.source_root_id
    LEFT JOIN file_version v ON v.id = l.current_version_id ";

impl Catalog {
    /// Locations of these roots that were not routed in this epoch, by id, after one.
    pub async fn todo(
        &self,
        roots: &[SourceRootId],
        epoch: i64,
        after: LocationId,
        limit: usize,
    ) -> Result<Vec<TodoLocation>, CatalogError> {
        let filter =
            "l.routed_epoch < $3 AND l.deleted_at_us IS NULL AND l.id > $1 ORDER BY l.id LIMIT $2";
        self.locations(roots, filter, after, limit, Some(epoch)).await
    }

    /// Locations that have to be hashed once more.
    pub async fn racy(
        &self,
        roots: &[SourceRootId],
        after: LocationId,
        limit: usize,
    ) -> Result<Vec<TodoLocation>, CatalogError> {
        let filter = "l.racy = 1 AND l.dirty = 0 AND l.deleted_at_us IS NULL AND l.id > $1 ORDER BY l.id LIMIT $2";
        self.locations(roots, filter, after, limit, None).await
    }

    /// Locations whose content was never hashed under their stat.
    pub async fn unhashed(
        &self,
        roots: &[SourceRootId],
        after: LocationId,
        limit: usize,
    ) -> Result<Vec<TodoLocation>, CatalogError> {
        let filter = "l.dirty = 1 AND l.deleted_at_us IS NULL AND l.id > $1 ORDER BY l.id LIMIT $2";
        self.locations(roots, filter, after, limit, None).await
    }

    /// Locations whose bytes changed under the parser, and that nobody looked at since.
    pub async fn changed_holds(
        &self,
        roots: &[SourceRootId],
        after: LocationId,
        limit: usize,
    ) -> Result<Vec<TodoLocation>, CatalogError> {
        let filter = "l.id > $1 AND l.deleted_at_us IS NULL AND l.id IN (SELECT j.location_id FROM processing_job j
                        WHERE j.state = 'PENDING' AND j.hold = 'changed' AND j.held_by IS NULL
                          AND j.file_version_id = l.current_version_id AND coalesce(l.hashed_at_us, 0) <= j.ended_at_us)
                      ORDER BY l.id LIMIT $2";
        self.locations(roots, filter, after, limit, None).await
    }

    async fn locations(
        &self,
        roots: &[SourceRootId],
        filter: &'static str,
        after: LocationId,
        limit: usize,
        epoch: Option<i64>,
    ) -> Result<Vec<TodoLocation>, CatalogError> {
        // Numbers of ours, so that the statement may hold them.
        let roots: Vec<String> = roots.iter().map(|root| root.get().to_string()).collect();
        let of_roots = ["WHERE r.id IN (", &roots.join(", "), ") AND "].concat();
        let sql = AssertSqlSafe([TODO, &of_roots, filter].concat());
        let mut query = sqlx::query(sql).bind(after.get()).bind(limit as i64);
        if let Some(epoch) = epoch {
            query = query.bind(epoch);
        }
        query.fetch_all(self.readers()).await?.iter().map(todo_location).collect()
    }

    pub async fn routing_table(&self) -> Result<RoutingTable, CatalogError> {
        let mut tx = self.readers().begin().await?;
        let epoch = sqlx::query("SELECT rules_epoch FROM catalog_meta").fetch_one(&mut *tx).await?;
        let rules = "SELECT pattern, tag FROM routing_rule ORDER BY id";
        let rules = sqlx::query(rules).fetch_all(&mut *tx).await?;
        let plugins = "SELECT plugin_name, active_manifest_id, subscription_tags, limits, dedup FROM plugin_config
                       WHERE active_manifest_id IS NOT NULL ORDER BY plugin_name";
        let plugins = sqlx::query(plugins).fetch_all(&mut *tx).await?;
        let rule =
            |row: &SqliteRow| -> Result<_, CatalogError> { Ok((row.try_get(0)?, row.try_get(1)?)) };
        Ok(RoutingTable {
            epoch: epoch.try_get(0)?,
            rules: rules.iter().map(rule).collect::<Result<_, _>>()?,
            plugins: plugins.iter().map(subscribed).collect::<Result<_, _>>()?,
        })
    }
}

fn todo_location(row: &SqliteRow) -> Result<TodoLocation, CatalogError> {
    let current = match row.try_get::<Option<i64>, _>(11)? {
        None => None,
        Some(id) => Some(VersionSummary {
            id: VersionId::new(id),
            sequence: row.try_get::<i64, _>(12)?.cast_unsigned(),
            hash: content_hash(row, 13)?,
            tags: row.try_get(14)?,
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
        current,
    })
}

fn subscribed(row: &SqliteRow) -> Result<SubscribedPlugin, CatalogError> {
    let name: String = row.try_get(0)?;
    let limits: String = row.try_get(3)?;
    let limits: protocol::Limits =
        serde_json::from_str(&limits).map_err(|error| CatalogError::corrupt(error.to_string()))?;
    Ok(SubscribedPlugin {
        name: plugin_name(&name)?,
        manifest: ManifestId::new(row.try_get(1)?),
        tags: split_tags(row.try_get(2)?),
        priority: limits.priority,
        dedup: row.try_get(4)?,
    })
}

pub(crate) fn plugin_name(text: &str) -> Result<PluginName, CatalogError> {
    text.parse().map_err(|error| CatalogError::corrupt(format!("{error}")))
}

pub(crate) fn content_hash(row: &SqliteRow, column: usize) -> Result<ContentHash, CatalogError> {
    let bytes: Vec<u8> = row.try_get(column)?;
    ContentHash::try_from(bytes.as_slice())
        .map_err(|error| CatalogError::corrupt(error.to_string()))
}

pub(crate) fn split_tags(tags: String) -> Vec<String> {
    tags.split(',').filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

impl ScoutTx {
    /// While rewritten files of a pass are not all versioned, the Sentinel admits none of them. 0 ends the pass.
    pub async fn set_pass_open_until(&mut self, until_us: i64) -> Result<(), CatalogError> {
        let sql = "UPDATE catalog_meta SET pass_open_until_us = $1";
        sqlx::query(sql).bind(until_us).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Files that changed since the inventory saw them: dirty, and to be routed. Their directories are compared again.
    pub async fn restat(&mut self, moved: &[(LocationId, FileStat)]) -> Result<(), CatalogError> {
        let location = "UPDATE file_location SET inode = $2, size = $3, mtime_ns = $4, ctime_ns = $5, dirty = 1, routed_epoch = 0
                        WHERE id = $1 AND deleted_at_us IS NULL";
        let directory = "UPDATE directory SET digest = NULL WHERE id = (SELECT directory_id FROM file_location WHERE id = $1)";
        for (id, stat) in moved {
            sqlx::query(location)
                .bind(id.get())
                .bind(stat.inode.cast_signed())
                .bind(stat.size.cast_signed())
                .bind(stat.mtime_ns)
                .bind(stat.ctime_ns)
                .execute(&mut *self.tx)
                .await?;
            sqlx::query(directory).bind(id.get()).execute(&mut *self.tx).await?;
        }
        Ok(())
    }

    /// Versions, tags and jobs of these locations, all or none. Refused when the rules moved since the routing.
    pub async fn record(
        &mut self,
        tagged: &[Tagged<'_>],
        epoch: i64,
        now_us: i64,
    ) -> Result<RecordCounts, CatalogError> {
        let row =
            sqlx::query("SELECT rules_epoch FROM catalog_meta").fetch_one(&mut *self.tx).await?;
        if row.try_get::<i64, _>(0)? != epoch {
            return Err(CatalogError::RulesMoved);
        }
        let mut counts = RecordCounts::default();
        for one in tagged {
            self.record_one(one, epoch, now_us, &mut counts).await?;
        }
        Ok(counts)
    }

    async fn record_one(
        &mut self,
        tagged: &Tagged<'_>,
        epoch: i64,
        now_us: i64,
        counts: &mut RecordCounts,
    ) -> Result<(), CatalogError> {
        if !self.is_still(tagged).await? {
            return Ok(());
        }
        let current = self.current_version(tagged.location).await?;
        let version = match (tagged.hash, current) {
            (Some(hash), Some(current))
                if current.hash == hash && !self.needs_anew(tagged, &current).await? =>
            {
                Some(current)
            }
            (Some(hash), current) => {
                counts.versions += 1;
                Some(self.insert_version(tagged, hash, current.as_ref(), now_us).await?)
            }
            (None, current) => current,
        };
        if tagged.hash.is_some() {
            self.set_hashed(tagged, version.as_ref(), epoch, now_us).await?;
        } else {
            let sql = "UPDATE file_location SET routed_epoch = $2 WHERE id = $1";
            let query = sqlx::query(sql).bind(tagged.location.get()).bind(epoch);
            query.execute(&mut *self.tx).await?;
        }
        if let Some(version) = version {
            self.set_tags(&version, tagged).await?;
            for plugin in tagged.plugins {
                self.enqueue(tagged.location, &version, plugin, now_us, counts).await?;
            }
        }
        Ok(())
    }

    /// Whether the inventory says of the location what it said when it was read. If not, it stays to be done.
    async fn is_still(&mut self, tagged: &Tagged<'_>) -> Result<bool, CatalogError> {
        let sql = "SELECT inode, size, mtime_ns, ctime_ns FROM file_location WHERE id = $1 AND deleted_at_us IS NULL";
        let query = sqlx::query(sql).bind(tagged.location.get());
        let row = query.fetch_optional(&mut *self.tx).await?;
        Ok(row.map(|row| stat(&row, 0)).transpose()? == Some(tagged.stat))
    }

    async fn current_version(
        &mut self,
        location: LocationId,
    ) -> Result<Option<VersionSummary>, CatalogError> {
        let sql = "SELECT v.id, v.sequence, v.content_hash, v.applied_tags
                   FROM file_location l JOIN file_version v ON v.id = l.current_version_id WHERE l.id = $1";
        let row = sqlx::query(sql).bind(location.get()).fetch_optional(&mut *self.tx).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(VersionSummary {
            id: VersionId::new(row.try_get(0)?),
            sequence: row.try_get::<i64, _>(1)?.cast_unsigned(),
            hash: content_hash(&row, 2)?,
            tags: row.try_get(3)?,
        }))
    }

    /// Whether the content came back after its rows had left, so that only a new version brings them again.
    async fn needs_anew(
        &mut self,
        tagged: &Tagged<'_>,
        version: &VersionSummary,
    ) -> Result<bool, CatalogError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM processing_job j WHERE j.file_version_id = $1 AND j.plugin_name = $2 AND j.kind = 'process'
                              AND (j.state IN ('SUPERSEDED', 'SKIPPED') OR (j.state = 'COMPLETED' AND j.superseded_by IS NOT NULL)))
                      AND NOT EXISTS (SELECT 1 FROM processing_job j WHERE j.content_hash = $3 AND j.plugin_name = $2 AND j.kind = 'process'
                              AND ((j.state = 'COMPLETED' AND j.superseded_by IS NULL) OR (j.state IN ('PENDING', 'QUEUED', 'RUNNING', 'COMMITTING'))))
                      AND NOT EXISTS (SELECT 1 FROM processing_job j WHERE j.location_id = $4 AND j.plugin_name = $2 AND j.kind = 'process'
                              AND j.state IN ('PENDING', 'QUEUED', 'RUNNING', 'COMMITTING'))";
        for plugin in tagged.plugins {
            let row = sqlx::query(sql)
                .bind(version.id.get())
                .bind(plugin.name.as_str())
                .bind(version.hash.as_bytes().to_vec())
                .bind(tagged.location.get())
                .fetch_one(&mut *self.tx)
                .await?;
            if row.try_get(0)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn insert_version(
        &mut self,
        tagged: &Tagged<'_>,
        hash: ContentHash,
        current: Option<&VersionSummary>,
        now_us: i64,
    ) -> Result<VersionSummary, CatalogError> {
        let registry =
            "INSERT INTO file_hash_registry (content_hash, size, first_seen_us) VALUES ($1, $2, $3)
                        ON CONFLICT (content_hash) DO NOTHING";
        let bytes = hash.as_bytes().to_vec();
        let size = tagged.stat.size.cast_signed();
        let query = sqlx::query(registry).bind(bytes.clone()).bind(size).bind(now_us);
        query.execute(&mut *self.tx).await?;
        let id = self.next_id(now_us).await?;
        let sequence = current.map_or(1, |version| version.sequence + 1);
        let tags = tagged.tags.join(",");
        let version = "INSERT INTO file_version (id, location_id, sequence, content_hash, size, mtime_ns, detected_at_us, applied_tags)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        sqlx::query(version)
            .bind(id)
            .bind(tagged.location.get())
            .bind(sequence.cast_signed())
            .bind(bytes)
            .bind(size)
            .bind(tagged.stat.mtime_ns)
            .bind(now_us)
            .bind(tags.clone())
            .execute(&mut *self.tx)
            .await?;
        Ok(VersionSummary { id: VersionId::new(id), sequence, hash, tags })
    }

    async fn set_hashed(
        &mut self,
        tagged: &Tagged<'_>,
        version: Option<&VersionSummary>,
        epoch: i64,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let sql = "UPDATE file_location SET inode = $2, size = $3, mtime_ns = $4, ctime_ns = $5, dirty = 0, racy = $6,
                       routed_epoch = $7, hashed_at_us = $8, current_version_id = coalesce($9, current_version_id), deleted_at_us = NULL
                   WHERE id = $1";
        let stat = tagged.stat;
        sqlx::query(sql)
            .bind(tagged.location.get())
            .bind(stat.inode.cast_signed())
            .bind(stat.size.cast_signed())
            .bind(stat.mtime_ns)
            .bind(stat.ctime_ns)
            .bind(tagged.racy)
            .bind(epoch)
            .bind(now_us)
            .bind(version.map(|version| version.id.get()))
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    async fn set_tags(
        &mut self,
        version: &VersionSummary,
        tagged: &Tagged<'_>,
    ) -> Result<(), CatalogError> {
        let tags = tagged.tags.join(",");
        if version.tags != tags {
            let sql = "UPDATE file_version SET applied_tags = $2 WHERE id = $1";
            sqlx::query(sql).bind(version.id.get()).bind(tags).execute(&mut *self.tx).await?;
        }
        Ok(())
    }

    /// A job for this version and plugin, unless there is one. What else there is of the file and the content decides how it is born.
    async fn enqueue(
        &mut self,
        location: LocationId,
        version: &VersionSummary,
        plugin: &SubscribedPlugin,
        now_us: i64,
        counts: &mut RecordCounts,
    ) -> Result<(), CatalogError> {
        let jobs = "SELECT count(*) FROM processing_job WHERE file_version_id = $1 AND plugin_name = $2 AND kind = 'process'
                      AND (manifest_id = $3 OR state NOT IN ('FAILED', 'ABORTED'))";
        let row = sqlx::query(jobs)
            .bind(version.id.get())
            .bind(plugin.name.as_str())
            .bind(plugin.manifest.get())
            .fetch_one(&mut *self.tx)
            .await?;
        if row.try_get::<i64, _>(0)? > 0 {
            return Ok(());
        }
        let (state, hold) = self.birth(location, version, plugin).await?;
        counts.jobs += u64::from(state != "SKIPPED");
        counts.skipped += u64::from(state == "SKIPPED");
        let insert = "INSERT INTO processing_job (id, kind, state, hold, file_version_id, location_id, manifest_id, plugin_name, content_hash,
                          priority, attempt, failures, losses, recovery, created_at_us, ended_at_us, rows, bytes_in, size_bytes, quarantined)
                      VALUES ($1, 'process', $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, 0, 0, $10, $11, 0, 0, 0, 0)";
        sqlx::query(insert)
            .bind(self.next_id(now_us).await?)
            .bind(state)
            .bind(hold)
            .bind(version.id.get())
            .bind(location.get())
            .bind(plugin.manifest.get())
            .bind(plugin.name.as_str())
            .bind(version.hash.as_bytes().to_vec())
            .bind(plugin.priority)
            .bind(now_us)
            .bind((state == "SKIPPED").then_some(now_us))
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    async fn birth(
        &mut self,
        location: LocationId,
        version: &VersionSummary,
        plugin: &SubscribedPlugin,
    ) -> Result<(&'static str, Option<&'static str>), CatalogError> {
        let earlier = "SELECT count(*) FROM processing_job WHERE location_id = $1 AND plugin_name = $2 AND kind = 'process'
                         AND (file_version_id <> $3 OR state IN ('PENDING', 'QUEUED', 'RUNNING', 'COMMITTING'))";
        let row = sqlx::query(earlier)
            .bind(location.get())
            .bind(plugin.name.as_str())
            .bind(version.id.get())
            .fetch_one(&mut *self.tx)
            .await?;
        if row.try_get::<i64, _>(0)? > 0 {
            return Ok(("PENDING", Some("admit")));
        }
        if !plugin.dedup {
            return Ok(("QUEUED", None));
        }
        let same = "SELECT count(*), coalesce(sum(state = 'COMPLETED' AND superseded_by IS NULL), 0) FROM processing_job
                    WHERE content_hash = $1 AND plugin_name = $2 AND manifest_id = $3 AND kind = 'process'";
        let row = sqlx::query(same)
            .bind(version.hash.as_bytes().to_vec())
            .bind(plugin.name.as_str())
            .bind(plugin.manifest.get())
            .fetch_one(&mut *self.tx)
            .await?;
        Ok(match (row.try_get::<i64, _>(0)?, row.try_get::<i64, _>(1)?) {
            (0, _) => ("QUEUED", None),
            (_, 0) => ("PENDING", Some("admit")),
            _ => ("SKIPPED", None),
        })
    }
}
