//! What a command asks of the Sentinel: left in the catalog, and its answer awaited where a Sentinel is live.

use super::context::{Context, block_on, open_existing};
use crate::config::Settings;
use crate::failure::Failure;
use crate::roles::{active_sentinel, host};
use catalog::{Catalog, NewRequest, RefusedJob, RequestReport};
use control::clock::{Clock, SystemClock};
use protocol::RequestId;
use serde_json::{Value, json};
use std::time::Duration;

/// A live Sentinel looks for requests many times in this.
const TRIES: u32 = 60;
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

pub struct Left {
    pub id: RequestId,
    /// None: not yet.
    pub report: Option<RequestReport>,
    pub is_live: bool,
}

pub fn leave(
    context: &Context,
    settings: &Settings,
    request: &NewRequest,
) -> Result<Left, Failure> {
    let by = format!("{}@{}", context.environment.user(), host());
    block_on(async {
        let catalog = open_existing(settings).await?;
        let is_live = active_sentinel(settings, &catalog).await.is_some();
        let id = catalog.leave_request(request, &by, SystemClock.now_us()).await?;
        let report = if is_live { answer(&catalog, id).await? } else { None };
        catalog.close().await;
        Ok(Left { id, report, is_live })
    })
}

async fn answer(catalog: &Catalog, id: RequestId) -> Result<Option<RequestReport>, Failure> {
    for _ in 0..TRIES {
        if let Some(report) = catalog.request_report(id).await? {
            return match report.error {
                Some(error) => Err(Failure::usage(error)),
                None => Ok(Some(report)),
            };
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    Ok(None)
}

impl Left {
    /// What to say when there is no answer; `next` is what the next Sentinel does.
    pub fn without_answer(&self, next: &str) -> String {
        if self.is_live {
            return "the Sentinel has the request and has not answered yet".to_owned();
        }
        format!("no Sentinel is live: the next `casparian run` or `casparian serve` {next}")
    }
}

pub fn refused_documents(refused: &[RefusedJob]) -> Vec<Value> {
    let document = |one: &RefusedJob| json!({ "job": one.job.to_string(), "reason": one.reason });
    refused.iter().map(document).collect()
}
