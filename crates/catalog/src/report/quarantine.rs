//! Rows that fit no column: how many, of which files, and why.

use super::files::joined;
use crate::db::{self, Catalog, Row, from_json, unsigned};
use crate::error::CatalogError;
use protocol::{JobId, QuarantineReason};

/// What is in quarantine of one job and topic, and current.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineRow {
    pub job: JobId,
    pub topic: String,
    pub plugin: String,
    pub root: Vec<u8>,
    /// Relative to the root.
    pub path: Vec<u8>,
    pub rows: u64,
    pub reasons: Vec<QuarantineReason>,
    /// Where they lie.
    pub uri: String,
    pub file: String,
}

impl Catalog {
    /// The latest first. What a later result replaced is not in it.
    pub async fn quarantine(
        &self,
        topic: Option<&str>,
        limit: usize,
    ) -> Result<Vec<QuarantineRow>, CatalogError> {
        let sql = "SELECT a.job_id, a.topic, j.plugin_name, r.path AS root, d.path AS directory, l.name, a.rows, q.reasons, a.uri, f.file
                   FROM artifact a JOIN output_file f ON f.id = a.file_id JOIN processing_job j ON j.id = a.job_id JOIN quarantine q ON q.job_id = a.job_id AND q.topic = a.topic
                       JOIN file_location l ON l.id = j.location_id JOIN directory d ON d.id = l.directory_id JOIN source_root r ON r.id = d.source_root_id
                   WHERE a.state = 'CURRENT' AND a.in_quarantine = 1 AND (a.topic = $1 OR $1 IS NULL) ORDER BY a.id DESC LIMIT $2";
        let topic = topic.map(str::to_owned);
        let query = db::query(sql).bind(&topic).bind(limit as i64);
        let rows = query.fetch_all(self.readers()).await?;
        let one = |row: &Row| -> Result<QuarantineRow, CatalogError> {
            let (directory, name): (Vec<u8>, Vec<u8>) =
                (row.try_get("directory")?, row.try_get("name")?);
            let reasons: String = row.try_get("reasons")?;
            Ok(QuarantineRow {
                job: JobId::new(row.try_get(0)?),
                topic: row.try_get(1)?,
                plugin: row.try_get("plugin_name")?,
                root: row.try_get("root")?,
                path: joined(directory, name),
                rows: unsigned(row, "rows")?,
                reasons: from_json(&reasons)?,
                uri: row.try_get("uri")?,
                file: row.try_get("file")?,
            })
        };
        rows.iter().map(one).collect()
    }
}
