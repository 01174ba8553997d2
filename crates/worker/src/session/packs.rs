//! What the session does with packs: their jobs are announced, granted and refused together.

use super::Session;
use crate::committer::{Order, Promotable};
use crate::held::Phase;
use crate::packing::{PackAnew, PackedJob};
use crate::packs::files_of;
use protocol::{CommitId, CrashPoint, ErrorClass, JobAttempt, crash_point};
use std::collections::BTreeSet;

impl Session {
    pub(super) fn promote_pack(&mut self, commit: CommitId, granted: &BTreeSet<JobAttempt>) {
        let Some(files) = self.packs.take_granted(commit, granted) else { return };
        let mut jobs = Vec::with_capacity(granted.len());
        for job in granted {
            let Some(held) = self.held.of(*job) else { continue };
            if let Phase::InPack { outputs, metrics } = &mut held.phase {
                let (outputs, metrics) = (std::mem::take(outputs), std::mem::take(metrics));
                held.phase = Phase::Promoting { outputs, metrics };
                jobs.push(*job);
            }
        }
        crash_point(CrashPoint::Granted);
        self.order(Order::Promote(Promotable { jobs, files, supersede: Vec::new() }));
    }

    /// Without those that were given up meanwhile.
    pub(super) fn pack_anew(&mut self, mut anew: PackAnew) {
        anew.jobs.retain(|one| match self.held.of(one.job) {
            Some(held) if held.is_packed() => {
                held.phase = Phase::Packed;
                true
            }
            _ => false,
        });
        if anew.jobs.is_empty() {
            self.order(Order::Discard(anew.files));
        } else {
            self.packer.pack_anew(anew);
        }
    }

    pub(super) fn on_packed(&mut self, job: JobAttempt) {
        let Some(held) = self.held.of(job) else { return };
        if !matches!(held.phase, Phase::Running) {
            return;
        }
        match held.control.abort_reason().map(str::to_owned) {
            Some(reason) => held.fail(ErrorClass::Aborted, reason, None),
            None => held.phase = Phase::Packed,
        }
    }

    /// All of a pack is announced, or it is written anew without those that are not wanted any more.
    pub(super) fn on_pack_staged(&mut self, commit: CommitId, jobs: Vec<PackedJob>) {
        let mut is_whole = true;
        for one in &jobs {
            let held = self.held.of(one.job);
            is_whole &= held.is_some_and(|held| matches!(held.phase, Phase::Packed));
        }
        if !is_whole {
            let files = files_of(&jobs);
            return self.pack_anew(PackAnew { files, jobs });
        }
        for one in &jobs {
            if let Some(held) = self.held.of(one.job) {
                let (outputs, metrics) = (one.outputs.clone(), one.metrics.clone());
                held.phase = Phase::InPack { outputs, metrics };
            }
        }
        self.packs.add(commit, jobs);
    }
}
