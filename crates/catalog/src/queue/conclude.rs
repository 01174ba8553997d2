//! COMMITTING to COMPLETED: the new artifacts are current, what they replace is superseded, in one transaction.

use super::job::Job;
use super::supersede::{Reach, Replacement};
use crate::db::{Bulk, ROWS_MAX, to_json};
use crate::error::CatalogError;
use crate::job_state::JobState;
use crate::roles::SentinelTx;
use protocol::{JobAttempt, JobId, Metrics, SessionToken};
use std::collections::{BTreeMap, HashMap};

#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    pub job: JobAttempt,
    pub metrics: Metrics,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConcludeOutcome {
    /// It is in the catalog, now or since before.
    Completed,
    Refused {
        reason: &'static str,
    },
}

impl SentinelTx {
    /// An answer to each, in their order. Concluding twice changes nothing and gives the same answer.
    pub async fn conclude(
        &mut self,
        receipts: &[Receipt],
        session: &SessionToken,
        now_us: i64,
    ) -> Result<Vec<ConcludeOutcome>, CatalogError> {
        let ids: Vec<JobId> = receipts.iter().map(|receipt| receipt.job.id).collect();
        let jobs = self.jobs(&ids).await?;
        let mut outcomes = Vec::with_capacity(receipts.len());
        let mut new: Vec<(&Job, &Receipt)> = Vec::new();
        let mut places = HashMap::new();
        for receipt in receipts {
            let job = jobs.get(&receipt.job.id);
            let outcome = outcome(job, receipt, session);
            if let Some(job) = job.filter(|job| job.state == JobState::Committing)
                && outcome == ConcludeOutcome::Completed
                && !places.contains_key(&job.id)
            {
                places.insert(job.id, places.len());
                new.push((job, receipt));
            }
            outcomes.push(outcome);
        }
        if !new.is_empty() {
            self.complete(&new, &places, now_us).await?;
        }
        Ok(outcomes)
    }

    async fn complete(
        &mut self,
        new: &[(&Job, &Receipt)],
        places: &HashMap<JobId, usize>,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        for chunk in new.chunks(ROWS_MAX) {
            self.store_receipts(chunk, now_us).await?;
            self.publish(chunk).await?;
            let ids: Vec<i64> = chunk.iter().map(|(job, _)| job.id.get()).collect();
            self.release(&ids).await?;
        }
        let ids: Vec<JobId> = new.iter().map(|(job, _)| job.id).collect();
        let replaced = self.replaced_by(&ids, Reach::Whole).await?;
        self.supersede(&one_after_the_other(replaced, places)).await
    }

    async fn store_receipts(
        &mut self,
        new: &[(&Job, &Receipt)],
        now_us: i64,
    ) -> Result<(), CatalogError> {
        new.iter().try_for_each(|(job, _)| job.check_move(JobState::Completed))?;
        let times = new.iter().map(|(_, receipt)| to_json(&receipt.metrics.ms));
        let times = times.collect::<Result<Vec<String>, CatalogError>>()?;
        let rows: Vec<_> = new.iter().zip(&times).collect();
        let update = "UPDATE processing_job SET rows = v.column2, bytes_in = v.column3, size_bytes = v.column4, quarantined = v.column5,
                          metrics = v.column6, state = 'COMPLETED', is_live = 0, session = NULL, losses = 0, error_class = NULL, error_message = NULL, ended_at_us = ";
        let update = Bulk::new(update).bind(now_us).then(" FROM (");
        let update = update.then_rows(&rows, |mut row, ((job, receipt), times)| {
            let metrics = &receipt.metrics;
            row.push_bind(job.id.get())
                .push_bind(metrics.rows.cast_signed())
                .push_bind(metrics.bytes_in.cast_signed())
                .push_bind(metrics.size_bytes.cast_signed())
                .push_bind(metrics.quarantined.cast_signed())
                .push_bind(times.as_str());
        });
        let update = update.then(") AS v WHERE processing_job.id = v.column1");
        update.execute(&mut self.tx).await?;
        Ok(())
    }

    /// A job that is COMMITTING has the artifacts of that attempt alone.
    async fn publish(&mut self, new: &[(&Job, &Receipt)]) -> Result<(), CatalogError> {
        let update =
            "UPDATE artifact SET state = 'CURRENT' WHERE state = 'PROMOTING' AND job_id IN ";
        let ids = new.iter().map(|(job, _)| job.id.get());
        Bulk::list(update, ids).execute(&mut self.tx).await?;
        Ok(())
    }
}

fn outcome(job: Option<&Job>, receipt: &Receipt, session: &SessionToken) -> ConcludeOutcome {
    let Some(job) = job else {
        return ConcludeOutcome::Refused { reason: "there is no such job" };
    };
    // Whoever was granted it, or was sent to recover it, may report it.
    let session = Some(session.as_str());
    let is_known = job.session.as_deref() == session || job.granted_session.as_deref() == session;
    match job.state {
        JobState::Committing if job.attempt == receipt.job.attempt && is_known => {
            ConcludeOutcome::Completed
        }
        JobState::Completed if job.attempt == receipt.job.attempt => ConcludeOutcome::Completed,
        JobState::Running => ConcludeOutcome::Refused { reason: "the job was not granted" },
        _ => ConcludeOutcome::Refused { reason: "this attempt is over" },
    }
}

/// As if each had been concluded by itself, in the order of the receipts: a result replaces what is there, not what comes after it,
/// and what is replaced once is not replaced again.
fn one_after_the_other(
    replaced: Vec<Replacement>,
    places: &HashMap<JobId, usize>,
) -> Vec<Replacement> {
    let mut first: BTreeMap<JobId, Replacement> = BTreeMap::new();
    for one in replaced {
        let is_before = places.get(&one.old) < places.get(&one.by);
        let is_first = first.get(&one.old).is_none_or(|other| places[&one.by] < places[&other.by]);
        if is_before && is_first {
            first.insert(one.old, one);
        }
    }
    first.into_values().collect()
}
