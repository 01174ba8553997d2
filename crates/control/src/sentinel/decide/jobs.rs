//! Jobs in flight: who holds each, in which attempt, and until when.

use super::decider::Decider;
use super::event::{AbortedAttempt, Action, Claimed, InFlight, Requeue};
use super::retry::Company;
use catalog::CompactionPlan;
use protocol::{Commit, JobAttempt, OutputFileId, SessionToken};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Running,
    /// Granted; from here it only rolls forward. `recovery` counts the workers that were asked to finish it.
    Committing {
        commit: Commit,
        recovery: u32,
    },
}

/// What a number in flight stands for.
#[derive(Debug)]
pub(super) enum Work {
    Job,
    /// With what is to be written; none where it was granted under an earlier Sentinel, or is recovered.
    Compaction(Option<Box<CompactionPlan>>),
}

#[derive(Debug)]
pub(super) struct Held {
    pub claimed: Claimed,
    /// None: whoever had it is not known any more.
    pub session: Option<SessionToken>,
    pub phase: Phase,
    pub lease_until_us: i64,
    pub dispatched_at_us: i64,
    /// Heartbeats in a row that did not list it.
    pub missed: u32,
    pub missed_at_us: i64,
    pub company: Company,
    /// It has run, and waits for its commit.
    pub packed: bool,
    pub work: Work,
}

impl Held {
    pub(super) fn dispatched(
        claimed: Claimed,
        session: SessionToken,
        phase: Phase,
        now_us: i64,
        lease_us: i64,
    ) -> Self {
        Self {
            claimed,
            session: Some(session),
            phase,
            lease_until_us: now_us + lease_us,
            dispatched_at_us: now_us,
            missed: 0,
            missed_at_us: now_us,
            company: Company::Jobs,
            packed: false,
            work: Work::Job,
        }
    }

    pub(super) fn at_start(job: InFlight, lease_until_us: i64) -> Self {
        let committing = |commit| Phase::Committing { commit, recovery: job.recovery };
        let phase = job.commit.map_or(Phase::Running, committing);
        Self {
            claimed: job.claimed,
            session: job.session,
            phase,
            lease_until_us,
            dispatched_at_us: lease_until_us,
            missed: 0,
            missed_at_us: lease_until_us,
            company: Company::Earlier,
            packed: false,
            work: if job.is_compaction { Work::Compaction(None) } else { Work::Job },
        }
    }

    pub(super) fn is(&self, job: JobAttempt) -> bool {
        self.claimed.job == job
    }

    pub(super) fn belongs_to(&self, session: &SessionToken) -> bool {
        self.session.as_ref() == Some(session)
    }

    pub(super) fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }

    /// It holds a slot, or waits for one.
    pub(super) fn takes_credit(&self) -> bool {
        self.is_running() && !self.packed && !self.is_compaction()
    }

    pub(super) fn is_compaction(&self) -> bool {
        matches!(self.work, Work::Compaction(_))
    }

    pub(super) fn plan(&self) -> Option<&CompactionPlan> {
        match &self.work {
            Work::Compaction(plan) => plan.as_deref(),
            Work::Job => None,
        }
    }

    /// Those that are being made one.
    pub(super) fn files(&self) -> impl Iterator<Item = OutputFileId> {
        self.plan().into_iter().flat_map(|plan| plan.files.iter().copied())
    }

    pub(super) fn commit(&self) -> Option<Commit> {
        match self.phase {
            Phase::Committing { commit, .. } => Some(commit),
            Phase::Running => None,
        }
    }

    /// Another attempt at once, as if this one had not been.
    pub(super) fn again(&self) -> Requeue {
        Requeue { job: self.claimed.job, losses: self.claimed.losses, spent: false }
    }

    pub(super) fn renew(&mut self, lease_until_us: i64) {
        self.lease_until_us = lease_until_us;
        self.missed = 0;
    }

    /// Counts a heartbeat that did not list the job; one that may have crossed the DISPATCH, or came right after another, does not count.
    pub(super) fn miss(&mut self, now_us: i64, heartbeat_us: i64) -> u32 {
        let since = self.dispatched_at_us.max(self.missed_at_us);
        if now_us - since >= heartbeat_us {
            self.missed += 1;
            self.missed_at_us = now_us;
        }
        self.missed
    }
}

impl Decider {
    /// A worker that does not hear of it is told when it lists the job; a grant of it is refused by the catalog.
    pub(super) fn on_aborted(&mut self, now_us: i64, attempts: Vec<AbortedAttempt>) -> Vec<Action> {
        let mut actions = Vec::new();
        for attempt in attempts {
            let held = self.held.get(&attempt.job.id).filter(|held| held.is(attempt.job));
            let Some(session) = held.map(|held| held.session.clone()) else { continue };
            self.held.remove(&attempt.job.id);
            if let Some(peer) = session.and_then(|session| self.peer_of(&session)) {
                actions.push(Action::Abort(peer, attempt));
            }
        }
        // Whatever waited for these jobs may go on.
        self.hint.held = true;
        actions.extend(self.give_work(now_us));
        actions
    }
}
