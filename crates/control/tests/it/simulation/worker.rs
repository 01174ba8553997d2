//! A worker that does one small thing at a time, so that it can be killed or paused between any two.

use super::disk::{Directory, Disk, Item};
use super::rng::Rng;
use protocol::{
    Busy, CommitId, Conclude, ConcludeStatus, ErrorClass, Heartbeat, HeartbeatAnswer, Identify,
    JobAttempt, JobId, JobProgress, Metrics, ReadyJob, SessionToken, WorkerMessage,
};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Queued,
    Staged,
    Granted,
    /// Its CONCLUDE is sent until it is answered.
    Ended {
        status: ConcludeStatus,
        class: Option<ErrorClass>,
    },
    Take,
    LookForFinal,
    Finish,
}

#[derive(Debug, Clone, Copy)]
pub struct Task {
    pub attempt: u32,
    pub recovery: u32,
    pub phase: Phase,
}

#[derive(Debug)]
pub struct Worker {
    pub directory: Directory,
    pub peer: Vec<u8>,
    pub session: Option<SessionToken>,
    pub swept: bool,
    pub tasks: BTreeMap<JobId, Task>,
    pub paused_until_us: i64,
    pub final_first: bool,
}

impl Worker {
    pub fn start(directory: Directory, final_first: bool) -> Self {
        Self {
            directory,
            peer: directory.to_be_bytes().to_vec(),
            session: None,
            swept: false,
            tasks: BTreeMap::new(),
            paused_until_us: 0,
            final_first,
        }
    }

    pub fn dispatch(&mut self, job: JobAttempt, recovery: u32) {
        let phase = match (recovery, self.final_first) {
            (0, _) => Phase::Queued,
            (_, true) => Phase::LookForFinal,
            (_, false) => Phase::Take,
        };
        let task = Task { attempt: job.attempt, recovery, phase };
        let known = self.tasks.get(&job.id);
        let is_newer = known
            .is_none_or(|known| (known.attempt, known.recovery) < (task.attempt, task.recovery));
        if is_newer {
            self.tasks.insert(job.id, task);
        }
    }

    pub fn answer(&mut self, answer: HeartbeatAnswer, disk: &mut Disk, live: &[Directory]) {
        match answer.accepted {
            Some(true) => {
                self.session = answer.session;
                if !self.swept {
                    sweep(disk, live, &answer.keep_staging);
                    self.swept = true;
                }
            }
            Some(false) => self.session = None,
            None => {}
        }
        for grant in answer.granted {
            self.advance(grant.id, grant.attempt, Phase::Staged, Phase::Granted);
        }
        for refusal in answer.refused {
            let job = JobAttempt { id: refusal.id, attempt: refusal.attempt };
            self.give_up(job, disk);
        }
        for job in answer.concluded {
            let ended = self.tasks.get(&job.id).is_some_and(|task| {
                task.attempt == job.attempt && matches!(task.phase, Phase::Ended { .. })
            });
            if ended {
                self.tasks.remove(&job.id);
            }
        }
    }

    fn advance(&mut self, id: JobId, attempt: u32, from: Phase, to: Phase) {
        if let Some(task) = self.tasks.get_mut(&id)
            && (task.attempt, task.phase) == (attempt, from)
        {
            task.phase = to;
        }
    }

    /// A refusal counts only before the grant: what was granted is promoted or found gone.
    fn give_up(&mut self, job: JobAttempt, disk: &mut Disk) {
        let task = self.tasks.get(&job.id).filter(|task| task.attempt == job.attempt);
        let Some(task) = task else { return };
        match task.phase {
            Phase::Queued => drop(self.tasks.remove(&job.id)),
            Phase::Staged => {
                disk.0.remove(&Item::Staged(job, self.directory));
                self.tasks.remove(&job.id);
            }
            Phase::Ended { .. } => drop(self.tasks.remove(&job.id)),
            Phase::Granted | Phase::Take | Phase::LookForFinal | Phase::Finish => {}
        }
    }

    pub fn heartbeat(&self) -> WorkerMessage {
        let Some(token) = self.session.clone() else {
            return WorkerMessage::Identify(Identify { slots: 2, ..Identify::default() });
        };
        let listed = |(id, task): (&JobId, &Task)| JobProgress {
            id: *id,
            attempt: task.attempt,
            rows: 0,
            bytes: 0,
        };
        let staged = self.tasks.iter().filter(|(_, task)| task.phase == Phase::Staged);
        let ready = staged.map(|(id, task)| ReadyJob {
            job: *id,
            attempt: task.attempt,
            commit_id: CommitId::from(*id),
            outputs: Vec::new(),
        });
        WorkerMessage::Heartbeat(Heartbeat {
            token: Some(token),
            status: Busy::Busy,
            jobs: self.tasks.iter().map(listed).collect(),
            ready: ready.collect(),
            ..Heartbeat::default()
        })
    }

    pub fn conclusions(&self) -> Vec<WorkerMessage> {
        let ended = self.tasks.iter().filter_map(|(id, task)| match task.phase {
            Phase::Ended { status, class } => Some(self.conclude(*id, task, status, class)),
            _ => None,
        });
        ended.collect()
    }

    fn conclude(
        &self,
        id: JobId,
        task: &Task,
        status: ConcludeStatus,
        error_class: Option<ErrorClass>,
    ) -> WorkerMessage {
        let conclude = Conclude {
            status,
            token: self.session.clone(),
            attempt: task.attempt,
            recovery: task.recovery,
            metrics: Metrics::default(),
            artifacts: Vec::new(),
            error_message: None,
            error_class,
            retryable: None,
        };
        WorkerMessage::Conclude(id, conclude)
    }

    /// One step of one task.
    pub fn work(&mut self, rng: &mut Rng, disk: &mut Disk) {
        let busy = self
            .tasks
            .iter()
            .filter(|(_, task)| !matches!(task.phase, Phase::Staged | Phase::Ended { .. }));
        let busy = busy.map(|(id, _)| *id).collect::<Vec<_>>();
        if busy.is_empty() {
            return;
        }
        let id = busy[rng.below(busy.len())];
        let directory = self.directory;
        let final_first = self.final_first;
        let task = self.tasks.get_mut(&id).unwrap();
        let job = JobAttempt { id, attempt: task.attempt };
        let success = Phase::Ended { status: ConcludeStatus::Success, class: None };
        let mine = Item::Taken(job, task.recovery, directory);
        let next = match task.phase {
            Phase::Queued if rng.chance(30) => failed(ErrorClass::Crash),
            Phase::Queued => {
                disk.0.insert(Item::Staged(job, directory));
                Phase::Staged
            }
            Phase::Granted if disk.rename(Item::Staged(job, directory), Item::Final(job)) => {
                success
            }
            // Somebody took it: the recoverer reports.
            Phase::Granted => {
                self.tasks.remove(&id);
                return;
            }
            Phase::Take if disk.0.contains(&mine) => Phase::Finish,
            Phase::Take => match disk.sources(job, mine) {
                Some(source) => {
                    disk.rename(source, mine);
                    Phase::Finish
                }
                None if final_first => failed(ErrorClass::Lost),
                None => Phase::LookForFinal,
            },
            Phase::LookForFinal if disk.0.contains(&Item::Final(job)) => success,
            Phase::LookForFinal if final_first => Phase::Take,
            Phase::LookForFinal => failed(ErrorClass::Lost),
            Phase::Finish if disk.rename(mine, Item::Final(job)) => success,
            Phase::Finish => Phase::Take,
            Phase::Staged | Phase::Ended { .. } => return,
        };
        self.tasks.get_mut(&id).unwrap().phase = next;
    }
}

fn failed(class: ErrorClass) -> Phase {
    Phase::Ended { status: ConcludeStatus::Failed, class: Some(class) }
}

/// A starting worker clears the directories of processes that are gone, less what is being committed.
fn sweep(disk: &mut Disk, live: &[Directory], keep: &[JobAttempt]) {
    disk.0.retain(|item| match item.directory() {
        Some(directory) => live.contains(&directory) || keep.contains(&item.job()),
        None => true,
    });
}
