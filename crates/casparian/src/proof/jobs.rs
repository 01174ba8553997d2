//! Within the catalog: what jobs say they published, and what they did.

use super::finding::{Fault, Finding, Repair};
use super::report::ProofReport;
use super::verifier::Verifier;
use crate::failure::Failure;
use crate::output::counted;
use catalog::JobState;
use catalog::report::{JobProof, Snapshot};
use protocol::JobId;
use std::collections::BTreeMap;

const LOST: &str =
    "nothing: its bytes lie at no live path any more, so what it published cannot be made again";

impl Verifier<'_> {
    pub(super) async fn prove_jobs(
        &self,
        snapshot: &mut Snapshot,
        report: &mut ProofReport,
    ) -> Result<(), Failure> {
        let mut after = JobId::new(0);
        loop {
            let page = snapshot.jobs(after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id;
            report.jobs += page.len() as u64;
            self.bar.tell(report.jobs, None, || "jobs held against what they published".to_owned());
            for job in page.iter().filter(|job| fault(job).is_some()) {
                self.confirm_job(job, report).await?;
            }
        }
    }

    async fn confirm_job(&self, job: &JobProof, report: &mut ProofReport) -> Result<(), Failure> {
        let now = self.catalog.job_moment(job.id).await?;
        let Some(fault) = fault(job).filter(|_| now == Some((JobState::Completed, job.attempt)))
        else {
            return Ok(());
        };
        let repair = match (fault, self.run_again_or(job.id, LOST).await?) {
            (Fault::ReceiptDiffers, Repair::Nothing(_)) => {
                Repair::Nothing("nothing: the published rows are proved by their files".to_owned())
            }
            (_, repair) => repair,
        };
        let published = self.catalog.artifacts_of(job.id).await?;
        let first = published.first();
        let finding = Finding {
            fault,
            topic: first.map(|artifact| artifact.topic.clone()),
            uri: first.map(|artifact| artifact.uri.clone()).unwrap_or_default(),
            file: Vec::new(),
            job: Some(job.id),
            expected: format!(
                "{}{}",
                counted(job.rows, "row by the job's receipt", "rows by the job's receipt"),
                in_quarantine(job.quarantined, job)
            ),
            found: found(job),
            repair,
            repaired: None,
        };
        self.add(finding, report);
        Ok(())
    }
}

fn fault(job: &JobProof) -> Option<Fault> {
    if job.published.is_empty() && job.rows > 0 {
        return Some(Fault::JobWithoutArtifact);
    }
    (!agree(job)).then_some(Fault::ReceiptDiffers)
}

/// A topic with several places has its rows in each.
fn agree(job: &JobProof) -> bool {
    let mut topics = BTreeMap::new();
    let same =
        job.published.iter().all(|(topic, _, rows)| *topics.entry(topic).or_insert(*rows) == *rows);
    same && topics.values().sum::<u64>() == job.rows && job.in_quarantine == job.quarantined
}

fn found(job: &JobProof) -> String {
    if job.published.is_empty() {
        return "no file in the catalog".to_owned();
    }
    let parts = job.published.iter();
    let parts =
        parts.map(|(topic, _, rows)| format!("{} in {topic}", counted(*rows, "row", "rows")));
    parts.collect::<Vec<_>>().join(", ") + &in_quarantine(job.in_quarantine, job)
}

fn in_quarantine(rows: u64, job: &JobProof) -> String {
    match job.quarantined.max(job.in_quarantine) {
        0 => String::new(),
        _ => format!(" and {} in quarantine", counted(rows, "row", "rows")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(rows: u64, published: &[(&str, &str, u64)]) -> JobProof {
        let published = published
            .iter()
            .map(|(topic, uri, rows)| ((*topic).to_owned(), (*uri).to_owned(), *rows));
        let published = published.collect();
        let (id, quarantined, in_quarantine) = (JobId::new(1), 0, 0);
        JobProof { id, attempt: 1, rows, quarantined, published, in_quarantine }
    }

    #[test]
    fn a_receipt_is_the_sum_over_topics_and_each_place_has_all_rows() {
        assert_eq!(fault(&job(0, &[])), None);
        assert_eq!(fault(&job(5, &[("a", "x", 2), ("b", "y", 3)])), None);
        assert_eq!(fault(&job(2, &[("a", "x", 2), ("a", "y", 2)])), None);
        assert_eq!(fault(&job(2, &[("a", "x", 2), ("a", "y", 1)])), Some(Fault::ReceiptDiffers));
        assert_eq!(fault(&job(4, &[("a", "x", 2), ("a", "y", 2)])), Some(Fault::ReceiptDiffers));
        assert_eq!(fault(&job(4, &[])), Some(Fault::JobWithoutArtifact));
        let lost = JobProof { quarantined: 2, in_quarantine: 1, ..job(0, &[]) };
        assert_eq!(fault(&lost), Some(Fault::ReceiptDiffers));
    }
}
