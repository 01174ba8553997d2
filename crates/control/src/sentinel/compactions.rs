//! The commands on compactions, done.

use super::decide::{Compact, Outcome};
use super::store::Batch;
use catalog::{CatalogError, ConcludeOutcome, GrantOutcome};
use protocol::{Grant, Refusal};

/// After a failure, others come first.
const PUT_OFF_US: i64 = 600_000_000;

impl Batch<'_> {
    pub(super) async fn compact(&mut self, command: Compact) -> Result<Outcome, CatalogError> {
        let now_us = self.now_us();
        match command {
            Compact::Plan { session, but, hidden } => {
                let but = but.into_iter().collect();
                let plan = self.tx().await?.plan_compaction(&but, hidden, now_us).await?;
                Ok(Outcome::CompactionPlanned { session, plan: plan.map(Box::new) })
            }
            Compact::Grant { session, ready, plan } => {
                let tx = self.tx().await?;
                let outcome =
                    tx.grant_compaction(&ready, plan.as_deref(), &session, now_us).await?;
                let (id, attempt, commit_id) = (ready.job, ready.attempt, ready.commit_id);
                let (mut granted, mut refused) = (Vec::new(), Vec::new());
                match outcome {
                    GrantOutcome::Granted { supersede } => {
                        granted.push(Grant { id, attempt, commit_id, supersede });
                    }
                    GrantOutcome::Refused { reason } => {
                        refused.push(Refusal { id, attempt, reason: reason.to_owned() });
                    }
                    GrantOutcome::Deferred => {}
                }
                Ok(Outcome::Granted { session, granted, refused, deferred: Vec::new() })
            }
            Compact::Conclude { session, job } => {
                let tx = self.tx().await?;
                let outcome = tx.conclude_compaction(job, &session).await?;
                let reason = match outcome {
                    ConcludeOutcome::Completed => None,
                    ConcludeOutcome::Refused { reason } => Some(reason),
                };
                let retire = self.retire_now().await?;
                Ok(Outcome::compaction_ended(session, job, reason, retire))
            }
            Compact::PutOff { session, job, files } => {
                self.tx().await?.put_off_compaction(&files, now_us + PUT_OFF_US).await?;
                Ok(Outcome::compaction_ended(session, job, None, Vec::new()))
            }
            Compact::Recover { session, job } => {
                let order = self.tx().await?.recover_compaction(job, &session).await?;
                Ok(Outcome::CompactionRecovery { session, job, order: order.map(Box::new) })
            }
            Compact::Lose { job, recovery } => {
                let taken = self.tx().await?.lose_compaction(job, recovery).await?;
                Ok(Outcome::LostTaken { job, taken })
            }
        }
    }
}
