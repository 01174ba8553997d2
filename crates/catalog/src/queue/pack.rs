//! A pack is one commit: its jobs are granted together, or none of them.

use super::grant::{MOVED, Verdict};
use super::job::Job;
use super::schemas::{Say, Schemas};
use crate::job_state::JobState;
use protocol::{CommitId, JobId, ReadyJob};
use std::collections::{BTreeMap, HashMap};

/// What the schemas of their topics say of those that could be granted, one commit after the other, in the order of their oldest jobs.
/// Where one job of a pack is refused, nothing is said of the others: they come again without it.
pub(super) fn judge_all(
    ready: &[ReadyJob],
    mut verdicts: Vec<Verdict>,
    jobs: &HashMap<JobId, Job>,
    schemas: &mut Schemas,
) -> Vec<Verdict> {
    for commit in commits(ready) {
        let may = |at: &usize| verdicts[*at] == Verdict::Granted;
        if commit.iter().all(may) {
            judge(&commit, ready, jobs, schemas, &mut verdicts);
        }
        let is_whole = commit.iter().all(|at| verdicts[*at] == Verdict::Granted);
        for at in commit {
            match verdicts[at] {
                Verdict::Refused(_) => schemas.forget(ready[at].job),
                Verdict::Granted if !is_whole => verdicts[at] = Verdict::Deferred,
                Verdict::Granted | Verdict::Deferred => {}
            }
        }
    }
    verdicts
}

/// The places of the jobs of each commit, by their ids.
fn commits(ready: &[ReadyJob]) -> Vec<Vec<usize>> {
    let mut commits: BTreeMap<CommitId, Vec<usize>> = BTreeMap::new();
    for (at, one) in ready.iter().enumerate() {
        commits.entry(one.commit_id).or_default().push(at);
    }
    let mut commits: Vec<_> = commits.into_values().collect();
    commits.iter_mut().for_each(|commit| commit.sort_by_key(|at| ready[*at].job));
    commits.sort_by_key(|commit| ready[commit[0]].job);
    commits
}

fn judge(
    commit: &[usize],
    ready: &[ReadyJob],
    jobs: &HashMap<JobId, Job>,
    schemas: &mut Schemas,
    verdicts: &mut [Verdict],
) {
    // What a pack says of columns counts only if all of it is granted.
    let before = (commit.len() > 1).then(|| schemas.clone());
    let mut fits = true;
    for at in commit {
        let job = jobs.get(&ready[*at].job);
        let Some(job) = job.filter(|job| job.state == JobState::Running) else { continue };
        verdicts[*at] = match schemas.judge(job, &ready[*at]) {
            Say::Fits => Verdict::Granted,
            Say::Waits => Verdict::Deferred,
            Say::Moved => Verdict::Refused(MOVED),
        };
        fits &= verdicts[*at] == Verdict::Granted;
    }
    if let Some(before) = before.filter(|_| !fits) {
        *schemas = before;
    }
}
