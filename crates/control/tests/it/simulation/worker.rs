//! A worker that does one small thing at a time, so that it can be killed or paused between any two.

use super::compaction::{item_of, rows_of};
use super::disk::{Directory, Disk, Item, Place};
use super::model::Nature;
use super::recovery::{Recovery, Step};
use super::rng::Rng;
use protocol::{
    Busy, Commit, CommitId, Compaction, Conclude, ConcludeStatus, ErrorClass, Heartbeat,
    HeartbeatAnswer, Identify, JobAttempt, JobId, JobProgress, Metrics, OutputFileId, ReadyJob,
    SessionToken, WorkerMessage,
};
use std::collections::BTreeMap;

/// Beats without an answer until the other Sentinel is tried.
const SILENT_BEATS_MAX: u32 = 5;

#[derive(Debug, Clone)]
pub enum Phase {
    Staging {
        next: u8,
    },
    /// No job, but files that become one.
    Compacting {
        from: Vec<Item>,
        rows: Vec<JobAttempt>,
    },
    /// Its rows wait in memory for their pack.
    Packed,
    Staged {
        commit: Commit,
    },
    Promoting {
        commit: Commit,
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
    /// Files of the commits that are being promoted, up to the next one.
    promoted: BTreeMap<Commit, u8>,
    packs: i64,
    retired: Vec<OutputFileId>,
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
            promoted: BTreeMap::new(),
            packs: 0,
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

    pub fn dispatch(
        &mut self,
        job: JobAttempt,
        recovery: Option<(CommitId, u32)>,
        outputs: u8,
        nature: Nature,
        disk: &mut Disk,
    ) {
        let known = self.tasks.get(&job.id).map(|known| (known.attempt, known.recovery));
        let number = recovery.map_or(0, |(_, number)| number);
        if known.is_some_and(|known| known >= (job.attempt, number)) {
            return;
        }
        self.give_up(job.id, None, false, disk);
        let phase = match recovery {
            None => Phase::Staging { next: 0 },
            Some((commit, number)) => {
                Recovery::new(job.commit(commit), number, self.directory, outputs).into()
            }
        };
        let task = Task { attempt: job.attempt, recovery: number, outputs, nature, phase };
        self.tasks.insert(job.id, task);
    }

    /// Aborts and refusals count only before the grant: what was granted is promoted or found gone.
    pub fn give_up(&mut self, id: JobId, attempt: Option<u32>, is_abort: bool, disk: &mut Disk) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        if attempt.is_some_and(|attempt| attempt != task.attempt) {
            return;
        }
        let may = match task.phase {
            Phase::Compacting { .. }
            | Phase::Staging { .. }
            | Phase::Packed
            | Phase::Staged { .. } => true,
            Phase::Ended { .. } => !is_abort,
            Phase::Promoting { .. } | Phase::Recovering(_) => false,
        };
        if !may {
            return;
        }
        let left = match task.phase {
            Phase::Staged { commit } => Some(commit),
            _ => None,
        };
        if is_abort {
            task.phase = failed(ErrorClass::Aborted);
        } else {
            self.tasks.remove(&id);
        }
        if let Some(commit) = left {
            self.pack_anew(commit, disk);
        }
    }

    /// A pack without those that are not in it any more.
    fn pack_anew(&mut self, commit: Commit, disk: &mut Disk) {
        let is_of_it =
            |task: &Task| matches!(task.phase, Phase::Staged { commit: it } if it == commit);
        let rest = self.tasks.iter().filter(|(_, task)| is_of_it(task));
        let rest = rest.map(|(id, task)| (*id, task.outputs)).collect::<Vec<_>>();
        let most = rest.iter().map(|(_, outputs)| *outputs).max().unwrap_or(0);
        let place = Place::Staged(self.directory);
        let is_there = (0..most).all(|output| disk.items.contains(&Item { commit, output, place }));
        disk.discard(commit, self.directory);
        disk.repacks += u64::from(!rest.is_empty());
        if is_there {
            self.close_pack(rest.into_iter().map(|(id, _)| id).collect(), disk);
        } else {
            for (id, _) in rest {
                self.tasks.get_mut(&id).unwrap().phase = failed(ErrorClass::Sink);
            }
        }
    }

    /// These jobs are one commit from now on.
    fn close_pack(&mut self, ids: Vec<JobId>, disk: &mut Disk) {
        self.packs += 1;
        let number = 1_000_000 + self.directory.cast_signed() * 10_000 + self.packs;
        let commit = Commit::pack(CommitId::new(number));
        let mut jobs = Vec::with_capacity(ids.len());
        for id in ids {
            let task = self.tasks.get_mut(&id).unwrap();
            task.phase = Phase::Staged { commit };
            jobs.push((JobAttempt { id, attempt: task.attempt }, task.outputs));
        }
        disk.stage(commit, &jobs, self.directory);
    }

    /// What waits in memory.
    fn packed(&self) -> Vec<JobId> {
        let packed = self.tasks.iter().filter(|(_, task)| matches!(task.phase, Phase::Packed));
        packed.map(|(id, _)| *id).collect()
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
                && let Phase::Staged { commit } = task.phase
                && commit.id == grant.commit_id
            {
                task.phase = Phase::Promoting { commit };
                self.promoted.entry(commit).or_default();
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
            disk.items.remove(&item_of(&one.file));
            self.retired.push(one.id);
        }
        answer.compact.into_iter().for_each(|order| self.compact(&order));
    }

    fn compact(&mut self, order: &Compaction) {
        let (job, recovery) = (order.job(), order.recovery);
        if self.tasks.get(&job.id).is_some_and(|known| known.recovery >= recovery) {
            return;
        }
        let (from, rows) = rows_of(order);
        let phase = match recovery {
            0 => Phase::Compacting { from, rows },
            number => Recovery::new(job.into(), number, self.directory, 1).into(),
        };
        let nature = Nature::Harmless;
        let task = Task { attempt: job.attempt, recovery, outputs: 1, nature, phase };
        self.tasks.insert(job.id, task);
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
            packed: matches!(task.phase, Phase::Packed),
        };
        let ready = self.tasks.iter().filter_map(|(id, task)| match task.phase {
            Phase::Staged { commit } => Some(ReadyJob {
                job: *id,
                attempt: task.attempt,
                commit_id: commit.id,
                outputs: Vec::new(),
            }),
            _ => None,
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
        let packed = self.packed();
        if !packed.is_empty() && !is_full && rng.chance(60) {
            let first = packed[0];
            self.close_pack(packed, disk);
            return Worked::Promoted(first);
        }
        let is_busy = |task: &Task| {
            !matches!(task.phase, Phase::Packed | Phase::Staged { .. } | Phase::Ended { .. })
        };
        let busy = self.tasks.iter().filter(|(_, task)| is_busy(task)).map(|(id, _)| *id);
        let busy = busy.collect::<Vec<_>>();
        if busy.is_empty() {
            return Worked::Nothing;
        }
        let id = busy[rng.below(busy.len())];
        let directory = self.directory;
        let task = self.tasks.get_mut(&id).unwrap();
        let job = JobAttempt { id, attempt: task.attempt };
        let next = match &mut task.phase {
            Phase::Staging { next } => {
                let stage = Stage { rng, disk, is_full, faults };
                match stage.go_on(job, *next, task.outputs, task.nature, directory) {
                    Some(phase) => Some(phase),
                    None => return Worked::Died,
                }
            }
            Phase::Promoting { commit } => {
                let commit = *commit;
                self.promote(commit, disk, is_full);
                return Worked::Promoted(id);
            }
            Phase::Recovering(recovery) => match recovery.step(disk) {
                Step::GoOn => return Worked::Promoted(id),
                Step::Complete => Some(success()),
                Step::Lost => Some(failed(ErrorClass::Lost)),
                Step::Overtaken => None,
            },
            Phase::Compacting { from, rows } => {
                let commit = Commit::from(job);
                let is_there = from.iter().all(|item| disk.items.contains(item));
                Some(if is_there && !is_full {
                    let rows = rows.iter().map(|job| (*job, 1)).collect::<Vec<_>>();
                    disk.stage(commit, &rows, directory);
                    Phase::Staged { commit }
                } else {
                    failed(ErrorClass::Sink)
                })
            }
            Phase::Packed | Phase::Staged { .. } | Phase::Ended { .. } => return Worked::Nothing,
        };
        match next {
            Some(phase) => task.phase = phase,
            None => drop(self.tasks.remove(&id)),
        }
        Worked::Promoted(id)
    }

    /// One file further, for all jobs of the commit.
    fn promote(&mut self, commit: Commit, disk: &mut Disk, is_full: bool) {
        let is_of_it =
            |task: &Task| matches!(task.phase, Phase::Promoting { commit: it } if it == commit);
        let jobs = self.tasks.iter().filter(|(_, task)| is_of_it(task));
        let outputs = jobs.map(|(_, task)| task.outputs).max().unwrap_or(0);
        let output = self.promoted.get(&commit).copied().unwrap_or(0);
        if output == outputs {
            for task in self.tasks.values_mut().filter(|task| is_of_it(task)) {
                task.phase = success();
            }
            self.promoted.remove(&commit);
            return;
        }
        let from = Item { commit, output, place: Place::Staged(self.directory) };
        // What cannot be renamed now is left to a recovery; where somebody took it, the recoverer reports.
        if !is_full && disk.rename(from, from.at(Place::Final)) {
            self.promoted.insert(commit, output + 1);
        } else {
            self.tasks.retain(|_, task| !is_of_it(task));
            self.promoted.remove(&commit);
        }
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
            return Some(failed(class));
        }
        if output < outputs {
            return Some(Phase::Staging { next: output + 1 });
        }
        // Small ones wait for others.
        if self.rng.chance(600) {
            return Some(Phase::Packed);
        }
        let commit = job.into();
        self.disk.stage(commit, &[(job, outputs)], directory);
        Some(Phase::Staged { commit })
    }
}

impl From<Recovery> for Phase {
    fn from(recovery: Recovery) -> Self {
        Self::Recovering(Box::new(recovery))
    }
}

fn success() -> Phase {
    Phase::Ended { status: ConcludeStatus::Success, class: None }
}

fn failed(class: ErrorClass) -> Phase {
    Phase::Ended { status: ConcludeStatus::Failed, class: Some(class) }
}

/// A starting worker clears the directories of processes that are gone, less what is being committed.
fn sweep(disk: &mut Disk, live: &[Directory], keep: &[Commit]) {
    disk.items.retain(|item| match item.directory() {
        Some(directory) => live.contains(&directory) || keep.contains(&item.commit),
        None => true,
    });
}
