//! Finishing a job whose worker was lost after the grant: all of its outputs become final, or the file runs again.
//!
//! A file of the attempt only ever rises: staged (0), taken by recovery 1, 2, ..., final. Nobody takes from a higher recovery than his own,
//! so an earlier recoverer that was asleep can undo nothing. Nothing that is final is taken back either: when something is gone, the
//! Sentinel queues the file again and has what this attempt published moved away, and the next attempt's files have other names.

use super::databases::{Committed, PendingLoad};
use super::parquet::{Found, PromoteOutcome, Promotion, Take, is_there};
use super::{SinkError, Sinks};
use protocol::{CrashPoint, JobAttempt, SinkUri, StagedOutput, crash_point};

/// More earlier recoverers than this are not at work at one moment: each is the last one of another worker.
const LOOKS_MAX: u32 = 16;

#[derive(Debug, Clone, Copy)]
pub struct RecoverTarget<'a> {
    pub job: JobAttempt,
    pub recovery: u32,
    pub outputs: &'a [StagedOutput],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    Complete,
    /// Something is gone for good: the file has to run again.
    Lost,
    /// A later recovery has it.
    Overtaken,
}

impl Sinks {
    pub fn recover(&self, target: &RecoverTarget<'_>) -> Result<Recovered, SinkError> {
        let take = Take { job: target.job, recovery: target.recovery };
        crash_point(CrashPoint::RecoverBeforeTake);
        let mut found = self.find_all(take, target.outputs)?;
        crash_point(CrashPoint::RecoverFound);
        // A file that an earlier recoverer moves while we look can be missed, once for each of them.
        for _ in 0..target.recovery.min(LOOKS_MAX) {
            if !found.contains(&Found::Gone) {
                break;
            }
            found = self.find_all(take, target.outputs)?;
        }
        if found.contains(&Found::Overtaken) {
            return Ok(Recovered::Overtaken);
        }
        if found.contains(&Found::Gone) {
            crash_point(CrashPoint::RecoverLost);
            self.drop_taken(take, target.outputs)?;
            return Ok(Recovered::Lost);
        }
        let is_ours = self.finish(take, target.outputs)?;
        Ok(if is_ours { Recovered::Complete } else { Recovered::Overtaken })
    }

    /// All are looked at before one is promoted, so that nothing of a job that has to run again gets published anew.
    fn find_all(&self, take: Take, outputs: &[StagedOutput]) -> Result<Vec<Found>, SinkError> {
        outputs.iter().map(|output| self.find(take, output)).collect()
    }

    fn find(&self, take: Take, output: &StagedOutput) -> Result<Found, SinkError> {
        let staging = self.staging(&output.uri)?;
        let found = take.find_staged(&staging, output)?;
        if found != Found::Gone {
            return Ok(found);
        }
        // Last: whatever moved there while the staging directories were looked at is seen.
        if matches!(output.uri, SinkUri::Parquet { .. }) {
            let is_final = is_there(&staging.sink, output)?;
            return Ok(if is_final { Found::Final } else { Found::Gone });
        }
        Ok(match self.databases.committed(output, take.job)? {
            Committed::Yes => Found::Final,
            Committed::No => Found::Gone,
            Committed::Overtaken => Found::Overtaken,
        })
    }

    /// False when a later recovery took a file away meanwhile.
    fn finish(&self, take: Take, outputs: &[StagedOutput]) -> Result<bool, SinkError> {
        let mut promotion = Promotion::default();
        for output in outputs {
            let staging = self.staging(&output.uri)?;
            let outcome = match output.uri {
                SinkUri::Parquet { .. } => promotion.promote(&staging, &take.file(), output)?,
                _ => self.load(take, output)?,
            };
            if outcome == PromoteOutcome::Taken && self.find(take, output)? != Found::Final {
                return Ok(false);
            }
            crash_point(CrashPoint::RecoverBetweenRenames);
        }
        // What was found promoted may not be durable yet either.
        for output in outputs.iter().filter(|it| matches!(it.uri, SinkUri::Parquet { .. })) {
            promotion.touch(&self.staging(&output.uri)?);
        }
        crash_point(CrashPoint::RecoverBeforeSync);
        promotion.sync()?;
        crash_point(CrashPoint::RecoverDone);
        Ok(true)
    }

    fn drop_taken(&self, take: Take, outputs: &[StagedOutput]) -> Result<(), SinkError> {
        for output in outputs {
            if !matches!(output.uri, SinkUri::Parquet { .. }) {
                // Its first owner may have it open still.
                self.databases.void(output, take.job)?;
            }
            take.drop_own(&*self.staging(&output.uri)?)?;
        }
        Ok(())
    }

    /// What it replaces is taken out after the receipt.
    fn load(&self, take: Take, output: &StagedOutput) -> Result<PromoteOutcome, SinkError> {
        let load = PendingLoad {
            job: take.job,
            output: output.clone(),
            staging: self.staging(&output.uri)?,
            file: take.file(),
            supersede: Vec::new(),
        };
        self.databases.load(&[load]).remove(0)
    }
}
