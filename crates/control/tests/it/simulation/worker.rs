//! A worker that does one small thing at a time, so that it can be killed or paused between any two.

use super::disk::{Directory, Disk, Item, Place};
use super::model::Nature;
use super::recovery::{Recovery, Step};
use super::rng::Rng;
use protocol::{
    ArtifactId, Busy, CommitId, Conclude, ConcludeStatus, ErrorClass, Heartbeat, HeartbeatAnswer,
    Identify, JobAttempt, JobId, JobProgress, Metrics, ReadyJob, SessionToken, WorkerMessage,
};
use std::collections::BTreeMap;

/// Beats without an answer until the other Sentinel is tried.
const SILENT_BEATS_MAX: u32 = 5;

#[derive(Debug, Clone)]
pub enum Phase {
    Staging {
        next: u8,
    },
    Staged,
    Promoting {
        next: u8,
    },
    Recovering(Box<Recovery>),
    /// Its CONCLUDE is sent until it is answered.
    Ended {
        status: ConcludeStatus,
        class: Option<ErrorClass>,
    },
}

#[derive(Debug, Clone)]
pub struct Task {
    pub attempt: u32,
    pub recovery: u32,
    pub outputs: u8,
    pub nature: Nature,
    pub phase: Phase,
}

/// What a step of work comes to, for the world around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worked {
    Nothing,
    /// The process is dead.
    Died,
    Promoted(JobId),
}

#[derive(Debug)]
pub struct Worker {
    pub directory: Directory,
    connection: u64,
    /// The Sentinel that it speaks to.
    pub home: usize,
    pub session: Option<SessionToken>,
    identified: bool,
    swept: bool,
    pub tasks: BTreeMap<JobId, Task>,
    retired: Vec<ArtifactId>,
    unanswered: u32,
    pub next_beat_us: i64,
    pub paused_until_us: i64,
    pub cut_until_us: i64,
}

impl Worker {
    pub fn start(directory: Directory) -> Self {
        Self {
            directory,
            connection: 0,
            home: 0,
            session: None,
            identified: false,
            swept: false,
            tasks: BTreeMap::new(),
            retired: Vec::new(),
            unanswered: 0,
            next_beat_us: 0,
            paused_until_us: 0,
            cut_until_us: 0,
        }
    }

    /// Each connection has an identity of its own.
    pub fn peer(&self) -> Vec<u8> {
        [self.directory.to_be_bytes(), self.connection.to_be_bytes()].concat()
    }

    pub fn dispatch(&mut self, job: JobAttempt, recovery: u32, outputs: u8, nature: Nature) {
        let known = self.tasks.get(&job.id).map(|known| (known.attempt, known.recovery));
        if known.is_some_and(|known| known >= (job.attempt, recovery)) {
            return;
        }
        let phase = match recovery {
            0 => Phase::Staging { next: 0 },
            _ => Recovery::new(job, recovery, self.directory, outputs).into(),
        };
        let task = Task { attempt: job.attempt, recovery, outputs, nature, phase };
        self.tasks.insert(job.id, task);
    }

    /// Aborts and refusals count only before the grant: what was granted is promoted or found gone.
    pub fn give_up(&mut self, id: JobId, attempt: Option<u32>, is_abort: bool, disk: &mut Disk) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        if attempt.is_some_and(|attempt| attempt != task.attempt) {
            return;
        }
        let may = match task.phase {
            Phase::Staging { .. } | Phase::Staged => true,
            Phase::Ended { .. } => !is_abort,
            Phase::Promoting { .. } | Phase::Recovering(_) => false,
        };
        if !may {
            return;
        }
        let job = JobAttempt { id, attempt: task.attempt };
        for output in 0..task.outputs {
            disk.items.remove(&Item { job, output, place: Place::Staged(self.directory) });
        }
        if is_abort {
            task.phase = failed(ErrorClass::Aborted);
        } else {
            self.tasks.remove(&id);
        }
    }

    pub fn answer(&mut self, answer: HeartbeatAnswer, disk: &mut Disk, live: &[Directory]) {
        self.unanswered = 0;
        match answer.accepted {
            Some(true) => {
                self.session = answer.session;
                self.identified = true;
                if !self.swept {
                    sweep(disk, live, &answer.keep_staging);
                    self.swept = true;
                }
            }
            Some(false) => self.identified = false,
            None => {}
        }
        for grant in answer.granted {
            if let Some(task) = self.tasks.get_mut(&grant.id)
                && task.attempt == grant.attempt
                && matches!(task.phase, Phase::Staged)
            {
                task.phase = Phase::Promoting { next: 0 };
            }
        }
        for refusal in answer.refused {
            self.give_up(refusal.id, Some(refusal.attempt), false, disk);
        }
        for job in answer.concluded {
            let ended = self.tasks.get(&job.id).is_some_and(|task| {
                task.attempt == job.attempt && matches!(task.phase, Phase::Ended { .. })
            });
            if ended {
                self.tasks.remove(&job.id);
            }
        }
        for one in answer.retire {
            let mut parts = one.file.split('-').map(|part| part.parse::<i64>().unwrap());
            let mut next = || parts.next().unwrap();
            let job = JobAttempt { id: JobId::new(next()), attempt: next() as u32 };
            disk.items.remove(&Item { job, output: next() as u8, place: Place::Final });
            self.retired.push(one.artifact);
        }
    }

    /// What is due to be said.
    pub fn speak(&mut self) -> Vec<WorkerMessage> {
        self.unanswered += 1;
        if self.unanswered > SILENT_BEATS_MAX {
            self.unanswered = 0;
            self.home = 1 - self.home;
            self.connection += 1;
        }
        let mut messages = vec![self.heartbeat()];
        if self.identified {
            messages.extend(self.conclusions());
        }
        messages
    }

    fn heartbeat(&mut self) -> WorkerMessage {
        if !self.identified {
            let token = self.session.clone();
            return WorkerMessage::Identify(Identify { slots: 2, token, ..Identify::default() });
        }
        let listed = |(id, task): (&JobId, &Task)| JobProgress {
            id: *id,
            attempt: task.attempt,
            rows: 0,
            bytes: 0,
        };
        let staged = self.tasks.iter().filter(|(_, task)| matches!(task.phase, Phase::Staged));
        let ready = staged.map(|(id, task)| ReadyJob {
            job: *id,
            attempt: task.attempt,
            commit_id: CommitId::from(*id),
            outputs: Vec::new(),
        });
        WorkerMessage::Heartbeat(Heartbeat {
            token: self.session.clone(),
            status: Busy::Busy,
            jobs: self.tasks.iter().map(listed).collect(),
            ready: ready.collect(),
            retired: std::mem::take(&mut self.retired),
            ..Heartbeat::default()
        })
    }

    fn conclusions(&self) -> Vec<WorkerMessage> {
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
    pub fn work(&mut self, rng: &mut Rng, disk: &mut Disk, is_full: bool, faults: bool) -> Worked {
        let is_busy = |task: &Task| !matches!(task.phase, Phase::Staged | Phase::Ended { .. });
        let busy = self.tasks.iter().filter(|(_, task)| is_busy(task)).map(|(id, _)| *id);
        let busy = busy.collect::<Vec<_>>();
        if busy.is_empty() {
            return Worked::Nothing;
        }
        let id = busy[rng.below(busy.len())];
        let directory = self.directory;
        let task = self.tasks.get_mut(&id).unwrap();
        let job = JobAttempt { id, attempt: task.attempt };
        let success = Phase::Ended { status: ConcludeStatus::Success, class: None };
        let next = match &mut task.phase {
            Phase::Staging { next } => {
                let output = *next;
                let stage = Stage { rng, disk, is_full, faults };
                match stage.go_on(job, output, task.outputs, task.nature, directory) {
                    Some(phase) => Some(phase),
                    None => return Worked::Died,
                }
            }
            Phase::Promoting { next } if *next == task.outputs => Some(success),
            // What cannot be renamed now is left to a recovery.
            Phase::Promoting { .. } if is_full => None,
            Phase::Promoting { next } => {
                let from = Item { job, output: *next, place: Place::Staged(directory) };
                // Somebody took it: the recoverer reports.
                disk.rename(from, from.at(Place::Final))
                    .then_some(Phase::Promoting { next: *next + 1 })
            }
            Phase::Recovering(recovery) => match recovery.step(disk) {
                Step::GoOn => return Worked::Promoted(id),
                Step::Complete => Some(success),
                Step::Lost => Some(failed(ErrorClass::Lost)),
                Step::Overtaken => None,
            },
            Phase::Staged | Phase::Ended { .. } => return Worked::Nothing,
        };
        match next {
            Some(phase) => task.phase = phase,
            None => drop(self.tasks.remove(&id)),
        }
        Worked::Promoted(id)
    }
}

/// The part of an attempt in which the plugin runs.
struct Stage<'a> {
    rng: &'a mut Rng,
    disk: &'a mut Disk,
    is_full: bool,
    faults: bool,
}

impl Stage<'_> {
    /// None: it took the worker down.
    fn go_on(
        self,
        job: JobAttempt,
        output: u8,
        outputs: u8,
        nature: Nature,
        directory: Directory,
    ) -> Option<Phase> {
        let class = match nature {
            Nature::KillsItsWorker => return None,
            Nature::Crashes => Some(ErrorClass::Crash),
            Nature::Raises => Some(ErrorClass::Plugin),
            Nature::Harmless if self.is_full => Some(ErrorClass::Sink),
            Nature::Harmless if self.faults && self.rng.chance(8) => Some(ErrorClass::Timeout),
            Nature::Harmless if self.faults && self.rng.chance(8) => Some(ErrorClass::Changed),
            Nature::Harmless => None,
        };
        if let Some(class) = class {
            for output in 0..output {
                self.disk.items.remove(&Item { job, output, place: Place::Staged(directory) });
            }
            return Some(failed(class));
        }
        if output == outputs {
            return Some(Phase::Staged);
        }
        self.disk.items.insert(Item { job, output, place: Place::Staged(directory) });
        Some(Phase::Staging { next: output + 1 })
    }
}

impl From<Recovery> for Phase {
    fn from(recovery: Recovery) -> Self {
        Self::Recovering(Box::new(recovery))
    }
}

fn failed(class: ErrorClass) -> Phase {
    Phase::Ended { status: ConcludeStatus::Failed, class: Some(class) }
}

/// A starting worker clears the directories of processes that are gone, less what is being committed.
fn sweep(disk: &mut Disk, live: &[Directory], keep: &[JobAttempt]) {
    disk.items.retain(|item| match item.directory() {
        Some(directory) => live.contains(&directory) || keep.contains(&item.job),
        None => true,
    });
}
