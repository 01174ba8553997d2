//! Packs that are durable and not granted yet. What is announced of one is all of it: its jobs are granted together.

use crate::packing::{PackAnew, PackedJob};
use protocol::{CommitId, JobAttempt, ReadyJob, StagedOutput};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Jobs in one message, so that it stays far below what one may weigh.
const ANNOUNCED_MAX: usize = 10_000;

#[derive(Debug)]
struct Pack {
    jobs: Vec<PackedJob>,
    announced: bool,
}

#[derive(Debug, Default)]
pub struct Packs(BTreeMap<CommitId, Pack>);

impl Packs {
    pub fn add(&mut self, commit: CommitId, jobs: Vec<PackedJob>) {
        self.0.insert(commit, Pack { jobs, announced: false });
    }

    pub fn has_news(&self) -> bool {
        self.0.values().any(|pack| !pack.announced)
    }

    /// What fits a message; those that were not announced yet come first.
    pub fn ready(&mut self) -> Vec<ReadyJob> {
        let mut packs = self.0.iter_mut().collect::<Vec<_>>();
        packs.sort_by_key(|(_, pack)| pack.announced);
        let mut ready = Vec::new();
        for (commit, pack) in packs {
            if ready.is_empty() || ready.len() + pack.jobs.len() <= ANNOUNCED_MAX {
                pack.announced = true;
                ready.extend(words_of(*commit, &pack.jobs));
            }
        }
        ready
    }

    /// Granted as a whole: its files, each once. None: this is not all of it, or it is not there any more.
    pub fn take_granted(
        &mut self,
        commit: CommitId,
        granted: &BTreeSet<JobAttempt>,
    ) -> Option<Vec<StagedOutput>> {
        let pack = self.0.get(&commit)?;
        if !pack.jobs.iter().all(|one| granted.contains(&one.job)) {
            return None;
        }
        self.0.remove(&commit).map(|pack| files_of(&pack.jobs))
    }

    /// Without the jobs that are refused, each pack that had one of them has to be written anew.
    pub fn take_refused(&mut self, refused: &BTreeSet<JobAttempt>) -> Vec<PackAnew> {
        let is_refused = |one: &PackedJob| refused.contains(&one.job);
        let hit = self.0.iter().filter(|(_, pack)| pack.jobs.iter().any(is_refused));
        let hit = hit.map(|(commit, _)| *commit).collect::<Vec<_>>();
        let hit = hit.into_iter().filter_map(|commit| self.0.remove(&commit));
        let anew = hit.map(|pack| {
            let files = files_of(&pack.jobs);
            let jobs = pack.jobs.into_iter().filter(|one| !is_refused(one)).collect();
            PackAnew { files, jobs }
        });
        anew.collect()
    }

    /// The files of packs that nobody was told of.
    pub fn into_unannounced(self) -> Vec<Vec<StagedOutput>> {
        let packs = self.0.into_values().filter(|pack| !pack.announced);
        packs.map(|pack| files_of(&pack.jobs)).collect()
    }
}

/// A topic's columns are said by the first of the jobs that left them so.
fn words_of(commit: CommitId, jobs: &[PackedJob]) -> Vec<ReadyJob> {
    let mut said = BTreeMap::new();
    let mut ready = Vec::with_capacity(jobs.len());
    for one in jobs {
        let mut outputs = one.outputs.clone();
        for (output, schema) in outputs.iter_mut().zip(&one.schemas) {
            let last = said.insert(output.uri.clone(), schema.clone());
            if last.is_none_or(|last| !Arc::ptr_eq(&last, schema)) {
                output.schema = schema.as_ref().clone();
            }
        }
        let (job, attempt) = (one.job.id, one.job.attempt);
        ready.push(ReadyJob { job, attempt, commit_id: commit, outputs });
    }
    ready
}

pub fn files_of(jobs: &[PackedJob]) -> Vec<StagedOutput> {
    let mut files = BTreeMap::new();
    for output in jobs.iter().flat_map(|one| &one.outputs) {
        files.entry(&output.uri).or_insert(output);
    }
    files.into_values().cloned().collect()
}
