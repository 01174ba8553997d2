//! Topics: where they go, and what lies there.

use crate::db::{self, Catalog, Row, unsigned};
use crate::error::CatalogError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicRow {
    pub topic: String,
    pub uri: String,
    /// Plugins that publish to it, separated by commas; empty when none does any more.
    pub plugins: String,
    pub rows: u64,
    pub files: u64,
    pub size_bytes: u64,
    pub jobs: u64,
    /// Rows that fit no column of it; the same for each of its places.
    pub rows_quarantined: u64,
}

impl Catalog {
    pub async fn topics(&self) -> Result<Vec<TopicRow>, CatalogError> {
        let sql = "WITH names AS (SELECT DISTINCT topic_name AS topic, uri FROM topic_config
                                  UNION SELECT DISTINCT topic, uri FROM artifact WHERE state = 'CURRENT' AND in_quarantine = 0)
                   SELECT n.topic, n.uri,
                       coalesce((SELECT string_agg(plugin_name, ',') FROM topic_config c WHERE c.topic_name = n.topic AND c.uri = n.uri), '') AS plugins,
                       coalesce(a.rows, 0) AS rows, coalesce(a.jobs, 0) AS jobs, coalesce(f.files, 0) AS files, coalesce(f.size_bytes, 0) AS size_bytes,
                       CAST(coalesce((SELECT sum(q.rows) FROM artifact q WHERE q.topic = n.topic AND q.in_quarantine = 1 AND q.state = 'CURRENT'), 0) AS BIGINT) AS quarantined
                   FROM names n
                   LEFT JOIN (SELECT topic, uri, CAST(sum(rows) AS BIGINT) AS rows, count(DISTINCT job_id) AS jobs
                              FROM artifact WHERE state = 'CURRENT' AND in_quarantine = 0 GROUP BY topic, uri) a ON a.topic = n.topic AND a.uri = n.uri
                   LEFT JOIN (SELECT topic, uri, count(*) AS files, CAST(sum(size_bytes) AS BIGINT) AS size_bytes
                              FROM output_file o WHERE artifacts > 0
                                  AND EXISTS (SELECT 1 FROM artifact c WHERE c.file_id = o.id AND c.state = 'CURRENT')
                              GROUP BY topic, uri) f ON f.topic = n.topic AND f.uri = n.uri
                   ORDER BY n.topic, n.uri";
        let rows = db::query(sql).fetch_all(self.readers()).await?;
        let topic = |row: &Row| -> Result<TopicRow, CatalogError> {
            Ok(TopicRow {
                topic: row.try_get("topic")?,
                uri: row.try_get("uri")?,
                plugins: row.try_get("plugins")?,
                rows: unsigned(row, "rows")?,
                files: unsigned(row, "files")?,
                size_bytes: unsigned(row, "size_bytes")?,
                jobs: unsigned(row, "jobs")?,
                rows_quarantined: unsigned(row, "quarantined")?,
            })
        };
        rows.iter().map(topic).collect()
    }
}
