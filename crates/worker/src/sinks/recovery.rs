//! Finishing a job whose worker was lost after the grant: all of its outputs become final, or none is.

use super::parquet::{Found, PromoteOutcome, Promotion, Take};
use super::{SinkError, Sinks};
use protocol::{JobAttempt, StagedOutput};
use std::time::Instant;

/// A later recoverer may take a file between two steps of this one.
const ROUNDS: usize = 3;

#[derive(Debug, Clone, Copy)]
pub struct RecoverTarget<'a> {
    pub job: JobAttempt,
    pub recovery: u32,
    pub outputs: &'a [StagedOutput],
    /// Until then nobody else may hold the job, so that what is published of it may be taken back. None: it is not known.
    pub alone_until: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    Complete,
    /// Something is gone for good. Nothing was taken back yet: first the Sentinel must say that the job is still ours.
    Incomplete,
    /// Something is gone for good, and nothing of the job is published any more: the file has to run again.
    Lost,
    /// A later recovery has it, or may have.
    Overtaken,
}

impl Sinks {
    pub fn recover(&self, target: &RecoverTarget<'_>) -> Result<Recovered, SinkError> {
        let take = Take { job: target.job, recovery: target.recovery };
        for _ in 0..ROUNDS {
            let mut found = self.find_all(take, target.outputs)?;
            if found.contains(&Found::Gone) {
                // A file that another recoverer renames meanwhile can be missed once.
                found = self.find_all(take, target.outputs)?;
            }
            if found.contains(&Found::Gone) {
                return self.give_up(take, target, &found);
            }
            if self.finish(take, target.outputs)? {
                return Ok(Recovered::Complete);
            }
        }
        Ok(Recovered::Overtaken)
    }

    /// All are looked at before one is promoted, so that nothing of a job that has to run again gets published anew.
    fn find_all(&self, take: Take, outputs: &[StagedOutput]) -> Result<Vec<Found>, SinkError> {
        outputs.iter().map(|output| take.find(&*self.staging(&output.uri)?, output)).collect()
    }

    /// False when a later recovery took a file away meanwhile.
    fn finish(&self, take: Take, outputs: &[StagedOutput]) -> Result<bool, SinkError> {
        let mut promotion = Promotion::default();
        for output in outputs {
            let staging = self.staging(&output.uri)?;
            let outcome = promotion.promote(&staging, &take.file(), output)?;
            if outcome == PromoteOutcome::Taken && take.find(&staging, output)? != Found::Final {
                return Ok(false);
            }
        }
        // What was found promoted may not be durable yet either.
        for output in outputs {
            promotion.touch(&self.staging(&output.uri)?);
        }
        promotion.sync().map(|()| true)
    }

    /// The run to come publishes under the same names, so what was published must go before it is reported as lost. That is the one
    /// step of a recovery that could harm somebody else's: the later attempt whose rows these may be.
    fn give_up(
        &self,
        take: Take,
        target: &RecoverTarget<'_>,
        found: &[Found],
    ) -> Result<Recovered, SinkError> {
        let Some(alone_until) = target.alone_until else { return Ok(Recovered::Incomplete) };
        for (output, found) in target.outputs.iter().zip(found) {
            let staging = self.staging(&output.uri)?;
            if Instant::now() >= alone_until {
                return Ok(Recovered::Overtaken);
            }
            take.take_back(&staging, output, *found)?;
        }
        Ok(Recovered::Lost)
    }
}
