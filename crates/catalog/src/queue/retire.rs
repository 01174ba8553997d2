//! Superseded files leave the topic's directory: workers are told until they say that it is done.

use crate::db::{self, Bulk, ROWS_MAX, Row, parsed};
use crate::error::CatalogError;
use crate::roles::SentinelTx;
use protocol::{ArtifactId, JobAttempt, JobId, Retirement};

impl SentinelTx {
    pub async fn retirements(&mut self, limit: usize) -> Result<Vec<Retirement>, CatalogError> {
        let sql = "SELECT id, topic, uri, file, job_id, attempt FROM artifact WHERE state = 'SUPERSEDED' AND retired = 0 ORDER BY id LIMIT $1";
        let rows = db::query(sql).bind(limit as i64).fetch_all(&mut *self.tx).await?;
        let retirement = |row: &Row| -> Result<Retirement, CatalogError> {
            let (topic, uri): (String, String) = (row.try_get(1)?, row.try_get(2)?);
            let artifact = ArtifactId::new(row.try_get(0)?);
            Ok(Retirement {
                artifact,
                job: JobAttempt { id: JobId::new(row.try_get(4)?), attempt: row.try_get(5)? },
                topic: parsed(&topic)?,
                uri: parsed(&uri)?,
                file: row.try_get(3)?,
            })
        };
        rows.iter().map(retirement).collect()
    }

    pub async fn mark_retired(&mut self, artifacts: &[ArtifactId]) -> Result<(), CatalogError> {
        for chunk in artifacts.chunks(ROWS_MAX) {
            let update = "UPDATE artifact SET retired = 1 WHERE state = 'SUPERSEDED' AND retired = 0 AND id IN ";
            let ids = chunk.iter().map(|artifact| artifact.get());
            Bulk::list(update, ids).execute(&mut self.tx).await?;
            // Nothing leads to an artifact whose job is gone.
            let delete = "DELETE FROM artifact WHERE retired = 1 AND job_id NOT IN (SELECT id FROM processing_job WHERE id = artifact.job_id) AND id IN ";
            let ids = chunk.iter().map(|artifact| artifact.get());
            Bulk::list(delete, ids).execute(&mut self.tx).await?;
        }
        Ok(())
    }
}
