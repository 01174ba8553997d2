//! Finishing a commit whose worker was lost after the grant: all outputs of a job become final, or its file runs again.
//!
//! A file of the commit only ever rises: staged (0), taken by recovery 1, 2, ..., final. Nobody takes from a higher recovery than his own,
//! so an earlier recoverer that was asleep can undo nothing. Nothing that is final is taken back either: when something is gone, the
//! Sentinel queues the file again and has what this attempt published moved away or hidden, and the next attempt's files have other names.
//! The jobs of a pack are in the same recovery, so that the order holds for the files that they share.

use super::databases::{Committed, PendingLoad};
use super::parquet::{Found, PromoteOutcome, Promotion, Take, is_there};
use super::{SinkError, Sinks};
use protocol::{Commit, CrashPoint, SinkUri, StagedOutput, crash_point};
use std::collections::{BTreeMap, BTreeSet};

/// More earlier recoverers than this are not at work at one moment: each is the last one of another worker.
const LOOKS_MAX: u32 = 16;

#[derive(Debug, Clone)]
pub struct RecoverTarget<'a> {
    pub commit: Commit,
    pub recovery: u32,
    /// What each of its jobs was granted.
    pub jobs: Vec<&'a [StagedOutput]>,
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
    /// For each of the jobs, in their order.
    pub fn recover(&self, target: &RecoverTarget<'_>) -> Result<Vec<Recovered>, SinkError> {
        let take = Take { commit: target.commit, recovery: target.recovery };
        let files = files_of(target);
        crash_point(CrashPoint::RecoverBeforeTake);
        let mut found = self.find_all(take, &files)?;
        crash_point(CrashPoint::RecoverFound);
        // A file that an earlier recoverer moves while we look can be missed, once for each of them.
        for _ in 0..target.recovery.min(LOOKS_MAX) {
            if !found.contains(&Found::Gone) {
                break;
            }
            found = self.find_all(take, &files)?;
        }
        if found.contains(&Found::Overtaken) {
            return Ok(vec![Recovered::Overtaken; target.jobs.len()]);
        }
        let gone = files.iter().zip(&found).filter(|(_, found)| **found == Found::Gone);
        let gone = gone.map(|(file, _)| &file.uri).collect::<BTreeSet<_>>();
        let is_lost = |job: &&[StagedOutput]| job.iter().any(|output| gone.contains(&output.uri));
        let kept = target.jobs.iter().filter(|job| !is_lost(job)).copied().flatten();
        let kept = kept.map(|output| &output.uri).collect::<BTreeSet<_>>();
        let (needed, useless): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|file| kept.contains(&file.uri));
        if !gone.is_empty() {
            crash_point(CrashPoint::RecoverLost);
            self.drop_taken(take, &useless)?;
        }
        let is_ours = self.finish(take, &needed)?;
        let became = |job: &&[StagedOutput]| match (is_lost(job), is_ours) {
            (true, _) => Recovered::Lost,
            (false, true) => Recovered::Complete,
            (false, false) => Recovered::Overtaken,
        };
        Ok(target.jobs.iter().map(became).collect())
    }

    /// All are looked at before one is promoted, so that nothing of a job that has to run again gets published anew.
    fn find_all(&self, take: Take, files: &[&StagedOutput]) -> Result<Vec<Found>, SinkError> {
        files.iter().map(|file| self.find(take, file)).collect()
    }

    fn find(&self, take: Take, output: &StagedOutput) -> Result<Found, SinkError> {
        let staging = self.staging(&output.uri)?;
        let found = take.find_staged(&staging, output)?;
        // Last: whatever moved there while the staging directories were looked at is seen.
        if matches!(output.uri, SinkUri::Parquet { .. }) {
            let is_final = found == Found::Gone && is_there(&staging.sink, output)?;
            return Ok(if is_final { Found::Final } else { found });
        }
        if found == Found::Overtaken {
            return Ok(found);
        }
        Ok(match self.databases.committed(output, take.commit.attempt())? {
            Committed::Yes if found == Found::Gone => Found::Final,
            Committed::No | Committed::Yes => found,
            Committed::Overtaken => Found::Overtaken,
            // Whoever said so may have died before the Sentinel heard of it.
            Committed::Void => Found::Gone,
        })
    }

    /// False when a later recovery took a file away meanwhile.
    fn finish(&self, take: Take, files: &[&StagedOutput]) -> Result<bool, SinkError> {
        let mut promotion = Promotion::default();
        for file in files {
            let staging = self.staging(&file.uri)?;
            let outcome = match file.uri {
                SinkUri::Parquet { .. } => promotion.promote(&staging, &take.file(), file)?,
                _ => self.load(take, file)?,
            };
            if outcome == PromoteOutcome::Taken && self.find(take, file)? != Found::Final {
                return Ok(false);
            }
            crash_point(CrashPoint::RecoverBetweenRenames);
        }
        // What was found promoted may not be durable yet either.
        for file in files.iter().filter(|it| matches!(it.uri, SinkUri::Parquet { .. })) {
            promotion.touch(&self.staging(&file.uri)?);
        }
        crash_point(CrashPoint::RecoverBeforeSync);
        promotion.sync()?;
        crash_point(CrashPoint::RecoverDone);
        Ok(true)
    }

    fn drop_taken(&self, take: Take, files: &[&StagedOutput]) -> Result<(), SinkError> {
        for file in files {
            if !matches!(file.uri, SinkUri::Parquet { .. }) {
                // Its first owner may have it open still.
                self.databases.void(file, take.commit.attempt())?;
            }
            take.drop_own(&*self.staging(&file.uri)?)?;
        }
        Ok(())
    }

    /// What it replaces is taken out after the receipt.
    fn load(&self, take: Take, output: &StagedOutput) -> Result<PromoteOutcome, SinkError> {
        let load = PendingLoad {
            job: take.commit.attempt(),
            output: output.clone(),
            staging: self.staging(&output.uri)?,
            file: take.file(),
            supersede: Vec::new(),
        };
        self.databases.load(&[load]).remove(0)
    }
}

/// Each once: a commit has one file in a place.
fn files_of<'a>(target: &RecoverTarget<'a>) -> Vec<&'a StagedOutput> {
    let mut files = BTreeMap::new();
    for output in target.jobs.iter().copied().flatten() {
        files.entry(&output.uri).or_insert(output);
    }
    files.into_values().collect()
}
