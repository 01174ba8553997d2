//! The schemas of topics, and their say in a grant: rows that were staged for another schema than the topic has by then are not published.

use super::job::Job;
use crate::db::{self, Bulk, Row, from_json, parsed, to_json};
use crate::error::CatalogError;
use crate::roles::SentinelTx;
use protocol::{JobId, ReadyJob, StagedOutput, TopicName, TopicSchema};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The latest schema of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SchemaVersion {
    pub version: i64,
    pub schema: TopicSchema,
}

/// What the schemas say of one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Say {
    Fits,
    /// The topic has no schema, and an older job that may fix it is under way.
    Waits,
    /// The topic's schema went on: the file runs again, for the schema that there is now.
    Moved,
}

/// The schemas of all topics that a grant touches, as they become with one job after the other.
#[derive(Debug, Clone, Default)]
pub(super) struct Schemas {
    topics: HashMap<TopicName, SchemaVersion>,
    changed: BTreeMap<TopicName, JobId>,
    /// Jobs that run, by topics without a schema that they may publish to.
    running: HashMap<TopicName, BTreeSet<JobId>>,
}

impl Schemas {
    /// None: the topic has none yet.
    pub fn version(&self, topic: &TopicName) -> Option<i64> {
        self.topics.get(topic).map(|one| one.version)
    }

    /// To be asked in the order of the jobs' ids. What fits counts as published.
    pub fn judge(&mut self, job: &Job, ready: &ReadyJob) -> Say {
        // A worker of the original says nothing of columns.
        let says =
            |output: &&StagedOutput| !output.uri.is_quarantine() && !output.schema.is_empty();
        let mut evolved = Vec::new();
        for output in ready.outputs.iter().filter(says) {
            if self.waits(job.id, output) {
                return Say::Waits;
            }
            let known = self.topics.get(&output.topic);
            match known.map(|known| (known, known.schema.evolve(&output.schema))) {
                Some((_, Err(_))) => return Say::Moved,
                Some((known, Ok(next))) if next == known.schema => {}
                // Held against the columns of now the same rows might fit without a wider one: that must not depend on who was faster.
                Some((known, Ok(next)))
                    if output.schema_version.cast_signed() != known.version
                        && next.widens(&known.schema) =>
                {
                    return Say::Moved;
                }
                Some((_, Ok(next))) => evolved.push((&output.topic, next)),
                None => evolved.push((&output.topic, output.schema.clone())),
            }
        }
        for (topic, schema) in evolved {
            self.set(topic, schema, job.id);
        }
        for running in self.running.values_mut() {
            running.remove(&job.id);
        }
        Say::Fits
    }

    fn waits(&self, job: JobId, output: &StagedOutput) -> bool {
        let oldest = self.running.get(&output.topic).and_then(BTreeSet::first);
        !self.topics.contains_key(&output.topic) && oldest.is_some_and(|oldest| *oldest < job)
    }

    /// One grant makes at most one version of a topic's schema.
    fn set(&mut self, topic: &TopicName, schema: TopicSchema, job: JobId) {
        let is_first = self.changed.insert(topic.clone(), job).is_none();
        let known = self.version(topic).unwrap_or(0);
        let version = if is_first { known + 1 } else { known };
        self.topics.insert(topic.clone(), SchemaVersion { version, schema });
    }

    /// It ends or is queued again: nobody waits for it any more.
    pub fn forget(&mut self, job: JobId) {
        for running in self.running.values_mut() {
            running.remove(&job);
        }
    }
}

impl SentinelTx {
    /// Of the topics that these jobs publish to.
    pub(super) async fn schemas_of(&mut self, ready: &[ReadyJob]) -> Result<Schemas, CatalogError> {
        let outputs = ready.iter().flat_map(|one| &one.outputs);
        let topics: BTreeSet<&TopicName> = outputs.map(|output| &output.topic).collect();
        let mut schemas = Schemas::default();
        for topic in topics {
            match self.latest_schema(topic.as_str()).await? {
                Some(latest) => drop(schemas.topics.insert(topic.clone(), latest)),
                None => {
                    let running = self.running_for(topic.as_str()).await?;
                    schemas.running.insert(topic.clone(), running);
                }
            }
        }
        Ok(schemas)
    }

    async fn running_for(&mut self, topic: &str) -> Result<BTreeSet<JobId>, CatalogError> {
        let sql = "SELECT j.id FROM processing_job j WHERE j.session IS NOT NULL AND j.state = 'RUNNING' AND j.kind = 'process'
                       AND j.plugin_name IN (SELECT plugin_name FROM topic_config WHERE topic_name = $1)";
        let rows = db::query(sql).bind(topic).fetch_all(&mut *self.tx).await?;
        rows.iter().map(|row| Ok(JobId::new(row.try_get(0)?))).collect()
    }

    pub(super) async fn store_schemas(
        &mut self,
        schemas: &Schemas,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        for (topic, job) in &schemas.changed {
            if let Some(one) = schemas.topics.get(topic) {
                self.insert_schema(topic.as_str(), one, Some(*job), now_us).await?;
            }
        }
        Ok(())
    }

    async fn latest_schema(&mut self, topic: &str) -> Result<Option<SchemaVersion>, CatalogError> {
        let sql = "SELECT version, schema_json FROM topic_schema WHERE topic = $1 ORDER BY version DESC LIMIT 1";
        let row = db::query(sql).bind(topic).fetch_optional(&mut *self.tx).await?;
        let latest = |row: Row| -> Result<SchemaVersion, CatalogError> {
            let text: String = row.try_get(1)?;
            Ok(SchemaVersion { version: row.try_get(0)?, schema: from_json(&text)? })
        };
        row.map(latest).transpose()
    }

    async fn insert_schema(
        &mut self,
        topic: &str,
        one: &SchemaVersion,
        job: Option<JobId>,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let sql = "INSERT INTO topic_schema (topic, version, schema_json, job_id, created_at_us) VALUES ($1, $2, $3, $4, $5)";
        let query = db::query(sql).bind(topic).bind(one.version).bind(to_json(&one.schema)?);
        query.bind(job.map(JobId::get)).bind(now_us).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Makes the topic's schema say what plugins declare of it now.
    pub(crate) async fn declare_schema(
        &mut self,
        topic: &str,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let sql = "SELECT schema_json FROM topic_config WHERE topic_name = $1 AND schema_json IS NOT NULL ORDER BY plugin_name LIMIT 1";
        let row = db::query(sql).bind(topic).fetch_optional(&mut *self.tx).await?;
        let declared: TopicSchema = match row {
            Some(row) => from_json(&row.try_get::<String, _>(0)?)?,
            None => TopicSchema::default(),
        };
        let latest = self.latest_schema(topic).await?;
        let (version, known) =
            latest.map_or((0, TopicSchema::default()), |it| (it.version, it.schema));
        let schema = known.declare(&declared);
        if schema != known {
            let next = SchemaVersion { version: version + 1, schema };
            self.insert_schema(topic, &next, None, now_us).await?;
        }
        Ok(())
    }

    /// By topic, for those that have one.
    pub(crate) async fn latest_schemas(
        &mut self,
        topics: &BTreeSet<&str>,
    ) -> Result<HashMap<TopicName, (u64, TopicSchema)>, CatalogError> {
        let sql = "SELECT s.topic, s.schema_json, s.version FROM topic_schema s
                   WHERE s.version = (SELECT max(version) FROM topic_schema l WHERE l.topic = s.topic) AND s.topic IN ";
        let rows = Bulk::list(sql, topics.iter().copied()).fetch(&mut self.tx).await?;
        let one = |row: &Row| -> Result<_, CatalogError> {
            let (topic, text): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let version = row.try_get::<i64, _>(2)?.cast_unsigned();
            Ok((parsed(&topic)?, (version, from_json(&text)?)))
        };
        rows.iter().map(one).collect()
    }
}
