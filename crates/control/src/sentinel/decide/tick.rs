//! What time brings: leases that end, workers that fall silent, work that can be given.

use super::compactions::Compact;
use super::decider::Decider;
use super::event::{Action, Command, Hint};
use super::jobs::Phase;
use super::lanes::Load;
use super::retry;
use super::worker::{Worker, credit};
use catalog::Lane;
use protocol::{CommitId, JobAttempt, SessionToken};
use std::collections::BTreeMap;

impl Decider {
    pub(super) fn on_tick(&mut self, now_us: i64) -> Vec<Action> {
        self.pass_time(now_us);
        let mut actions = self.end_original_leases(now_us);
        actions.extend(self.end_leases(now_us));
        actions.extend(self.forget_silent_workers(now_us));
        actions.extend(self.give_work(now_us));
        actions
    }

    pub(super) fn on_hint(&mut self, now_us: i64, hint: Hint) -> Vec<Action> {
        self.hint = hint;
        self.compactions.due |= hint.compactions;
        let mut actions = Vec::new();
        if hint.held {
            actions.push(Action::Command(Command::Admit));
        }
        actions.extend(self.give_work(now_us));
        actions
    }

    fn pass_time(&mut self, now_us: i64) {
        let passed_us = now_us - self.last_tick_us;
        self.last_tick_us = now_us;
        if passed_us > self.timing.heartbeat_us {
            self.forgive_own_absence(passed_us);
            return;
        }
        self.lanes.pass(passed_us, self.running(), self.hint.want);
    }

    fn running(&self) -> Load {
        let mut running = Load::default();
        for held in self.held.values().filter(|held| held.takes_credit()) {
            *running.of(held.claimed.lane) += 1;
        }
        running
    }

    /// A Sentinel that was paused has not heard what was said meanwhile: every lease is as much longer.
    fn forgive_own_absence(&mut self, away_us: i64) {
        for held in self.held.values_mut() {
            held.lease_until_us += away_us;
        }
        for worker in self.workers.values_mut() {
            worker.last_heard_us += away_us;
        }
    }

    fn end_leases(&mut self, now_us: i64) -> Vec<Action> {
        let (mut lost, mut forgotten) = (Vec::new(), Vec::new());
        for held in self.held.values_mut().filter(|held| held.lease_until_us <= now_us) {
            match held.phase {
                Phase::Running if held.is_compaction() => forgotten.push(held.claimed.job.id),
                // It was not running any more, so it is no suspect.
                Phase::Running if held.packed => lost.push(held.again()),
                Phase::Running => lost.push(retry::after_loss(&held.claimed, held.company)),
                // Nobody holds it now; `give_work` finds a worker to finish it.
                Phase::Committing { .. } => held.session = None,
            }
        }
        forgotten.into_iter().for_each(|id| self.forget_compaction(id));
        if lost.is_empty() {
            return Vec::new();
        }
        vec![Action::Command(Command::Requeue { jobs: lost })]
    }

    fn forget_silent_workers(&mut self, now_us: i64) -> Vec<Action> {
        let deadline_us = now_us - self.timing.lease_us;
        let silent = self
            .workers
            .values()
            .filter(|worker| worker.plugins.is_none() && worker.last_heard_us <= deadline_us);
        let silent = silent.map(|worker| worker.session.clone()).collect::<Vec<_>>();
        silent.into_iter().map(|session| self.forget_worker(session)).collect()
    }

    /// It takes nothing more; when it holds nothing either, that was its last word.
    pub(super) fn on_leaving(&mut self, session: &SessionToken) -> Option<Action> {
        if let Some(worker) = self.workers.get_mut(session) {
            worker.leaving = true;
        }
        if self.alone.as_ref() == Some(session) {
            self.alone = None;
        }
        let holds = self.held.values().any(|held| held.belongs_to(session));
        (!holds).then(|| self.forget_worker(session.clone()))
    }

    pub(super) fn forget_worker(&mut self, session: SessionToken) -> Action {
        self.workers.remove(&session);
        self.asked.claims.remove(&session);
        if self.alone.as_ref() == Some(&session) {
            self.alone = None;
        }
        Action::Command(Command::WorkerLost { session })
    }

    /// The process that held the session is known to be gone: no need to wait for its leases.
    pub(super) fn on_worker_died(&mut self, now_us: i64, session: &SessionToken) -> Vec<Action> {
        for held in self.held.values_mut().filter(|held| held.belongs_to(session)) {
            held.lease_until_us = now_us;
        }
        let mut actions = vec![self.forget_worker(session.clone())];
        actions.extend(self.end_leases(now_us));
        actions
    }

    /// Gives what there is to workers that have room: first what was granted and lost its worker, then suspects, then the queue.
    pub(super) fn give_work(&mut self, now_us: i64) -> Vec<Action> {
        let mut actions = self.give_recoveries();
        actions.extend(self.give_retirements(now_us));
        actions.extend(self.give_suspect(now_us));
        actions.extend(self.give_to_originals());
        if self.hint.want.is_any() {
            actions.extend(self.give_claims(now_us));
        }
        actions.extend(self.give_compaction(now_us));
        actions
    }

    fn give_recoveries(&mut self) -> Vec<Action> {
        let orphans = self.held.values().filter(|held| {
            held.session.is_none() && !held.is_running() && held.lease_until_us <= self.last_tick_us
        });
        let orphans = orphans.filter_map(|held| Some((held.commit()?.id, held.claimed.job)));
        let orphans = orphans.filter(|(commit, _)| !self.asked.recoveries.contains(commit));
        // One job of a pack is enough: the others are recovered with it.
        let orphans = orphans.collect::<BTreeMap<CommitId, JobAttempt>>();
        let workers = self.live_workers(self.last_tick_us);
        if workers.is_empty() {
            return Vec::new();
        }
        self.asked.recoveries.extend(orphans.keys().copied());
        let shared = orphans.into_values().zip(workers.into_iter().cycle());
        let begin = |(job, session): (JobAttempt, _)| match self.is_compaction(job.id) {
            true => Command::Compact(Compact::Recover { session, job }),
            false => Command::BeginRecovery { job, session },
        };
        shared.map(begin).map(Action::Command).collect()
    }

    fn give_retirements(&mut self, now_us: i64) -> Option<Action> {
        let waits_us = self.timing.lease_us;
        self.retiring.retain(|_, asked_us| *asked_us + waits_us > now_us);
        let wanted = self.hint.retirements && self.retiring.is_empty();
        let has_worker = self.workers.values().any(Worker::follows);
        (wanted && has_worker).then_some(Action::Command(Command::Retirements))
    }

    fn give_suspect(&mut self, now_us: i64) -> Option<Action> {
        if !self.hint.suspects {
            self.alone = None;
            return None;
        }
        if self.alone.is_none() {
            let assigned = self.assigned();
            let live = self.live_workers(now_us).into_iter();
            self.alone = live.min_by_key(|session| assigned.get(session).copied());
        }
        let session = self.alone.clone()?;
        let holds = self.held.values().any(|held| held.belongs_to(&session));
        if holds || self.asked_for(&session) > 0 {
            return None;
        }
        *self.asked.claims.entry(session.clone()).or_default() += 1;
        Some(Action::Command(Command::ClaimSuspect { session }))
    }

    pub(super) fn give_claims(&mut self, now_us: i64) -> Vec<Action> {
        let bunch = self.pace.bunch();
        let mut claims = Vec::new();
        let assigned = self.assigned();
        let mut running = self.running();
        for lane in Lane::ALL {
            *running.of(lane) += *self.asked.lanes.of(lane);
        }
        for session in self.live_workers(now_us) {
            if self.alone.as_ref() == Some(&session) {
                continue;
            }
            let slots = self.workers.get(&session).map_or(0, |worker| worker.slots);
            let taken = assigned.get(&session).unwrap_or(&0) + self.asked_for(&session);
            let mut split = self.lanes.split(credit(slots, bunch, taken), running, self.hint.want);
            for lane in Lane::ALL {
                let limit = *split.of(lane);
                if limit > 0 {
                    *running.of(lane) += limit;
                    *self.asked.lanes.of(lane) += limit;
                    *self.asked.claims.entry(session.clone()).or_default() += limit;
                    let session = session.clone();
                    claims.push(Action::Command(Command::Claim { session, lane, limit }));
                }
            }
        }
        claims
    }

    pub(super) fn asked_for(&self, session: &SessionToken) -> usize {
        self.asked.claims.get(session).copied().unwrap_or(0)
    }

    /// Workers that were heard lately; a silent one gets nothing new.
    pub(super) fn live_workers(&self, now_us: i64) -> Vec<SessionToken> {
        let deadline_us = now_us - 3 * self.timing.heartbeat_us;
        let heard = self.workers.values().filter(|worker| worker.last_heard_us > deadline_us);
        let live = heard.filter(|worker| worker.follows());
        live.map(|worker| worker.session.clone()).collect()
    }

    /// Jobs that run or will run, by who has them; who has none is not in it.
    fn assigned(&self) -> BTreeMap<SessionToken, usize> {
        let mut assigned = BTreeMap::new();
        for held in self.held.values().filter(|held| held.takes_credit()) {
            if let Some(session) = &held.session {
                *assigned.entry(session.clone()).or_default() += 1;
            }
        }
        assigned
    }
}
