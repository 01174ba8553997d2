//! What commands ask of the Sentinel: a row that it carries out, at once or at its next start.

use crate::db::{self, Catalog, Role, Row, from_json, to_json};
use crate::error::CatalogError;
use crate::roles::SentinelTx;
use protocol::{ArtifactId, JobId, LocationId, RequestId};
use std::fmt;

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
    Retry {
        selection: RetrySelection,
    },
    Abort {
        jobs: Vec<JobId>,
    },
    /// Files of a plugin that were processed before, once more.
    Backfill {
        plugin: String,
        /// Which of them.
        selection: String,
    },
    /// What `verify` found lost: jobs whose output is not there, artifacts whose job is not there.
    Restore {
        jobs: Vec<JobId>,
        artifacts: Vec<ArtifactId>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRequest {
    pub id: RequestId,
    /// None: it is of a kind that this version does not know.
    pub request: Option<NewRequest>,
    /// user@host.
    pub requested_by: String,
    /// Of a large one that is carried out piece by piece.
    pub so_far: RequestReport,
}

/// What came of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct RequestReport {
    /// Jobs that were moved as was asked.
    pub jobs: u64,
    pub refused: Vec<RefusedJob>,
    /// A large one goes on after this location.
    pub after: Option<LocationId>,
    /// Why nothing could be done at all.
    pub error: Option<String>,
}

/// A job that stays as it is, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RefusedJob {
    pub job: JobId,
    pub reason: String,
}

impl RefusedJob {
    pub fn new(job: JobId, reason: &str) -> Self {
        Self { job, reason: reason.to_owned() }
    }
}

impl fmt::Display for RefusedJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job {}: {}", self.job, self.reason)
    }
}

impl NewRequest {
    fn kind(&self) -> &'static str {
        match self {
            Self::Retry { .. } => "retry",
            Self::Abort { .. } => "abort",
            Self::Restore { .. } => "restore",
            Self::Backfill { .. } => "backfill",
        }
    }
}

impl Catalog {
    pub async fn leave_request(
        &self,
        request: &NewRequest,
        requested_by: &str,
        now_us: i64,
    ) -> Result<RequestId, CatalogError> {
        let payload = to_json(request)?;
        let id = self.ids().await?.next(now_us);
        let (mut tx, _turn) = self.begin(Role::Sentinel).await?;
        let sql = "INSERT INTO request (id, kind, payload, state, requested_by, requested_at_us) VALUES ($1, $2, $3, 'NEW', $4, $5)";
        let query = db::query(sql).bind(id).bind(request.kind()).bind(payload);
        let query = query.bind(requested_by).bind(now_us);
        query.execute(&mut *tx).await?;
        tx.wake().await?;
        tx.commit().await?;
        Ok(RequestId::new(id))
    }

    /// The answer, once the Sentinel has given one.
    pub async fn request_report(
        &self,
        id: RequestId,
    ) -> Result<Option<RequestReport>, CatalogError> {
        let sql = "SELECT result FROM request WHERE id = $1 AND state <> 'NEW'";
        let row = db::query(sql).bind(id.get()).fetch_optional(self.readers()).await?;
        row.map(|row| from_json(row.try_get(0)?)).transpose()
    }
}

impl SentinelTx {
    pub async fn pending_requests(&mut self) -> Result<Vec<PendingRequest>, CatalogError> {
        let sql = "SELECT id, payload, requested_by, coalesce(result, '{}') FROM request WHERE state = 'NEW' ORDER BY id LIMIT 100";
        let rows = db::query(sql).fetch_all(&mut *self.tx).await?;
        let request = |row: &Row| -> Result<PendingRequest, CatalogError> {
            let payload: &str = row.try_get(1)?;
            Ok(PendingRequest {
                id: RequestId::new(row.try_get(0)?),
                request: from_json(payload).ok(),
                requested_by: row.try_get(2)?,
                so_far: from_json(row.try_get(3)?)?,
            })
        };
        rows.iter().map(request).collect()
    }

    /// There is more of it to do.
    pub async fn continue_request(
        &mut self,
        id: RequestId,
        so_far: &RequestReport,
    ) -> Result<(), CatalogError> {
        let sql = "UPDATE request SET result = $2 WHERE id = $1 AND state = 'NEW'";
        let query = db::query(sql).bind(id.get()).bind(to_json(so_far)?);
        query.execute(&mut *self.tx).await?;
        Ok(())
    }

    pub async fn answer_request(
        &mut self,
        id: RequestId,
        report: &RequestReport,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let sql = "UPDATE request SET state = 'DONE', result = $2, done_at_us = $3 WHERE id = $1";
        let query = db::query(sql).bind(id.get()).bind(to_json(report)?).bind(now_us);
        query.execute(&mut *self.tx).await?;
        Ok(())
    }
}
