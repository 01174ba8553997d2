//! What workers that are gone left in staging. What a live one holds, and what a job that is committing needs, is none of it.

use super::directories::{Here, unreadable};
use super::finding::{Fault, Finding, Repair};
use super::report::ProofReport;
use super::verifier::Verifier;
use crate::failure::Failure;
use catalog::JobState;
use protocol::{JobAttempt, JobId};
use worker::sinks::{Area, attempt_of};

impl Verifier<'_> {
    pub(super) async fn prove_staging(
        &self,
        here: &Here<'_>,
        report: &mut ProofReport,
    ) -> Result<(), Failure> {
        for worker in self.reader.idle_workers(here.path).map_err(|error| unreadable(&error))? {
            let path = format!("{}/_staging/{worker}", here.path);
            let Some(entries) = self.reader.entries(&path).map_err(|error| unreadable(&error))?
            else {
                continue;
            };
            for entry in entries {
                let entry = entry.map_err(|error| unreadable(&error))?;
                if !entry.is_directory {
                    self.judge_staged(here, &worker, &entry.name, report).await?;
                }
            }
        }
        Ok(())
    }

    async fn judge_staged(
        &self,
        here: &Here<'_>,
        worker: &str,
        name: &[u8],
        report: &mut ProofReport,
    ) -> Result<(), Failure> {
        let attempt = std::str::from_utf8(name).ok().and_then(attempt_of);
        let area = Area::Staging { worker };
        let file = || self.reader.file(&here.uri, area, name).map_err(|error| unreadable(&error));
        // A worker that began, or a recoverer that took the file, between two looks.
        for _ in 0..2 {
            let is_idle = self
                .reader
                .has_idle_worker(here.path, worker)
                .map_err(|error| unreadable(&error))?;
            if self.is_committing(attempt).await? || !is_idle || file()?.is_none() {
                return Ok(());
            }
        }
        let keep = match attempt {
            Some(attempt) => self.may_be_only_copy(here, attempt.id).await?,
            None => true,
        };
        let repair = match (attempt, keep) {
            (Some(_), false) => Repair::Remove { worker: worker.to_owned() },
            (Some(_), true) => Repair::Nothing(
                "nothing yet: what the job published is missing, and this may be the only copy"
                    .to_owned(),
            ),
            (None, _) => Repair::Nothing("nothing: its name is none of ours; remove it".to_owned()),
        };
        let finding = Finding {
            job: attempt.map(|attempt| attempt.id),
            expected:
                "nothing: no worker holds this directory, and no job that is committing needs it"
                    .to_owned(),
            found: "a file that nobody will publish".to_owned(),
            repair,
            ..here.finding(Fault::StagingOrphan, format!("_staging/{worker}/").as_bytes())
        };
        let file = [finding.file.as_slice(), name].concat();
        self.add(Finding { file, ..finding }, report);
        Ok(())
    }

    async fn is_committing(&self, attempt: Option<JobAttempt>) -> Result<bool, Failure> {
        let Some(attempt) = attempt else { return Ok(false) };
        let now = self.catalog.job_moment(attempt.id).await?;
        Ok(now == Some((JobState::Committing, attempt.attempt)))
    }

    async fn may_be_only_copy(&self, here: &Here<'_>, job: JobId) -> Result<bool, Failure> {
        let uri = here.uri.to_string();
        for artifact in self.catalog.artifacts_by_job(&[job]).await? {
            if artifact.uri != uri || artifact.state != "CURRENT" {
                continue;
            }
            let file = self.reader.file(&here.uri, Area::Current, artifact.file.as_bytes());
            let is_there = file
                .map_err(|error| unreadable(&error))?
                .is_some_and(|file| file.size().is_ok_and(|size| size == artifact.size_bytes));
            if !is_there {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
