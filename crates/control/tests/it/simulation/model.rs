//! A catalog so naive that it can be seen to be right: one map of jobs, one row a job.

use catalog::Lane;
use control::sentinel::decide::{
    Claimed, Command, Failure, InFlight, NextStep, Outcome, Receipt, Requeue,
};
use protocol::{Grant, JobAttempt, JobId, ReadyJob, Refusal, SessionToken};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Pending { until_us: i64 },
    Queued,
    Running,
    Committing,
    Completed,
    Failed,
}

#[derive(Debug, Clone)]
pub struct Row {
    pub state: State,
    pub lane: Lane,
    pub attempt: u32,
    pub session: Option<SessionToken>,
    pub granted_to: Option<SessionToken>,
    pub recovery: u32,
    pub failures: u32,
    pub losses: u32,
}

#[derive(Debug, Clone, Default)]
pub struct Model {
    pub jobs: BTreeMap<JobId, Row>,
    pub recoveries: u64,
    pub lost: u64,
}

impl Model {
    pub fn new(jobs: i64) -> Self {
        let row = |id| Row {
            state: State::Queued,
            lane: if id % 2 == 0 { Lane::Fresh } else { Lane::Backfill },
            attempt: 0,
            session: None,
            granted_to: None,
            recovery: 0,
            failures: 0,
            losses: 0,
        };
        let jobs = (1..=jobs).map(|id| (JobId::new(id), row(id))).collect();
        Self { jobs, recoveries: 0, lost: 0 }
    }

    pub fn in_flight(&self) -> Vec<InFlight> {
        let live = self.jobs.iter().filter(|(_, row)| is_live(row.state));
        let in_flight = live.map(|(id, row)| InFlight {
            claimed: claimed(*id, row),
            session: row.session.clone(),
            committing: row.state == State::Committing,
            recovery: row.recovery,
        });
        in_flight.collect()
    }

    /// None: suspects, of both lanes.
    pub fn has_queued(&self, lane: Option<Lane>) -> bool {
        self.jobs.values().any(|row| is_queued(row, lane))
    }

    pub fn has_due(&self, now_us: i64) -> bool {
        self.jobs.values().any(|row| is_due(row.state, now_us))
    }

    pub fn apply(&mut self, now_us: i64, command: Command) -> Outcome {
        match command {
            Command::Register { peer, identify, fresh } => {
                let session = identify.token.clone().unwrap_or(fresh);
                Outcome::Registered { peer, session, identify, refusals: Vec::new() }
            }
            Command::Claim { session, lane, limit } => {
                let jobs = self.claim(&session, limit, Some(lane));
                Outcome::Claimed { session, lane, asked: limit, jobs }
            }
            Command::ClaimSuspect { session } => {
                let job = self.claim(&session, 1, None).pop();
                Outcome::SuspectClaimed { session, job }
            }
            Command::Grant { session, ready } => self.grant(session, &ready),
            Command::Conclude { session, receipts } => self.conclude(session, &receipts),
            Command::Fail { session, failure } => self.fail(now_us, session, &failure),
            Command::Requeue { jobs } => self.requeue(&jobs),
            Command::BeginRecovery { job, session } => self.begin_recovery(job, session),
            Command::Lost { job, recovery } => self.lose(job, recovery),
            Command::Admit => {
                let due = self.jobs.values_mut().filter(|row| is_due(row.state, now_us));
                Outcome::Admitted {
                    queued: due.map(|row| row.state = State::Queued).count() as u64,
                }
            }
            Command::Retirements => Outcome::Retirements { retire: Vec::new() },
            Command::MarkRetired { .. } | Command::WorkerLost { .. } => Outcome::Done,
        }
    }

    fn claim(&mut self, session: &SessionToken, limit: usize, lane: Option<Lane>) -> Vec<Claimed> {
        let queued = self.jobs.iter_mut().filter(|(_, row)| is_queued(row, lane));
        let take = |(id, row): (&JobId, &mut Row)| {
            row.state = State::Running;
            row.attempt += 1;
            row.session = Some(session.clone());
            claimed(*id, row)
        };
        queued.take(limit).map(take).collect()
    }

    fn grant(&mut self, session: SessionToken, ready: &[ReadyJob]) -> Outcome {
        let mut granted = Vec::new();
        let mut refused = Vec::new();
        for one in ready {
            let row = self.jobs.get_mut(&one.job).unwrap();
            let fits = row.attempt == one.attempt && row.session.as_ref() == Some(&session);
            if fits && is_live(row.state) {
                row.state = State::Committing;
                row.granted_to = Some(session.clone());
                granted.push(Grant { id: one.job, attempt: one.attempt, supersede: Vec::new() });
            } else {
                refused.push(refusal(one.job, one.attempt));
            }
        }
        Outcome::Granted { session, granted, refused }
    }

    fn conclude(&mut self, session: SessionToken, receipts: &[Receipt]) -> Outcome {
        let mut concluded = Vec::new();
        let mut refused = Vec::new();
        for Receipt { job, .. } in receipts {
            let row = self.jobs.get_mut(&job.id).unwrap();
            let known = [&row.session, &row.granted_to].contains(&&Some(session.clone()));
            match row.state {
                State::Committing if row.attempt == job.attempt && known => {
                    row.state = State::Completed;
                    concluded.push(*job);
                }
                State::Completed if row.attempt == job.attempt => concluded.push(*job),
                _ => refused.push(refusal(job.id, job.attempt)),
            }
        }
        Outcome::Concluded { session, concluded, refused, retire: Vec::new() }
    }

    fn fail(&mut self, now_us: i64, session: SessionToken, failure: &Failure) -> Outcome {
        let row = self.jobs.get_mut(&failure.job.id).unwrap();
        let taken = row.state == State::Running
            && row.attempt == failure.job.attempt
            && row.session.as_ref() == Some(&session);
        if taken {
            row.failures += 1;
            row.state = match failure.next {
                NextStep::Fail => State::Failed,
                NextStep::Retry { after_us } => State::Pending { until_us: now_us + after_us },
                NextStep::LookAgain | NextStep::Requeue => State::Queued,
            };
        }
        Outcome::Failed { session, job: failure.job, taken }
    }

    fn requeue(&mut self, jobs: &[Requeue]) -> Outcome {
        for one in jobs {
            let row = self.jobs.get_mut(&one.job.id).unwrap();
            if row.state == State::Running && row.attempt == one.job.attempt {
                row.losses = one.losses;
                // A job that is given up for good ends the promise; the workers here never deserve it.
                row.state = State::Queued;
            }
        }
        Outcome::Requeued { jobs: jobs.iter().map(|one| one.job).collect() }
    }

    fn begin_recovery(&mut self, job: JobAttempt, session: SessionToken) -> Outcome {
        let row = self.jobs.get_mut(&job.id).unwrap();
        let fits = row.state == State::Committing && row.attempt == job.attempt;
        let recovery = fits.then(|| {
            row.recovery += 1;
            row.session = Some(session.clone());
            row.recovery
        });
        self.recoveries += u64::from(fits);
        Outcome::RecoveryBegun { session, job, recovery }
    }

    fn lose(&mut self, job: JobAttempt, recovery: u32) -> Outcome {
        let row = self.jobs.get_mut(&job.id).unwrap();
        let taken = row.state == State::Committing
            && row.attempt == job.attempt
            && row.recovery == recovery;
        if taken {
            row.state = State::Queued;
            row.recovery = 0;
            row.granted_to = None;
            self.lost += 1;
        }
        Outcome::LostTaken { job, taken }
    }
}

fn is_queued(row: &Row, lane: Option<Lane>) -> bool {
    let is_suspect = row.losses > 0;
    row.state == State::Queued && lane.map_or(is_suspect, |lane| !is_suspect && row.lane == lane)
}

fn is_live(state: State) -> bool {
    matches!(state, State::Running | State::Committing)
}

fn is_due(state: State, now_us: i64) -> bool {
    matches!(state, State::Pending { until_us } if until_us <= now_us)
}

fn claimed(id: JobId, row: &Row) -> Claimed {
    let job = JobAttempt { id, attempt: row.attempt };
    Claimed {
        job,
        failures: row.failures,
        losses: row.losses,
        retries: Some(1_000),
        lane: row.lane,
    }
}

fn refusal(id: JobId, attempt: u32) -> Refusal {
    Refusal { id, attempt, reason: "over".to_owned() }
}
