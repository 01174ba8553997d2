//! What this process puts right by itself: files that lie in the wrong place. The catalog is the Sentinel's, so the rest is asked of it.

use super::finding::{Finding, Repair};
use super::report::ProofReport;
use super::verifier::Verifier;
use protocol::SinkUri;
use worker::sinks::SinkError;

impl Verifier<'_> {
    /// None: it is for the Sentinel to do, or for nobody.
    pub(super) fn put_right(&self, finding: &Finding, report: &mut ProofReport) -> Option<bool> {
        let file = std::str::from_utf8(&finding.file).ok();
        let path = match finding.uri.parse() {
            Ok(SinkUri::Parquet { path }) => Some(path),
            _ => None,
        };
        let moved = match &finding.repair {
            Repair::RunAgain { .. } => {
                report.run_again.extend(finding.job);
                return None;
            }
            Repair::DropArtifact { artifact } => {
                report.drop.push(*artifact);
                return None;
            }
            Repair::Nothing(_) => return None,
            Repair::RemoveRows => {
                let (uri, job) = (finding.uri.parse().ok()?, finding.job?);
                let is_done = is_done(self.reader.remove_rows(&uri, job));
                report.removed += u64::from(is_done);
                return Some(is_done);
            }
            Repair::MoveToHistory => self.reader.move_to_history(&path?, file?),
            Repair::MoveBack => self.reader.move_back(&path?, file?),
            Repair::Remove { worker } => {
                let name = file?.rsplit('/').next()?;
                let removed = self.reader.remove_staged(&path?, worker, name);
                let is_done = is_done(removed);
                report.removed += u64::from(is_done);
                return Some(is_done);
            }
        };
        let is_done = is_done(moved);
        report.moved += u64::from(is_done);
        Some(is_done)
    }
}

fn is_done(result: Result<bool, SinkError>) -> bool {
    result.unwrap_or_else(|error| {
        tracing::warn!(%error, "a file is left where it is");
        false
    })
}
