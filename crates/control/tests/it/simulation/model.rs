//! A catalog so naive that it can be seen to be right: one map of jobs, one row a job.

use super::compaction::Granted;
use super::disk::{Item, Place};
use super::flaw::Flaw;
use catalog::Lane;
use control::sentinel::decide::{
    Claimed, Command, Failure, InFlight, NextStep, Outcome, Receipt, Recovery, Requeue,
};
use protocol::{
    Commit, CommitId, Grant, JobAttempt, JobId, OutputFileId, ReadyJob, Refusal, Retirement,
    SessionToken,
};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Pending {
        until_us: i64,
    },
    /// The tagger has to look at the file again.
    Changed,
    Queued,
    Running,
    Committing,
    Completed,
    Failed,
    Aborted,
}

/// How the job's file and plugin behave, whatever else fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    Harmless,
    /// The guest crashes each time.
    Crashes,
    /// The plugin raises an exception each time.
    Raises,
    /// The worker dies of it each time.
    KillsItsWorker,
}

#[derive(Debug, Clone)]
pub struct Row {
    pub state: State,
    pub lane: Lane,
    pub nature: Nature,
    pub outputs: u8,
    pub attempt: u32,
    pub session: Option<SessionToken>,
    pub granted_to: Option<SessionToken>,
    pub commit: Option<Commit>,
    pub recovery: u32,
    pub failures: u32,
    pub losses: u32,
    /// All attempts that were made since a person last had a hand in it.
    pub tries: u32,
}

#[derive(Debug, Clone, Default)]
pub struct Model {
    pub jobs: BTreeMap<JobId, Row>,
    pub epoch: u64,
    /// What was promoted of attempts that were lost, until it is moved away.
    pub to_retire: BTreeMap<OutputFileId, Item>,
    /// Whose rows in a file are for readers, or about to be.
    pub needed: BTreeSet<(Item, JobAttempt)>,
    /// Whose rows in a file are not, though they lie there for others.
    pub hidden: BTreeSet<(Item, JobAttempt)>,
    /// Granted, and not ended.
    pub compactions: BTreeMap<CommitId, Granted>,
    pub compacted: BTreeSet<CommitId>,
    pub compactions_planned: i64,
    pub flaw: Option<Flaw>,
    next_file: i64,
    pub recoveries: u64,
    pub recovered_packs: u64,
    pub recovered_compactions: u64,
    pub lost_compactions: u64,
    pub lost: u64,
    pub aborted_running: u64,
    pub spent: u64,
}

impl Model {
    pub fn new(jobs: i64, flaw: Option<Flaw>) -> Self {
        let jobs = (1..=jobs).map(|id| (JobId::new(id), row(id)));
        Self { jobs: jobs.collect(), flaw, ..Self::default() }
    }

    pub fn in_flight(&self) -> Vec<InFlight> {
        let live = self.jobs.iter().filter(|(_, row)| is_live(row.state));
        let in_flight = live.map(|(id, row)| InFlight {
            claimed: claimed(*id, row),
            session: row.session.clone(),
            commit: row.commit.filter(|_| row.state == State::Committing),
            recovery: row.recovery,
            is_compaction: false,
        });
        let compactions = self.compactions.iter().map(|(id, granted)| {
            let job = Commit::pack(*id).attempt();
            InFlight::compaction(job, granted.session.clone(), granted.recovery)
        });
        in_flight.chain(compactions).collect()
    }

    /// None: suspects, of both lanes.
    pub fn has_queued(&self, lane: Option<Lane>) -> bool {
        self.jobs.values().any(|row| is_queued(row, lane))
    }

    pub fn has_due(&self, wall_us: i64) -> bool {
        self.jobs.values().any(|row| is_due(row.state, wall_us))
    }

    pub fn apply(&mut self, wall_us: i64, command: Command) -> Outcome {
        match command {
            Command::Register { peer, identify, fresh } => {
                let session = identify.token.clone().unwrap_or(fresh);
                Outcome::Registered { peer, session, identify, refusals: Vec::new() }
            }
            Command::Claim { session, lane, limit } => {
                let jobs = self.claim(&session, limit, Some(lane));
                Outcome::Claimed { session, lane, asked: limit, jobs }
            }
            Command::ClaimFor { .. } => unreachable!("no worker here is an original one"),
            Command::ClaimSuspect { session } => {
                let job = self.claim(&session, 1, None).pop();
                Outcome::SuspectClaimed { session, job }
            }
            Command::Grant { session, ready } => self.grant(session, &ready),
            Command::Conclude { session, receipts } => self.conclude(session, &receipts),
            Command::Fail { session, failure } => self.fail(wall_us, session, &failure),
            Command::Requeue { jobs } => self.requeue(&jobs),
            Command::BeginRecovery { job, session } => self.begin_recovery(job, session),
            Command::Lost { job, recovery } => self.lose(job, recovery),
            Command::Admit => {
                let due = self.jobs.values_mut().filter(|row| is_due(row.state, wall_us));
                Outcome::Admitted {
                    queued: due.map(|row| row.state = State::Queued).count() as u64,
                }
            }
            Command::Retirements => Outcome::Retirements { retire: self.retirements() },
            Command::MarkRetired { files } => {
                self.to_retire.retain(|file, _| !files.contains(file));
                Outcome::Done
            }
            Command::Compact(command) => self.compact(command),
            Command::WorkerLost { .. } => Outcome::Done,
        }
    }

    fn claim(&mut self, session: &SessionToken, limit: usize, lane: Option<Lane>) -> Vec<Claimed> {
        let queued = self.jobs.iter_mut().filter(|(_, row)| is_queued(row, lane));
        let take = |(id, row): (&JobId, &mut Row)| {
            row.state = State::Running;
            row.attempt += 1;
            row.tries += 1;
            row.session = Some(session.clone());
            row.granted_to = None;
            row.recovery = 0;
            row.commit = None;
            claimed(*id, row)
        };
        queued.take(limit).map(take).collect()
    }

    fn grant(&mut self, session: SessionToken, ready: &[ReadyJob]) -> Outcome {
        let mut granted = Vec::new();
        let mut refused = Vec::new();
        let may = |one: &ReadyJob| self.may_grant(one, &session);
        let broken = ready.iter().filter(|one| !may(one)).map(|one| one.commit_id);
        let broken = broken.collect::<BTreeSet<CommitId>>();
        let verdicts = ready.iter().map(may).collect::<Vec<_>>();
        for (one, may) in ready.iter().zip(verdicts) {
            let (id, attempt) = (one.job, one.attempt);
            if !may {
                refused.push(refusal(id, attempt));
            } else if !broken.contains(&one.commit_id) {
                self.commit(one, &session);
                let commit_id = one.commit_id;
                granted.push(Grant { id, attempt, commit_id, supersede: Vec::new() });
            }
        }
        Outcome::Granted { session, granted, refused, deferred: Vec::new() }
    }

    fn may_grant(&self, one: &ReadyJob, session: &SessionToken) -> bool {
        let row = &self.jobs[&one.job];
        let is_holder = row.attempt == one.attempt && row.session.as_ref() == Some(session);
        let is_it = match row.state {
            State::Running => true,
            State::Committing => row.commit == Some(one.commit()),
            _ => false,
        };
        is_holder && is_it
    }

    fn commit(&mut self, one: &ReadyJob, session: &SessionToken) {
        let row = self.jobs.get_mut(&one.job).unwrap();
        let (commit, job) = (one.commit(), JobAttempt { id: one.job, attempt: one.attempt });
        row.state = State::Committing;
        row.commit = Some(commit);
        row.granted_to = Some(session.clone());
        let files = (0..row.outputs).map(|output| Item { commit, output, place: Place::Final });
        self.needed.extend(files.map(|file| (file, job)));
    }

    pub fn is_hidden(&self, job: JobAttempt, file: Item) -> bool {
        self.hidden.contains(&(file, job))
    }

    fn conclude(&mut self, session: SessionToken, receipts: &[Receipt]) -> Outcome {
        let mut concluded = Vec::new();
        let mut refused = Vec::new();
        for Receipt { job, .. } in receipts {
            // Of a compaction that has ended.
            let Some(row) = self.jobs.get_mut(&job.id) else {
                refused.push(refusal(job.id, job.attempt));
                continue;
            };
            let known = [&row.session, &row.granted_to].contains(&&Some(session.clone()));
            let is_it = row.attempt == job.attempt && known;
            match row.state {
                State::Committing if is_it => {
                    row.state = State::Completed;
                    row.session = None;
                    row.losses = 0;
                    concluded.push(*job);
                }
                State::Completed if row.attempt == job.attempt => concluded.push(*job),
                _ => refused.push(refusal(job.id, job.attempt)),
            }
        }
        Outcome::Concluded { session, concluded, refused, retire: self.retirements() }
    }

    fn fail(&mut self, wall_us: i64, session: SessionToken, failure: &Failure) -> Outcome {
        let row = self.jobs.get_mut(&failure.job.id).unwrap();
        let taken = row.state == State::Running
            && row.attempt == failure.job.attempt
            && row.session.as_ref() == Some(&session);
        if taken {
            row.session = None;
            let costs = matches!(failure.next, NextStep::Fail | NextStep::Retry { .. });
            row.failures += u32::from(costs);
            row.state = match failure.next {
                NextStep::Fail => State::Failed,
                NextStep::Retry { after_us } => State::Pending { until_us: wall_us + after_us },
                NextStep::LookAgain => State::Changed,
                NextStep::Requeue => State::Queued,
            };
        }
        Outcome::Failed { session, job: failure.job, taken }
    }

    fn requeue(&mut self, jobs: &[Requeue]) -> Outcome {
        for one in jobs {
            let row = self.jobs.get_mut(&one.job.id).unwrap();
            if row.state == State::Running && row.attempt == one.job.attempt {
                row.losses = one.losses;
                row.session = None;
                self.spent += u64::from(one.spent);
                row.state = if one.spent { State::Failed } else { State::Queued };
            }
        }
        Outcome::Requeued { jobs: jobs.iter().map(|one| one.job).collect() }
    }

    /// Of all jobs of its commit that are not done.
    fn begin_recovery(&mut self, job: JobAttempt, session: SessionToken) -> Outcome {
        let row = &self.jobs[&job.id];
        let fits = row.state == State::Committing && row.attempt == job.attempt;
        let Some(commit) = row.commit.filter(|_| fits) else {
            return Outcome::RecoveryBegun { session, job, recovery: None };
        };
        let is_of_it =
            |row: &&mut Row| row.state == State::Committing && row.commit == Some(commit);
        let number = 1 + row.recovery;
        let mut jobs = Vec::new();
        for (id, row) in &mut self.jobs {
            if is_of_it(&row) {
                row.recovery = number;
                row.session = Some(session.clone());
                jobs.push(JobAttempt { id: *id, attempt: row.attempt });
            }
        }
        self.recoveries += 1;
        self.recovered_packs += u64::from(jobs.len() > 1);
        let recovery = Some(Recovery { number, commit: commit.id, jobs });
        Outcome::RecoveryBegun { session, job, recovery }
    }

    /// What was promoted of it leaves the topic, or is hidden in files that others need.
    fn lose(&mut self, job: JobAttempt, recovery: u32) -> Outcome {
        let row = self.jobs.get_mut(&job.id).unwrap();
        let taken = row.state == State::Committing
            && row.attempt == job.attempt
            && row.recovery == recovery;
        if taken {
            row.state = State::Queued;
            row.session = None;
            self.lost += 1;
            let leaves = self.flaw == Some(Flaw::LeavesTheLost);
            if !leaves {
                self.leave(job);
            }
        }
        Outcome::LostTaken { job, taken }
    }

    fn leave(&mut self, job: JobAttempt) {
        let files = self.needed.iter().filter(|(_, of)| *of == job).map(|(file, _)| *file);
        for file in files.collect::<Vec<_>>() {
            self.needed.remove(&(file, job));
            self.hidden.insert((file, job));
            let is_needed = self.needed.iter().any(|(needed, _)| *needed == file);
            if !is_needed || self.flaw == Some(Flaw::RetiresWhatOthersNeed) {
                self.retire(file);
            }
        }
    }

    pub fn retire(&mut self, file: Item) {
        self.next_file += 1;
        self.to_retire.insert(OutputFileId::new(self.next_file), file);
    }

    /// A person's wish: what a job published is to be made once more.
    pub fn restore(&mut self, id: JobId) {
        let row = self.jobs.get_mut(&id).unwrap();
        if row.state == State::Completed {
            row.state = State::Queued;
            let attempt = row.attempt;
            self.leave(JobAttempt { id, attempt });
        }
    }

    pub fn retirements(&self) -> Vec<Retirement> {
        let retirement = |(id, item): (&OutputFileId, &Item)| Retirement {
            id: *id,
            job: JobAttempt { id: JobId::new(item.commit.id.get()), attempt: item.commit.attempt },
            topic: "out".parse().unwrap(),
            uri: "parquet://out".parse().unwrap(),
            file: file_name(*item),
            copied: false,
        };
        self.to_retire.iter().map(retirement).collect()
    }

    /// A person's wish. Returns the attempt that a worker has.
    pub fn abort(&mut self, id: JobId) -> Option<JobAttempt> {
        let row = self.jobs.get_mut(&id).unwrap();
        let attempt = JobAttempt { id, attempt: row.attempt };
        let is_running = row.state == State::Running;
        let waits = matches!(row.state, State::Pending { .. } | State::Changed | State::Queued);
        if is_running || waits {
            row.state = State::Aborted;
            row.session = None;
        }
        self.aborted_running += u64::from(is_running);
        is_running.then_some(attempt)
    }

    pub fn retry(&mut self, id: JobId) {
        let row = self.jobs.get_mut(&id).unwrap();
        if matches!(row.state, State::Failed | State::Aborted) {
            (row.state, row.failures, row.losses, row.tries) = (State::Queued, 0, 0, 0);
        }
    }
}

fn row(id: i64) -> Row {
    Row {
        state: State::Queued,
        lane: if id % 3 == 0 { Lane::Backfill } else { Lane::Fresh },
        nature: match id {
            7 => Nature::Crashes,
            8 => Nature::Raises,
            9 => Nature::KillsItsWorker,
            _ => Nature::Harmless,
        },
        outputs: (id % 3) as u8 + 1,
        attempt: 0,
        session: None,
        granted_to: None,
        commit: None,
        recovery: 0,
        failures: 0,
        losses: 0,
        tries: 0,
    }
}

fn is_queued(row: &Row, lane: Option<Lane>) -> bool {
    let is_suspect = row.losses > 0;
    row.state == State::Queued && lane.map_or(is_suspect, |lane| !is_suspect && row.lane == lane)
}

fn is_live(state: State) -> bool {
    matches!(state, State::Running | State::Committing)
}

/// A clock that was set back keeps nobody waiting for longer than the longest back-off.
fn is_due(state: State, wall_us: i64) -> bool {
    const BACKOFF_MAX_US: i64 = 80_000_000;
    match state {
        State::Pending { until_us } => until_us <= wall_us || until_us > wall_us + BACKOFF_MAX_US,
        _ => false,
    }
}

fn claimed(id: JobId, row: &Row) -> Claimed {
    let job = JobAttempt { id, attempt: row.attempt };
    let (failures, losses, lane) = (row.failures, row.losses, row.lane);
    Claimed { job, failures, losses, retries: None, lane }
}

pub fn file_name(item: Item) -> String {
    format!("{}-{}-{}", item.commit.id, item.commit.attempt, item.output)
}

pub fn refusal(id: JobId, attempt: u32) -> Refusal {
    Refusal { id, attempt, reason: "over".to_owned() }
}
