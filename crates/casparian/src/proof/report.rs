//! What a proof came to. Findings beyond a number are counted, not kept.

use super::finding::{Fault, Finding};
use catalog::RefusedJob;
use protocol::{ArtifactId, JobId};
use std::collections::BTreeMap;
use std::time::Duration;

/// A sink that nothing can be said of from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unchecked {
    pub topic: String,
    pub uri: String,
    pub reason: String,
    /// Current files there, by the catalog.
    pub files: u64,
}

#[derive(Debug, Default)]
pub struct ProofReport {
    pub findings: Vec<Finding>,
    pub counts: BTreeMap<Fault, u64>,
    /// Of the current files that were looked at.
    pub files: u64,
    pub rows: u64,
    pub bytes: u64,
    pub jobs: u64,
    /// Outputs that are being published right now.
    pub in_flight: u64,
    /// Replaced files that still have to be moved to `_history`.
    pub pending_moves: u64,
    pub unchecked: Vec<Unchecked>,
    /// Topics with rows that no plugin declares any more.
    pub undeclared: Vec<String>,
    /// What could be put right by this process, and was.
    pub moved: u64,
    pub removed: u64,
    /// Faults that are not put right now.
    pub left: u64,
    /// What the Sentinel is to be asked for.
    pub run_again: Vec<JobId>,
    pub drop: Vec<ArtifactId>,
    pub refused: Vec<RefusedJob>,
    pub elapsed: Duration,
}

impl ProofReport {
    pub fn found(&self) -> u64 {
        self.counts.values().sum()
    }

    pub(super) fn add(&mut self, finding: Finding, shown_max: usize) {
        *self.counts.entry(finding.fault).or_default() += 1;
        if finding.repaired != Some(true) {
            self.left += 1;
        }
        if self.findings.len() < shown_max {
            self.findings.push(finding);
        }
    }
}
