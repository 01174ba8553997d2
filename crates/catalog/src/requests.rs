//! What commands ask of the Sentinel: a row that it carries out, at once or at its next start.

use crate::db::{Catalog, Role, from_json, parsed, to_json};
use crate::error::CatalogError;
use crate::roles::SentinelTx;
use protocol::{JobId, RequestId};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// Which spent jobs get another chance.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetrySelection {
    Jobs(Vec<JobId>),
    Failed { plugin: Option<String> },
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum NewRequest {
    Retry { selection: RetrySelection },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRequest {
    pub id: RequestId,
    pub request: NewRequest,
    /// Of a large one that is carried out piece by piece: jobs until now.
    pub done: u64,
}

impl Catalog {
    pub async fn leave_request(
        &self,
        request: &NewRequest,
        requested_by: &str,
        now_us: i64,
    ) -> Result<RequestId, CatalogError> {
        let payload = to_json(request)?;
        let NewRequest::Retry { .. } = request;
        let id = self.ids().await?.next(now_us);
        let (mut tx, _turn) = self.begin(Role::Sentinel).await?;
        let sql = "INSERT INTO request (id, kind, payload, state, requested_by, requested_at_us) VALUES ($1, 'retry', $2, 'NEW', $3, $4)";
        let query = sqlx::query(sql).bind(id).bind(payload).bind(requested_by).bind(now_us);
        query.execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(RequestId::new(id))
    }

    /// The answer, once the Sentinel has given one.
    pub async fn request_result(&self, id: RequestId) -> Result<Option<String>, CatalogError> {
        let sql = "SELECT result FROM request WHERE id = $1 AND state <> 'NEW'";
        let row = sqlx::query(sql).bind(id.get()).fetch_optional(self.readers()).await?;
        row.map(|row| Ok(row.try_get::<Option<String>, _>(0)?.unwrap_or_default())).transpose()
    }
}

impl SentinelTx {
    pub async fn pending_requests(&mut self) -> Result<Vec<PendingRequest>, CatalogError> {
        let sql = "SELECT id, payload, coalesce(result, '0') FROM request WHERE state = 'NEW' ORDER BY id LIMIT 100";
        let rows = sqlx::query(sql).fetch_all(&mut *self.tx).await?;
        let request = |row: &SqliteRow| -> Result<PendingRequest, CatalogError> {
            let payload: String = row.try_get(1)?;
            Ok(PendingRequest {
                id: RequestId::new(row.try_get(0)?),
                request: from_json(&payload)?,
                done: parsed(row.try_get(2)?)?,
            })
        };
        rows.iter().map(request).collect()
    }

    /// There is more of it to do.
    pub async fn continue_request(&mut self, id: RequestId, done: u64) -> Result<(), CatalogError> {
        let sql = "UPDATE request SET result = $2 WHERE id = $1 AND state = 'NEW'";
        let query = sqlx::query(sql).bind(id.get()).bind(done.to_string());
        query.execute(&mut *self.tx).await?;
        Ok(())
    }

    pub async fn answer_request(
        &mut self,
        id: RequestId,
        result: &str,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let sql = "UPDATE request SET state = 'DONE', result = $2, done_at_us = $3 WHERE id = $1";
        let query = sqlx::query(sql).bind(id.get()).bind(result).bind(now_us);
        query.execute(&mut *self.tx).await?;
        Ok(())
    }
}
