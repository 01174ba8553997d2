//! From the catalog to the sinks: is every file that is current there, and is it the one that was published?

use super::examine::{Suspect, Suspicion, examine};
use super::finding::{Fault, Finding, Repair};
use super::report::ProofReport;
use super::tables::{Tables, keep};
use super::verifier::{Places, Verifier};
use crate::failure::Failure;
use crate::output::{bytes, count, counted};
use catalog::JobState;
use catalog::report::{ArtifactProof, FileProof, FileShare, ProofSize, Snapshot};
use protocol::{ArtifactId, OutputFileId, SinkUri};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

pub(super) const LOST: &str =
    "nothing: its bytes lie at no live path any more, so these rows are lost for good";
/// Artifacts of the files that are looked at together, but for a file that has more by itself.
const ARTIFACTS_MAX: u64 = 20_000;

impl Verifier<'_> {
    /// What tables have to hold is given back.
    pub(super) async fn prove_artifacts(
        &self,
        snapshot: &mut Snapshot,
        places: &Places,
        report: &mut ProofReport,
    ) -> Result<Tables, Failure> {
        let mut tables = Tables::new();
        let mut after = ArtifactId::new(0);
        loop {
            let page = snapshot.artifacts(after).await?;
            let Some(last) = page.last() else { return Ok(tables) };
            after = last.id;
            for artifact in page {
                let uri = places.uri(&artifact.uri);
                if is_without_job(&artifact) {
                    self.add_jobless(artifact, report).await?;
                    continue;
                }
                let is_of_table = uri.as_ref().is_some_and(|it| keep(&mut tables, it, &artifact));
                if artifact.state == "PROMOTING" {
                    report.in_flight += 1;
                } else if is_of_table {
                    report.files += 1;
                    report.rows += artifact.rows;
                }
            }
        }
    }

    pub(super) async fn prove_files(
        &self,
        snapshot: &mut Snapshot,
        places: &Places,
        report: &mut ProofReport,
    ) -> Result<(), Failure> {
        let all = snapshot.size().await?;
        let done = AtomicU64::new(0);
        let mut after = OutputFileId::new(0);
        loop {
            let page = snapshot.files(after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id;
            let mut rest = page.as_slice();
            while !rest.is_empty() {
                let (part, others) = rest.split_at(part_of(rest));
                rest = others;
                let suspects = self.suspects(snapshot, places, part).await?;
                let suspicions = self.examine_all(&suspects, &done, all);
                for Suspect { file, shares, .. } in &suspects {
                    report.files += 1;
                    report.rows += current(shares).map(|share| share.rows).sum::<u64>();
                    report.bytes += file.size_bytes;
                }
                self.confirm(suspicions, report).await?;
            }
        }
    }

    /// Those whose sink can be looked at.
    async fn suspects(
        &self,
        snapshot: &mut Snapshot,
        places: &Places,
        files: &[FileProof],
    ) -> Result<Vec<Suspect>, Failure> {
        let ids = files.iter().map(|file| file.id).collect::<Vec<_>>();
        let mut shares = snapshot.shares(&ids).await?;
        let suspect = |file: &FileProof| {
            let uri = places.uri(&file.uri).filter(|uri| matches!(uri, SinkUri::Parquet { .. }))?;
            let shares = shares.remove(&file.id).unwrap_or_default();
            Some(Suspect { file: file.clone(), uri, shares })
        };
        Ok(files.iter().filter_map(suspect).collect())
    }

    /// On all cores.
    fn examine_all<'s>(
        &self,
        files: &'s [Suspect],
        done: &AtomicU64,
        all: ProofSize,
    ) -> Vec<(&'s Suspect, Suspicion)> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut suspicions = Vec::new();
            while let Some(one) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                let suspicion = examine(&self.reader, one, self.depth);
                suspicions.extend(suspicion.map(|found| (one, found)));
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                self.bar
                    .tell(done, Some(all.files), || format!("files, {} in all", bytes(all.bytes)));
            }
            suspicions
        };
        std::thread::scope(|scope| {
            let helpers = (1..self.threads.min(files.len())).map(|_| scope.spawn(work));
            let helpers = helpers.collect::<Vec<_>>();
            let mut suspicions = work();
            for helper in helpers {
                suspicions.extend(helper.join().unwrap_or_default());
            }
            suspicions.sort_by_key(|(suspect, _)| suspect.file.id);
            suspicions
        })
    }

    /// An artifact that is current in a file before a look and after it was so all the time: it never becomes that again.
    async fn confirm(
        &self,
        suspicions: Vec<(&Suspect, Suspicion)>,
        report: &mut ProofReport,
    ) -> Result<(), Failure> {
        for (suspect, suspicion) in suspicions {
            let ids = current(&suspect.shares).map(|share| share.artifact).collect::<Vec<_>>();
            let now = self.catalog.artifacts_by_id(&ids).await?;
            let now = now.into_iter().filter(|artifact| {
                artifact.state == "CURRENT" && artifact.file_id == suspect.file.id
            });
            let now = now.map(|artifact| (artifact.id, artifact)).collect::<HashMap<_, _>>();
            for share in current(&suspect.shares) {
                let Some(artifact) = now.get(&share.artifact) else { continue };
                self.add_file(artifact, &suspicion, report).await?;
                // Moved back once, it is there for all.
                if suspicion.fault == Fault::MisplacedFile {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn add_file(
        &self,
        artifact: &ArtifactProof,
        suspicion: &Suspicion,
        report: &mut ProofReport,
    ) -> Result<(), Failure> {
        let repair = match suspicion.fault {
            Fault::MisplacedFile => Repair::MoveBack,
            _ => self.run_again_or(artifact.job, LOST).await?,
        };
        let finding = Finding {
            fault: suspicion.fault,
            expected: expected(artifact),
            found: suspicion.found.clone(),
            topic: Some(artifact.topic.clone()),
            uri: artifact.uri.clone(),
            file: artifact.file.clone().into_bytes(),
            job: Some(artifact.job),
            repair,
            repaired: None,
        };
        self.add(finding, report);
        Ok(())
    }

    async fn add_jobless(
        &self,
        artifact: ArtifactProof,
        report: &mut ProofReport,
    ) -> Result<(), Failure> {
        let now = self.catalog.artifacts_by_id(&[artifact.id]).await?;
        if !now.first().is_some_and(is_without_job) || now[0].state != artifact.state {
            return Ok(());
        }
        let wanted = if artifact.state == "PROMOTING" { "COMMITTING" } else { "COMPLETED" };
        let (fault, found) = match artifact.job_state {
            None => (Fault::ArtifactWithoutJob, "no such job in the catalog".to_owned()),
            Some(state) if artifact.state == "PROMOTING" => {
                (Fault::StrayPromotion, format!("the job is {state}"))
            }
            Some(state) => (Fault::ArtifactWithoutJob, format!("the job is {state}")),
        };
        let repair = match artifact.job_state {
            Some(JobState::Completed) => self.run_again_or(artifact.job, LOST).await?,
            _ => Repair::DropArtifact { artifact: artifact.id },
        };
        let finding = Finding {
            fault,
            expected: format!("a job {} that is {wanted}: it published this file", artifact.job),
            found,
            topic: Some(artifact.topic),
            uri: artifact.uri,
            file: artifact.file.into_bytes(),
            job: Some(artifact.job),
            repair,
            repaired: None,
        };
        self.add(finding, report);
        Ok(())
    }
}

/// How many of these files are looked at together.
fn part_of(files: &[FileProof]) -> usize {
    let mut artifacts = 0;
    let fits = |file: &&FileProof| {
        artifacts += file.artifacts;
        artifacts <= ARTIFACTS_MAX
    };
    files.iter().take_while(fits).count().max(1)
}

fn current(shares: &[FileShare]) -> impl Iterator<Item = &FileShare> {
    shares.iter().filter(|share| share.state == "CURRENT")
}

fn is_without_job(artifact: &ArtifactProof) -> bool {
    match (artifact.state.as_str(), artifact.job_state) {
        (_, None) => true,
        ("PROMOTING", Some(state)) => state != JobState::Committing,
        ("CURRENT", Some(state)) => state != JobState::Completed,
        _ => false,
    }
}

pub(super) fn expected(artifact: &ArtifactProof) -> String {
    let rows = counted(artifact.rows, "row", "rows");
    let hash = artifact.hash.to_string();
    format!("{rows}, {} bytes, SHA-256 {}", count(artifact.size_bytes), &hash[..16])
}
