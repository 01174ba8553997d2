//! One file of a commit whose worker was lost after the grant. The staged file is looked for first and the final one after:
//! the other order doubles rows.

use super::directory::{Directory, Renamed, rename};
use super::layout::{STAGING, commit_of, recovery_of, taken_file};
use super::promote::{check_file_name, matches};
use super::staging::StagingDirectory;
use crate::sinks::SinkError;
use protocol::{Commit, CrashPoint, StagedOutput, crash_point};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// In this worker's staging directory, under the name that this recovery gave it.
    Taken,
    /// Promoted already.
    Final,
    /// A later recovery holds it.
    Overtaken,
    Gone,
}

/// Which recovery of which commit this is.
#[derive(Debug, Clone, Copy)]
pub struct Take {
    pub commit: Commit,
    pub recovery: u32,
}

impl Take {
    pub fn file(self) -> String {
        taken_file(self.commit, self.recovery)
    }

    /// First step: takes the staged file away, so that its first owner, when he comes late, finds nothing.
    pub fn find_staged(
        self,
        staging: &StagingDirectory,
        output: &StagedOutput,
    ) -> Result<Found, SinkError> {
        check_file_name(output)?;
        if staging.own.has(&self.file()) {
            return Ok(Found::Taken);
        }
        self.take(staging, output)
    }

    fn take(self, staging: &StagingDirectory, output: &StagedOutput) -> Result<Found, SinkError> {
        let Some(all) = staging.sink.child(STAGING)? else { return Ok(Found::Gone) };
        for (worker, _) in all.names()? {
            let Some(directory) = all.child(&worker).ok().flatten() else { continue };
            let found = self.take_from(&directory, staging, output)?;
            if found != Found::Gone {
                return Ok(found);
            }
        }
        Ok(Found::Gone)
    }

    fn take_from(
        self,
        from: &Directory,
        staging: &StagingDirectory,
        output: &StagedOutput,
    ) -> Result<Found, SinkError> {
        for (name, _) in from.names()? {
            let rank = recovery_of(&name).filter(|_| commit_of(&name) == Some(self.commit));
            if rank.is_some_and(|rank| rank > self.recovery) {
                return Ok(Found::Overtaken);
            }
            let is_source = rank.is_some();
            // A machine that went down may have left a name without its bytes.
            if !is_source || !matches(from, &name, output)? {
                continue;
            }
            if rename((from, &name), (&staging.own, &self.file()))? == Renamed::Done {
                crash_point(CrashPoint::RecoverTaken);
                return Ok(Found::Taken);
            }
        }
        Ok(Found::Gone)
    }

    /// When others of the commit are gone for good, and nobody else needs this one.
    pub fn drop_own(self, staging: &StagingDirectory) -> Result<(), SinkError> {
        staging.own.remove(&self.file()).map(|_| ())
    }
}
