//! Whatever has not been granted, to ABORTED, because a person wants it.

use super::job::Job;
use crate::db::{Bulk, ROWS_MAX};
use crate::error::CatalogError;
use crate::job_state::JobState;
use crate::requests::RefusedJob;
use crate::roles::SentinelTx;
use protocol::{JobAttempt, JobId, JobKind};
use std::collections::HashSet;

/// What came of an abort.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aborted {
    pub aborted: u64,
    /// Those that a worker has: it is to be told.
    pub running: Vec<JobAttempt>,
    pub refused: Vec<RefusedJob>,
}

impl SentinelTx {
    /// At once, wherever a job is: an attempt that is under way gets no grant any more. What waited for it goes on.
    pub async fn abort(
        &mut self,
        ids: &[JobId],
        by: &str,
        now_us: i64,
    ) -> Result<Aborted, CatalogError> {
        let mut aborted = Aborted::default();
        let mut seen = HashSet::new();
        let ids: Vec<JobId> = ids.iter().copied().filter(|id| seen.insert(*id)).collect();
        for chunk in ids.chunks(ROWS_MAX) {
            self.abort_all(chunk, by, now_us, &mut aborted).await?;
        }
        Ok(aborted)
    }

    async fn abort_all(
        &mut self,
        ids: &[JobId],
        by: &str,
        now_us: i64,
        aborted: &mut Aborted,
    ) -> Result<(), CatalogError> {
        let jobs = self.jobs(ids).await?;
        let mut ending: Vec<&Job> = Vec::with_capacity(ids.len());
        for id in ids {
            let reason = match jobs.get(id) {
                None => "there is no such job",
                Some(job) => match why_not(job) {
                    Some(reason) => reason,
                    None => {
                        ending.push(job);
                        continue;
                    }
                },
            };
            aborted.refused.push(RefusedJob::new(*id, reason));
        }
        self.end_all(&ending, JobState::Aborted, now_us).await?;
        let ended = ending.iter().map(|job| job.id.get());
        let sign = Bulk::new("UPDATE processing_job SET aborted_by = ").bind(by);
        if !ending.is_empty() {
            sign.then_list(" WHERE id IN ", ended).execute(&mut self.tx).await?;
        }
        let running = ending.iter().filter(|job| job.state == JobState::Running);
        let running = running.map(|job| JobAttempt { id: job.id, attempt: job.attempt });
        aborted.running.extend(running);
        aborted.aborted += ending.len() as u64;
        Ok(())
    }
}

fn why_not(job: &Job) -> Option<&'static str> {
    match job.kind {
        JobKind::Retract => Some("it takes the rows of a deleted file out of its topics"),
        _ => job.state.why_not_aborted(),
    }
}
