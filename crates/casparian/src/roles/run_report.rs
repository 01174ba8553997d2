//! What one run found and did.

use crate::output::absolute;
use catalog::report::{JobRow, PluginRow, RunTotals};
use catalog::{PluginStatus, Waiting};
use control::scout::{Bounded, PassReport, PassedOver, RootInDoubt, Unreadable};
use serde_json::Value;
use std::time::Duration;

#[derive(Debug, Default)]
pub struct RunReport {
    pub files_seen: u64,
    pub files_new: u64,
    pub files_changed: u64,
    pub files_deleted: u64,
    pub versions: u64,
    pub totals: RunTotals,
    /// The first of the jobs that failed in this run.
    pub failures: Vec<JobRow>,
    /// Files that failed in earlier runs, too.
    pub failed_files: u64,
    pub waiting: Waiting,
    pub unreadable: Bounded<Unreadable>,
    pub in_doubt: Bounded<RootInDoubt>,
    pub passed_over: Bounded<PassedOver>,
    pub bad_ignores: Bounded<String>,
    pub still_changing: Bounded<Vec<u8>>,
    /// Files that changed so lately that they were left alone.
    pub settling: u64,
    pub plugins: Vec<PluginRow>,
    /// The live Sentinel that did the work, as it speaks of itself.
    pub helper: Option<Value>,
    /// Whether this run had a Sentinel of its own: it has said in the log what is wrong with a plugin.
    pub had_engine: bool,
    pub elapsed: Duration,
    pub interrupted: bool,
}

impl RunReport {
    /// The first pass counts what it saw, later ones what has changed since; what could not be done is that of the last.
    pub fn add_pass(&mut self, pass: PassReport) {
        self.files_seen = self.files_seen.max(pass.files_seen);
        self.files_new += pass.files_new;
        self.files_changed += pass.files_changed;
        self.files_deleted += pass.files_deleted;
        self.versions += pass.versions;
        self.unreadable = pass.unreadable;
        self.in_doubt = pass.in_doubt;
        self.passed_over = pass.passed_over;
        self.bad_ignores = pass.bad_ignores;
        self.still_changing = pass.still_changing;
        self.settling = pass.settling;
    }

    /// A file that changed under its parser, and still waits for another look.
    pub fn add_waiting(&mut self, job: &JobRow) {
        let path = absolute(&job.root, &job.path);
        if job.hold.as_deref() == Some("changed") && !self.still_changing.shown.contains(&path) {
            self.still_changing.shown.push(path);
            self.still_changing.count += 1;
        }
    }

    /// Whether something of this run has to be looked at by a person.
    pub fn has_failures(&self) -> bool {
        self.totals.jobs_failed > 0
            || self.totals.jobs_aborted > 0
            || self.totals.rows_quarantined > 0
            || self.unreadable.count > 0
            || self.in_doubt.count > 0
            || self.still_changing.count > 0
    }

    pub fn rejected(&self) -> impl Iterator<Item = &PluginRow> {
        self.plugins.iter().filter(|plugin| plugin.status == PluginStatus::Rejected)
    }

    pub fn has_active_plugin(&self) -> bool {
        self.plugins.iter().any(|plugin| plugin.status == PluginStatus::Active)
    }
}
