//! Files that are written anew. To a worker a compaction is one more job that it holds; here it is one that takes no slot, and of which
//! nothing is stored before its grant: one whose worker is lost earlier is forgotten, and planned anew.

use super::decider::Decider;
use super::event::{Action, Claimed, Command, Outcome};
use super::jobs::{Held, Phase, Work};
use super::message::concluded;
use catalog::{CompactionPlan, Lane};
use protocol::{
    Compaction, HeartbeatAnswer, JobAttempt, JobId, OutputFileId, ReadyJob, Refusal, Retirement,
    SessionToken,
};

/// Until the catalog is asked again after it had nothing.
const PAUSE_US: i64 = 100_000;
/// While there is other work, rows that nobody needs are taken out at most so often: many of them leave a file at once.
const HIDDEN_EVERY_US: i64 = 10_000_000;

/// A change of the catalog; each checks itself, as those of jobs do.
#[derive(Debug, Clone, PartialEq)]
pub enum Compact {
    Plan {
        session: SessionToken,
        /// Files that somebody is at.
        but: Vec<OutputFileId>,
        /// Also files that are to lose rows.
        hidden: bool,
    },
    Grant {
        session: SessionToken,
        ready: Box<ReadyJob>,
        /// Only a grant that was given before does without.
        plan: Option<Box<CompactionPlan>>,
    },
    Conclude {
        session: SessionToken,
        job: JobAttempt,
    },
    /// It cannot be done just now.
    PutOff {
        session: SessionToken,
        job: JobAttempt,
        files: Vec<OutputFileId>,
    },
    Recover {
        session: SessionToken,
        job: JobAttempt,
    },
    Lose {
        job: JobAttempt,
        recovery: u32,
    },
}

/// What there may be to compact, as far as it is known here.
#[derive(Debug)]
pub(super) struct Compactions {
    pub due: bool,
    asked: bool,
    not_before_us: i64,
    hidden_at_us: i64,
}

impl Compactions {
    pub(super) fn new(now_us: i64) -> Self {
        Self { due: true, asked: false, not_before_us: now_us, hidden_at_us: now_us }
    }
}

impl Decider {
    pub(super) fn is_compaction(&self, job: JobId) -> bool {
        self.held.get(&job).is_some_and(Held::is_compaction)
    }

    pub(super) fn give_compaction(&mut self, now_us: i64) -> Option<Action> {
        let Compactions { due, asked, not_before_us, hidden_at_us } = self.compactions;
        if asked || !due || now_us < not_before_us {
            return None;
        }
        let has_one = |session: &SessionToken| {
            self.held.values().any(|held| held.is_compaction() && held.belongs_to(session))
        };
        let mut live = self.live_workers(now_us).into_iter();
        let session = live.find(|one| !has_one(one) && self.alone.as_ref() != Some(one))?;
        let hidden = !self.hint.want.is_any() || now_us >= hidden_at_us + HIDDEN_EVERY_US;
        if hidden {
            self.compactions.hidden_at_us = now_us;
        }
        self.compactions.asked = true;
        let but = self.held.values().flat_map(Held::files).collect();
        Some(Action::Command(Command::Compact(Compact::Plan { session, but, hidden })))
    }

    pub(super) fn on_planned(
        &mut self,
        now_us: i64,
        session: &SessionToken,
        plan: Option<Box<CompactionPlan>>,
    ) -> Vec<Action> {
        self.compactions.asked = false;
        let Some(plan) = plan else {
            self.compactions.due = false;
            self.compactions.not_before_us = now_us + PAUSE_US;
            return Vec::new();
        };
        let Some(peer) = self.peer_of(session) else { return Vec::new() };
        let (job, order) = (plan.order.job(), plan.order.clone());
        let lease_us = self.timing.lease_us;
        let held = Held {
            work: Work::Compaction(Some(plan)),
            ..Held::dispatched(claimed(job), session.clone(), Phase::Running, now_us, lease_us)
        };
        self.held.insert(job.id, held);
        let answer = HeartbeatAnswer { compact: vec![order], ..HeartbeatAnswer::default() };
        let mut actions = vec![Action::Answer(peer, answer)];
        actions.extend(self.give_compaction(now_us));
        actions
    }

    /// What of this is ready to be granted.
    pub(super) fn grants_of(&self, session: &SessionToken, ready: Vec<ReadyJob>) -> Vec<Action> {
        let (compacted, jobs): (Vec<_>, Vec<_>) =
            ready.into_iter().partition(|one| self.is_compaction(one.job));
        let mut actions = Vec::with_capacity(compacted.len() + 1);
        for one in compacted {
            let plan = self.held.get(&one.job).and_then(Held::plan);
            let (session, plan) = (session.clone(), plan.cloned().map(Box::new));
            let grant = Compact::Grant { session, ready: Box::new(one), plan };
            actions.push(Action::Command(Command::Compact(grant)));
        }
        if !jobs.is_empty() {
            let session = session.clone();
            actions.push(Action::Command(Command::Grant { session, ready: jobs }));
        }
        actions
    }

    /// Nobody has it any more, or it has ended.
    pub(super) fn forget_compaction(&mut self, job: JobId) {
        self.held.remove(&job);
        self.compactions.due = true;
    }

    pub(super) fn put_off(&self, session: &SessionToken, job: JobAttempt) -> Action {
        let files = self.held.get(&job.id).map(|held| held.files().collect());
        let (session, files) = (session.clone(), files.unwrap_or_default());
        Action::Command(Command::Compact(Compact::PutOff { session, job, files }))
    }

    pub(super) fn on_compaction_ended(
        &mut self,
        now_us: i64,
        session: &SessionToken,
        job: JobAttempt,
        refused: Option<Refusal>,
        retire: Vec<Retirement>,
    ) -> Vec<Action> {
        if refused.is_none() {
            self.forget_compaction(job.id);
        }
        self.retiring.extend(retire.iter().map(|one| (one.id, now_us)));
        self.hint.retirements |= !retire.is_empty();
        let mut actions = Vec::new();
        if let Some(peer) = self.peer_of(session) {
            if refused.is_none() {
                actions.push(concluded(&peer, job));
            }
            let refused = refused.into_iter().collect();
            let answer = HeartbeatAnswer { refused, retire, ..HeartbeatAnswer::default() };
            actions.push(Action::Answer(peer, answer));
        }
        actions.extend(self.give_work(now_us));
        actions
    }

    pub(super) fn on_compaction_recovery(
        &mut self,
        now_us: i64,
        session: &SessionToken,
        job: JobAttempt,
        order: Option<Box<Compaction>>,
    ) -> Vec<Action> {
        self.asked.recoveries.remove(&job.id.into());
        let Some(order) = order else {
            self.forget_compaction(job.id);
            return Vec::new();
        };
        let Some(peer) = self.peer_of(session) else { return Vec::new() };
        let lease_us = self.timing.lease_us;
        if let Some(held) = self.held.get_mut(&job.id) {
            let phase = Phase::Committing { commit: job.into(), recovery: order.recovery };
            *held = Held {
                work: Work::Compaction(None),
                ..Held::dispatched(held.claimed, session.clone(), phase, now_us, lease_us)
            };
        }
        let answer = HeartbeatAnswer { compact: vec![*order], ..HeartbeatAnswer::default() };
        vec![Action::Answer(peer, answer)]
    }
}

/// It has neither failures nor losses: what goes wrong with it is planned anew.
pub(super) fn claimed(job: JobAttempt) -> Claimed {
    Claimed { job, failures: 0, losses: 0, retries: None, lane: Lane::Backfill }
}

impl Outcome {
    /// That a compaction has ended, or did not.
    pub fn compaction_ended(
        session: SessionToken,
        job: JobAttempt,
        reason: Option<&str>,
        retire: Vec<Retirement>,
    ) -> Self {
        let refused = reason.map(|reason| Refusal {
            id: job.id,
            attempt: job.attempt,
            reason: reason.to_owned(),
        });
        Self::CompactionEnded { session, job, refused, retire }
    }
}
