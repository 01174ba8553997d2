//! All that a DISPATCH tells a worker.

use crate::db::{self, Bulk, ROWS_MAX, Row, content_hash, from_json, parsed, stat};
use crate::error::CatalogError;
use crate::roles::SentinelTx;
use protocol::{
    ContentHash, FileStat, JobId, Limits, ManifestId, PluginLanguage, PluginName, PluginVersion,
    SinkUri, TopicName, TopicOptions, TopicSchema, VersionId,
};
use std::collections::HashMap;

#[derive(Debug, Clone, PartialEq)]
pub struct JobDetail {
    pub job: JobId,
    pub root: Vec<u8>,
    pub directory: Vec<u8>,
    pub name: Vec<u8>,
    /// The stat under which the content was hashed.
    pub stat: FileStat,
    pub racy: bool,
    pub version: VersionId,
    pub hash: ContentHash,
    pub size: u64,
    pub manifest: ManifestId,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ManifestDetail {
    pub name: PluginName,
    pub version: PluginVersion,
    pub language: PluginLanguage,
    pub source: String,
    pub limits: Limits,
    /// JSON object.
    pub settings: String,
    pub topics: Vec<TopicTarget>,
    /// With their versions, of those topics that have one.
    pub schemas: HashMap<TopicName, (u64, TopicSchema)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicTarget {
    pub topic: TopicName,
    pub uri: SinkUri,
    pub mode: String,
    pub options: TopicOptions,
    /// What the plugin's source says of its columns.
    pub declared: TopicSchema,
}

const DETAILS: &str = "SELECT r.path, d.path, l.name, l.racy, l.inode, l.size, l.mtime_ns, l.ctime_ns, v.id, h.content_hash, v.size, j.manifest_id, j.id
    FROM processing_job j
    JOIN file_version v ON v.id = j.file_version_id
    JOIN file_hash_registry h ON h.id = v.content_id
    JOIN file_location l ON l.id = j.location_id
    JOIN directory d ON d.id = l.directory_id
    JOIN source_root r ON r.id = d.source_root_id
    WHERE j.id IN ";

impl SentinelTx {
    pub async fn job_details(
        &mut self,
        jobs: &[JobId],
    ) -> Result<HashMap<JobId, JobDetail>, CatalogError> {
        let mut details = HashMap::with_capacity(jobs.len());
        for chunk in jobs.chunks(ROWS_MAX) {
            let query = Bulk::list(DETAILS, chunk.iter().map(|job| job.get()));
            for row in query.fetch(&mut self.tx).await? {
                let detail = JobDetail {
                    job: JobId::new(row.try_get(12)?),
                    root: row.try_get(0)?,
                    directory: row.try_get(1)?,
                    name: row.try_get(2)?,
                    racy: row.try_get(3)?,
                    stat: stat(&row, 4)?,
                    version: VersionId::new(row.try_get(8)?),
                    hash: content_hash(&row, 9)?,
                    size: row.try_get::<i64, _>(10)?.cast_unsigned(),
                    manifest: ManifestId::new(row.try_get(11)?),
                };
                details.insert(detail.job, detail);
            }
        }
        Ok(details)
    }

    pub async fn manifest_detail(
        &mut self,
        manifest: ManifestId,
    ) -> Result<ManifestDetail, CatalogError> {
        let sql = "SELECT m.plugin_name, m.source_hash, m.source_code, c.limits, c.settings, m.language
                   FROM plugin_manifest m JOIN plugin_config c ON c.plugin_name = m.plugin_name WHERE m.id = $1";
        let row = db::query(sql).bind(manifest.get()).fetch_one(&mut *self.tx).await?;
        let name: String = row.try_get(0)?;
        let version: Vec<u8> = row.try_get(1)?;
        let limits: String = row.try_get(3)?;
        let topics = self.topic_targets(&name).await?;
        let names = topics.iter().map(|target| target.topic.as_str()).collect();
        Ok(ManifestDetail {
            schemas: self.latest_schemas(&names).await?,
            version: PluginVersion::try_from(version.as_slice())
                .map_err(|error| CatalogError::corrupt(error.to_string()))?,
            language: parsed(row.try_get(5)?)?,
            source: row.try_get(2)?,
            limits: from_json(&limits)?,
            settings: row.try_get(4)?,
            topics,
            name: parsed(&name)?,
        })
    }

    pub(crate) async fn topic_targets(
        &mut self,
        plugin: &str,
    ) -> Result<Vec<TopicTarget>, CatalogError> {
        let sql = "SELECT topic_name, uri, mode, options, schema_json FROM topic_config WHERE plugin_name = $1 ORDER BY position";
        let rows = db::query(sql).bind(plugin).fetch_all(&mut *self.tx).await?;
        let target = |row: &Row| -> Result<TopicTarget, CatalogError> {
            let (topic, uri): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let (options, declared): (String, Option<String>) = (row.try_get(3)?, row.try_get(4)?);
            Ok(TopicTarget {
                topic: parsed(&topic)?,
                uri: parsed(&uri)?,
                mode: row.try_get(2)?,
                options: from_json(&options)?,
                declared: declared.map(|text| from_json(&text)).transpose()?.unwrap_or_default(),
            })
        };
        rows.iter().map(target).collect()
    }
}
