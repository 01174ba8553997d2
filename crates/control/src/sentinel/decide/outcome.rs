//! What became of the commands.

use super::decider::Decider;
use super::event::{Action, Assignment, Claimed, Command, Outcome, Peer, Recovery, Requeue};
use super::jobs::{Held, Phase};
use super::lanes::Want;
use super::message::concluded;
use super::retry::Company;
use super::worker::Worker;
use catalog::Lane;
use protocol::{
    HeartbeatAnswer, Identify, JobAttempt, PluginRefusal, Refusal, Retirement, SessionToken,
};
use std::collections::BTreeSet;

impl Decider {
    pub(super) fn on_outcome(&mut self, now_us: i64, outcome: Outcome) -> Vec<Action> {
        match outcome {
            Outcome::Registered { peer, session, identify, refusals } => {
                self.on_registered(now_us, peer, session, &identify, refusals)
            }
            Outcome::Claimed { session, lane, asked, jobs } => {
                self.on_claimed(now_us, &session, lane, asked, jobs)
            }
            Outcome::SuspectClaimed { session, job } => {
                self.take_off_asked(&session, 1);
                self.hint.suspects = job.is_some();
                self.dispatch_claimed(now_us, &session, job.into_iter().collect(), Company::Alone)
            }
            Outcome::ClaimedFor { session, job } => self.on_claimed_for(now_us, &session, job),
            Outcome::Granted { session, granted, refused, deferred } => {
                let answer =
                    HeartbeatAnswer { granted, refused, deferred, ..HeartbeatAnswer::default() };
                self.on_granted(now_us, &session, answer)
            }
            Outcome::Concluded { session, concluded, refused, retire } => {
                self.on_concluded(now_us, &session, concluded, refused, retire)
            }
            Outcome::Failed { session, job, taken } => self.on_failed(now_us, &session, job, taken),
            Outcome::Requeued { jobs } => {
                self.release(&jobs);
                self.hint.want = Want::BOTH;
                self.hint.suspects |= !jobs.is_empty();
                self.give_work(now_us)
            }
            Outcome::RecoveryBegun { session, job, recovery } => {
                self.on_recovery_begun(now_us, &session, job, recovery)
            }
            Outcome::CompactionPlanned { session, plan } => self.on_planned(now_us, &session, plan),
            Outcome::CompactionEnded { session, job, refused, retire } => {
                self.on_compaction_ended(now_us, &session, job, refused, retire)
            }
            Outcome::CompactionRecovery { session, job, order } => {
                self.on_compaction_recovery(now_us, &session, job, order)
            }
            Outcome::LostTaken { job, taken } => {
                if taken {
                    self.release(&[job]);
                    self.hint.want = Want::BOTH;
                }
                self.give_work(now_us)
            }
            Outcome::Admitted { queued } => {
                self.hint.held = false;
                // A retraction takes rows out of files.
                self.compactions.due = true;
                if queued > 0 {
                    self.hint.want = Want::BOTH;
                }
                Vec::new()
            }
            Outcome::Retirements { retire } => self.on_retirements(now_us, retire),
            Outcome::Done => Vec::new(),
        }
    }

    fn on_registered(
        &mut self,
        now_us: i64,
        peer: Peer,
        session: SessionToken,
        identify: &Identify,
        plugin_refusals: Vec<PluginRefusal>,
    ) -> Vec<Action> {
        let slots = identify.slots.max(1) as usize;
        let worker = Worker {
            peer: peer.clone(),
            session: session.clone(),
            slots,
            last_heard_us: now_us,
            leaving: false,
            plugins: identify.is_original().then(|| identify.capabilities.clone()),
        };
        self.workers.retain(|_, other| other.peer != peer);
        self.workers.insert(session.clone(), worker);
        let committing = self.held.values().filter_map(Held::commit).collect::<BTreeSet<_>>();
        let answer = HeartbeatAnswer {
            accepted: Some(true),
            session: Some(session),
            lease_s: Some(self.timing.lease_us as f64 / 1e6),
            heartbeat_s: Some(self.timing.heartbeat_us as f64 / 1e6),
            keep_staging: committing.into_iter().collect(),
            plugin_refusals,
            ..HeartbeatAnswer::default()
        };
        let mut actions = vec![Action::Answer(peer, answer)];
        actions.extend(self.give_work(now_us));
        actions
    }

    /// What one lane does not have goes to the other.
    fn on_claimed(
        &mut self,
        now_us: i64,
        session: &SessionToken,
        lane: Lane,
        asked: usize,
        jobs: Vec<Claimed>,
    ) -> Vec<Action> {
        self.take_off_asked(session, asked);
        let asked_of_lane = self.asked.lanes.of(lane);
        *asked_of_lane = asked_of_lane.saturating_sub(asked);
        let has_more = jobs.len() == asked;
        self.hint.want.set(lane, has_more);
        let mut actions = self.dispatch_claimed(now_us, session, jobs, Company::Jobs);
        if !has_more && self.hint.want.is_any() {
            actions.extend(self.give_claims(now_us));
        }
        actions
    }

    fn take_off_asked(&mut self, session: &SessionToken, jobs: usize) {
        if let Some(asked) = self.asked.claims.get_mut(session) {
            *asked = asked.saturating_sub(jobs);
        }
    }

    fn dispatch_claimed(
        &mut self,
        now_us: i64,
        session: &SessionToken,
        jobs: Vec<Claimed>,
        company: Company,
    ) -> Vec<Action> {
        let Some(peer) = self.peer_of(session) else { return give_back(jobs) };
        let lease_us = self.timing.lease_us;
        let mut actions = Vec::with_capacity(jobs.len());
        for claimed in jobs {
            let held = Held {
                company,
                ..Held::dispatched(claimed, session.clone(), Phase::Running, now_us, lease_us)
            };
            self.held.insert(claimed.job.id, held);
            let assignment = Assignment { job: claimed.job, recovery: None };
            actions.push(Action::Dispatch(peer.clone(), assignment));
        }
        actions
    }

    fn on_granted(
        &mut self,
        now_us: i64,
        session: &SessionToken,
        answer: HeartbeatAnswer,
    ) -> Vec<Action> {
        for grant in &answer.granted {
            let attempt = JobAttempt { id: grant.id, attempt: grant.attempt };
            if let Some(held) = self.held.get_mut(&grant.id).filter(|held| held.is(attempt)) {
                if held.is_running() {
                    let commit = attempt.commit(grant.commit_id);
                    held.phase = Phase::Committing { commit, recovery: 0 };
                }
                held.renew(now_us + self.timing.lease_us);
            }
        }
        self.release_refused(&answer.refused);
        self.answer_and_go_on(now_us, session, answer)
    }

    fn on_concluded(
        &mut self,
        now_us: i64,
        session: &SessionToken,
        concluded: Vec<JobAttempt>,
        refused: Vec<Refusal>,
        retire: Vec<Retirement>,
    ) -> Vec<Action> {
        self.release(&concluded);
        self.compactions.due |= !concluded.is_empty();
        // Whatever waited for these jobs may go on.
        self.hint.held |= !concluded.is_empty();
        self.retiring.extend(retire.iter().map(|one| (one.id, now_us)));
        self.hint.retirements |= !retire.is_empty();
        let answer = HeartbeatAnswer { concluded, refused, retire, ..HeartbeatAnswer::default() };
        self.answer_and_go_on(now_us, session, answer)
    }

    fn on_failed(
        &mut self,
        now_us: i64,
        session: &SessionToken,
        job: JobAttempt,
        taken: bool,
    ) -> Vec<Action> {
        if taken {
            self.release(&[job]);
            self.hint.held = true;
            self.hint.want = Want::BOTH;
        }
        let mut actions = Vec::new();
        if let Some(peer) = self.peer_of(session) {
            actions.push(concluded(&peer, job));
        }
        actions.extend(self.give_work(now_us));
        actions
    }

    fn on_recovery_begun(
        &mut self,
        now_us: i64,
        session: &SessionToken,
        job: JobAttempt,
        recovery: Option<Recovery>,
    ) -> Vec<Action> {
        let asked = self.held.get(&job.id).and_then(Held::commit);
        let commit = recovery.as_ref().map(|recovery| recovery.commit);
        for commit in asked.map(|commit| commit.id).into_iter().chain(commit) {
            self.asked.recoveries.remove(&commit);
        }
        let Some(Recovery { number, commit, jobs }) = recovery else {
            // Somebody concluded it meanwhile.
            self.release(&[job]);
            return Vec::new();
        };
        let Some(peer) = self.peer_of(session) else { return Vec::new() };
        let lease_us = self.timing.lease_us;
        let mut actions = Vec::with_capacity(jobs.len());
        for job in jobs {
            let Some(held) = self.held.get_mut(&job.id).filter(|held| held.is(job)) else {
                continue;
            };
            let phase = Phase::Committing { commit: job.commit(commit), recovery: number };
            *held = Held::dispatched(held.claimed, session.clone(), phase, now_us, lease_us);
            let assignment = Assignment { job, recovery: Some((commit, number)) };
            actions.push(Action::Dispatch(peer.clone(), assignment));
        }
        actions
    }

    fn on_retirements(&mut self, now_us: i64, retire: Vec<Retirement>) -> Vec<Action> {
        self.hint.retirements = !retire.is_empty();
        let staying = self.workers.values().filter(|worker| worker.follows());
        let Some(peer) = staying.max_by_key(|worker| worker.last_heard_us) else {
            return Vec::new();
        };
        if retire.is_empty() {
            return Vec::new();
        }
        let peer = peer.peer.clone();
        self.retiring.extend(retire.iter().map(|one| (one.id, now_us)));
        vec![Action::Answer(peer, HeartbeatAnswer { retire, ..HeartbeatAnswer::default() })]
    }

    fn answer_and_go_on(
        &mut self,
        now_us: i64,
        session: &SessionToken,
        answer: HeartbeatAnswer,
    ) -> Vec<Action> {
        let peer = self.peer_of(session);
        let mut actions =
            peer.map(|peer| Action::Answer(peer, answer)).into_iter().collect::<Vec<_>>();
        actions.extend(self.give_work(now_us));
        actions
    }

    pub(super) fn peer_of(&self, session: &SessionToken) -> Option<Peer> {
        self.workers.get(session).map(|worker| worker.peer.clone())
    }

    fn release_refused(&mut self, refused: &[Refusal]) {
        let jobs = refused.iter().map(|one| JobAttempt { id: one.id, attempt: one.attempt });
        self.release(&jobs.collect::<Vec<_>>());
        self.hint.held |= !refused.is_empty();
    }

    fn release(&mut self, jobs: &[JobAttempt]) {
        for job in jobs {
            if self.held.get(&job.id).is_some_and(|held| held.is(*job)) {
                let held = self.held.remove(&job.id);
                self.compactions.due |= held.is_some_and(|held| held.is_compaction());
            }
        }
    }
}

/// The worker went between the question and the answer.
pub(super) fn give_back(jobs: Vec<Claimed>) -> Vec<Action> {
    let back =
        |claimed: Claimed| Requeue { job: claimed.job, losses: claimed.losses, spent: false };
    let jobs = jobs.into_iter().map(back).collect::<Vec<_>>();
    if jobs.is_empty() { Vec::new() } else { vec![Action::Command(Command::Requeue { jobs })] }
}
