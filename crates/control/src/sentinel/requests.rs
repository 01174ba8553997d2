//! What people ask for, carried out a piece at a time.

use super::decide::AbortedAttempt;
use crate::backfill::{BackfillError, Selection, carry_out_page};
use catalog::{Catalog, CatalogError, NewRequest, PendingRequest, RequestReport, SentinelTx};
use protocol::LocationId;
use std::path::Path;

const UNKNOWN: &str = "this version of casparian does not know such a request";

/// Returns the attempts whose workers are to be told.
pub(super) async fn carry_out(
    catalog: &Catalog,
    tx: &mut SentinelTx,
    now_us: i64,
) -> Result<Vec<AbortedAttempt>, CatalogError> {
    let mut aborted = Vec::new();
    for pending in tx.pending_requests().await? {
        let PendingRequest { id, request, requested_by, mut so_far } = pending;
        let more = match request {
            Some(NewRequest::Retry { selection }) => {
                let retried = tx.retry(&selection, now_us).await?;
                so_far.jobs += retried.queued;
                so_far.refused.extend(retried.refused);
                retried.more
            }
            Some(NewRequest::Abort { jobs }) => {
                let done = tx.abort(&jobs, &requested_by, now_us).await?;
                so_far.jobs += done.aborted;
                so_far.refused.extend(done.refused);
                let reason = format!("aborted by {requested_by}");
                let attempt = |job| AbortedAttempt { job, reason: reason.clone() };
                aborted.extend(done.running.into_iter().map(attempt));
                false
            }
            Some(NewRequest::Restore { jobs, artifacts }) => {
                let restored = tx.restore(&jobs, &artifacts, now_us).await?;
                so_far.jobs += restored.queued;
                so_far.refused.extend(restored.refused);
                false
            }
            Some(NewRequest::Backfill { plugin, selection }) => {
                backfill(catalog, tx, (&plugin, &selection), &mut so_far, now_us).await?
            }
            None => {
                so_far = RequestReport { error: Some(UNKNOWN.to_owned()), ..so_far };
                false
            }
        };
        if more {
            tx.continue_request(id, &so_far).await?;
        } else {
            tx.answer_request(id, &so_far, now_us).await?;
        }
    }
    Ok(aborted)
}

/// Whether there is more of it.
async fn backfill(
    catalog: &Catalog,
    tx: &mut SentinelTx,
    (plugin, selection): (&str, &str),
    so_far: &mut RequestReport,
    now_us: i64,
) -> Result<bool, CatalogError> {
    let texts = Some(selection).filter(|text| !text.is_empty());
    let selection = match Selection::parse(texts.as_slice(), now_us, Path::new("/")) {
        Ok(selection) => selection,
        Err(error) => {
            so_far.error = Some(error.to_string());
            return Ok(false);
        }
    };
    let after = so_far.after.unwrap_or(LocationId::new(0));
    match carry_out_page(catalog, tx, plugin, &selection, after, now_us).await {
        Ok((jobs, next)) => {
            so_far.jobs += jobs;
            so_far.after = next;
            Ok(next.is_some())
        }
        Err(BackfillError::Catalog(error)) => Err(error),
        Err(error @ BackfillError::NotActive { .. }) => {
            so_far.error = Some(error.to_string());
            Ok(false)
        }
    }
}
