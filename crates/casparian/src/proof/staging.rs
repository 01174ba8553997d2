//! What workers that are gone left in staging. What a live one holds, and what a job that is committing needs, is none of it.

use super::directories::{Here, unreadable};
use super::finding::{Fault, Finding, Repair};
use super::report::ProofReport;
use super::verifier::Verifier;
use crate::failure::Failure;
use protocol::{Commit, JobId, final_name};
use worker::sinks::{Area, StoredFile, commit_of};

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
        let commit = std::str::from_utf8(name).ok().and_then(commit_of);
        let area = Area::Staging { worker };
        let file = || self.reader.file(&here.uri, area, name).map_err(|error| unreadable(&error));
        // A worker that began, or a recoverer that took the file, between two looks.
        for _ in 0..2 {
            let is_idle = self
                .reader
                .has_idle_worker(here.path, worker)
                .map_err(|error| unreadable(&error))?;
            if self.is_committing(commit).await? || !is_idle || file()?.is_none() {
                return Ok(());
            }
        }
        let keep = match commit {
            Some(commit) => self.may_be_only_copy(here, commit).await?,
            None => true,
        };
        let repair = match (commit, keep) {
            (Some(_), false) => Repair::Remove { worker: worker.to_owned() },
            (Some(_), true) => Repair::Nothing(
                "nothing yet: what was published is missing, and this may be the only copy"
                    .to_owned(),
            ),
            (None, _) => Repair::Nothing("nothing: its name is none of ours; remove it".to_owned()),
        };
        let job = match commit {
            Some(commit) => self.job_of(commit).await?,
            None => None,
        };
        let finding = Finding {
            job,
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

    async fn is_committing(&self, commit: Option<Commit>) -> Result<bool, Failure> {
        match commit {
            Some(commit) => Ok(self.catalog.is_committing(commit).await?),
            None => Ok(false),
        }
    }

    /// None: it is a pack's.
    async fn job_of(&self, commit: Commit) -> Result<Option<JobId>, Failure> {
        let job = JobId::new(commit.id.get());
        Ok(self.catalog.job_moment(job).await?.map(|_| job))
    }

    async fn may_be_only_copy(&self, here: &Here<'_>, commit: Commit) -> Result<bool, Failure> {
        let name = final_name(commit);
        let files = self.catalog.files_named(&here.uri.to_string(), &[&name]).await?;
        let Some(known) = files.first().filter(|file| file.artifacts > 0) else {
            return Ok(false);
        };
        let file = self.reader.file(&here.uri, Area::Current, name.as_bytes());
        let is_it = |file: StoredFile| file.size().is_ok_and(|size| size == known.size_bytes);
        Ok(!file.map_err(|error| unreadable(&error))?.is_some_and(is_it))
    }
}
