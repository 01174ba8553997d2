//! What of a worker's announcements may be asked of the catalog. A pack is granted whole: where one of its jobs cannot be, the others are
//! not asked for, and come again in another one.

use super::decider::Decider;
use protocol::{CommitId, JobAttempt, ReadyJob, SessionToken, faulty_packs};
use std::collections::BTreeSet;

#[derive(Debug, Default)]
pub(super) struct Sifted {
    pub sound: Vec<ReadyJob>,
    /// Of attempts that are not the session's.
    pub strange: Vec<JobAttempt>,
    /// What cannot be published, and why.
    pub faulty: Vec<(JobAttempt, String)>,
}

const UNFIT: &str = "the jobs of its pack do not fill a file of it";

impl Decider {
    pub(super) fn sift(&self, session: &SessionToken, ready: Vec<ReadyJob>) -> Sifted {
        let mut sifted = Sifted::default();
        let mut broken = BTreeSet::<CommitId>::new();
        for one in ready {
            let attempt = attempt_of(&one);
            if !self.is_held_by(attempt, session) {
                broken.insert(one.commit_id);
                sifted.strange.push(attempt);
            } else if let Some(fault) = one.fault() {
                broken.insert(one.commit_id);
                sifted.faulty.push((attempt, fault));
            } else {
                sifted.sound.push(one);
            }
        }
        sifted.sound.retain(|one| !broken.contains(&one.commit_id));
        let unfit = faulty_packs(&sifted.sound);
        let is_fit = |one: &ReadyJob| !unfit.contains(&one.commit_id);
        let (sound, unfit) = std::mem::take(&mut sifted.sound).into_iter().partition(is_fit);
        sifted.sound = sound;
        let unfit: Vec<ReadyJob> = unfit;
        sifted.faulty.extend(unfit.iter().map(|one| (attempt_of(one), UNFIT.to_owned())));
        sifted
    }

    fn is_held_by(&self, job: JobAttempt, session: &SessionToken) -> bool {
        self.held.get(&job.id).is_some_and(|held| held.is(job) && held.belongs_to(session))
    }
}

fn attempt_of(ready: &ReadyJob) -> JobAttempt {
    JobAttempt { id: ready.job, attempt: ready.attempt }
}
