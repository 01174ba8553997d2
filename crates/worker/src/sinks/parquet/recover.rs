//! One output of a job whose worker was lost after the grant. The staged file is looked for first and the final one after:
//! the other order doubles rows.

use super::directory::{Directory, Renamed, rename};
use super::layout::{STAGING, attempt_of, is_whole, taken_file};
use super::promote::{check_file_name, is_there, matches};
use super::staging::StagingDirectory;
use crate::sinks::SinkError;
use protocol::{JobAttempt, StagedOutput};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// In this worker's staging directory, under the name that this recovery gave it.
    Taken,
    /// Promoted already.
    Final,
    Gone,
}

/// Which recovery of which attempt this is.
#[derive(Debug, Clone, Copy)]
pub struct Take {
    pub job: JobAttempt,
    pub recovery: u32,
}

impl Take {
    pub fn file(self) -> String {
        taken_file(self.job, self.recovery)
    }

    /// First step: takes the staged file away, so that a late rename of its first owner finds nothing.
    pub fn find(
        self,
        staging: &StagingDirectory,
        output: &StagedOutput,
    ) -> Result<Found, SinkError> {
        check_file_name(output)?;
        let mine = self.file();
        if staging.own.has(&mine) || self.take(staging, output)? {
            return Ok(Found::Taken);
        }
        Ok(if is_there(&staging.sink, output)? { Found::Final } else { Found::Gone })
    }

    fn take(self, staging: &StagingDirectory, output: &StagedOutput) -> Result<bool, SinkError> {
        let Some(all) = staging.sink.child(STAGING)? else { return Ok(false) };
        for (worker, _) in all.names()? {
            let Some(directory) = all.child(&worker).ok().flatten() else { continue };
            if self.take_from(&directory, staging, output)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn take_from(
        self,
        from: &Directory,
        staging: &StagingDirectory,
        output: &StagedOutput,
    ) -> Result<bool, SinkError> {
        for (name, _) in from.names()? {
            let is_source = attempt_of(&name) == Some(self.job) && is_whole(&name);
            // A machine that went down may have left a name without its bytes.
            if !is_source || !matches(from, &name, output)? {
                continue;
            }
            if rename((from, &name), (&staging.own, &self.file()))? == Renamed::Done {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// When another output of the job is gone for good: what was promoted of it is taken back, because the file runs again.
    pub fn take_back(
        self,
        staging: &StagingDirectory,
        output: &StagedOutput,
        found: Found,
    ) -> Result<(), SinkError> {
        let mine = self.file();
        if found == Found::Final && is_there(&staging.sink, output)? {
            rename((&staging.sink, &output.final_name), (&staging.own, &mine))?;
            staging.sink.sync()?;
        }
        staging.own.remove(&mine).map(|_| ())
    }
}
