//! What the rows of topics look like, and have looked like.

use crate::db::{self, Catalog, Row, from_json};
use crate::error::CatalogError;
use protocol::{JobId, TopicSchema};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaRow {
    pub topic: String,
    /// From 1 on.
    pub version: u64,
    pub schema: TopicSchema,
    /// Whose rows it came with; None: a plugin's source says it.
    pub job: Option<JobId>,
    pub created_at_us: i64,
}

impl Catalog {
    /// Of one topic or of all, the oldest first.
    pub async fn schemas(&self, topic: Option<&str>) -> Result<Vec<SchemaRow>, CatalogError> {
        let sql = "SELECT topic, version, schema_json, job_id, created_at_us FROM topic_schema
                   WHERE topic = $1 OR $1 IS NULL ORDER BY topic, version";
        let topic = topic.map(str::to_owned);
        let rows = db::query(sql).bind(&topic).fetch_all(self.readers()).await?;
        let schema = |row: &Row| -> Result<SchemaRow, CatalogError> {
            let text: String = row.try_get(2)?;
            Ok(SchemaRow {
                topic: row.try_get(0)?,
                version: row.try_get::<i64, _>(1)?.cast_unsigned(),
                schema: from_json(&text)?,
                job: row.try_get::<Option<i64>, _>(3)?.map(JobId::new),
                created_at_us: row.try_get(4)?,
            })
        };
        rows.iter().map(schema).collect()
    }
}
