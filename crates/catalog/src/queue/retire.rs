//! Files that nobody needs leave the topic's directory: workers are told until they say that it is done.

use crate::db::{self, Bulk, ROWS_MAX, Row, parsed};
use crate::error::CatalogError;
use crate::roles::SentinelTx;
use protocol::{JobAttempt, JobId, OutputFileId, Retirement};

impl SentinelTx {
    pub async fn retirements(&mut self, limit: usize) -> Result<Vec<Retirement>, CatalogError> {
        let sql = "SELECT id, topic, uri, file, commit_id, attempt, NOT EXISTS (SELECT 1 FROM artifact a WHERE a.file_id = output_file.id)
                   FROM output_file WHERE artifacts = 0 AND retired = 0 ORDER BY id LIMIT $1";
        let rows = db::query(sql).bind(limit as i64).fetch_all(&mut *self.tx).await?;
        let retirement = |row: &Row| -> Result<Retirement, CatalogError> {
            let (topic, uri): (String, String) = (row.try_get(1)?, row.try_get(2)?);
            Ok(Retirement {
                id: OutputFileId::new(row.try_get(0)?),
                job: JobAttempt { id: JobId::new(row.try_get(4)?), attempt: row.try_get(5)? },
                topic: parsed(&topic)?,
                uri: parsed(&uri)?,
                file: row.try_get(3)?,
                // What was in it has moved.
                copied: row.try_get(6)?,
            })
        };
        rows.iter().map(retirement).collect()
    }

    pub async fn mark_retired(&mut self, files: &[OutputFileId]) -> Result<(), CatalogError> {
        for chunk in files.chunks(ROWS_MAX) {
            let ids: Vec<i64> = chunk.iter().map(|file| file.get()).collect();
            let update =
                "UPDATE output_file SET retired = 1 WHERE artifacts = 0 AND retired = 0 AND id IN ";
            Bulk::ids(update, &ids).execute(&mut self.tx).await?;
            // Nothing leads to an artifact whose job is gone.
            let delete = "DELETE FROM artifact WHERE state = 'SUPERSEDED'
                          AND NOT EXISTS (SELECT 1 FROM processing_job j WHERE j.id = artifact.job_id) AND file_id IN ";
            Bulk::ids(delete, &ids).execute(&mut self.tx).await?;
            let delete = "DELETE FROM output_file WHERE retired = 1
                          AND NOT EXISTS (SELECT 1 FROM artifact a WHERE a.file_id = output_file.id) AND id IN ";
            Bulk::ids(delete, &ids).execute(&mut self.tx).await?;
        }
        Ok(())
    }
}
