//! Workers of the original v4. They identify once, never heartbeat, and conclude what they were given without a grant. So each has one job
//! at a time, for the time that the job may take at most; what it says names no attempt and no session: those are implied.
//!
//! What such a worker published is its own word: no artifact is known of it, so that nothing replaces its rows and `verify` sees none.

use super::decider::Decider;
use super::event::{Action, Claimed, Command, Failure, Peer, Receipt};
use super::jobs::{Held, Phase};
use super::outcome::give_back;
use super::retry;
use protocol::{
    CommitId, Conclude, ConcludeStatus, ErrReport, ErrorClass, JobAttempt, JobId, Metrics,
    ReadyJob, SessionToken,
};

impl Decider {
    /// The session of an original worker.
    pub(super) fn original_of(&self, peer: &Peer) -> Option<SessionToken> {
        let mut originals = self.workers.values().filter(|worker| worker.plugins.is_some());
        originals.find(|worker| worker.peer == *peer).map(|worker| worker.session.clone())
    }

    /// They do not know the answers that our workers get.
    pub(super) fn spare_originals(&self, mut actions: Vec<Action>) -> Vec<Action> {
        if self.workers.values().any(|worker| worker.plugins.is_some()) {
            actions.retain(|action| {
                !matches!(action, Action::Answer(peer, _) if self.original_of(peer).is_some())
            });
        }
        actions
    }

    pub(super) fn give_to_originals(&mut self) -> Vec<Action> {
        if !self.hint.want.is_any() && !self.hint.suspects {
            return Vec::new();
        }
        let free = self.workers.values().filter_map(|worker| {
            let plugins = worker.plugins.clone()?;
            let is_free = !self.held.values().any(|held| held.belongs_to(&worker.session));
            (is_free && self.asked_for(&worker.session) == 0)
                .then(|| (worker.session.clone(), plugins))
        });
        let free = free.collect::<Vec<_>>();
        self.asked.claims.extend(free.iter().map(|(session, _)| (session.clone(), 1)));
        let claim = |(session, plugins)| Action::Command(Command::ClaimFor { session, plugins });
        free.into_iter().map(claim).collect()
    }

    /// With the job comes how long it may take, in microseconds.
    pub(super) fn on_claimed_for(
        &mut self,
        now_us: i64,
        session: &SessionToken,
        job: Option<(Claimed, i64)>,
    ) -> Vec<Action> {
        self.asked.claims.remove(session);
        let Some((claimed, timeout_us)) = job else { return Vec::new() };
        let Some(peer) = self.peer_of(session) else { return give_back(vec![claimed]) };
        let phase = Phase::Running;
        let held = Held::dispatched(claimed, session.clone(), phase, now_us, timeout_us);
        self.held.insert(claimed.job.id, held);
        vec![Action::Dispatch(peer, super::Assignment { job: claimed.job, recovery: None })]
    }

    /// One that let its job's time pass is not heard of again: it has to identify anew.
    pub(super) fn end_original_leases(&mut self, now_us: i64) -> Vec<Action> {
        let ended = self.held.values().filter(|held| {
            let is_original =
                |session| self.workers.get(session).is_some_and(|worker| worker.plugins.is_some());
            held.is_running()
                && held.lease_until_us <= now_us
                && held.session.as_ref().is_some_and(is_original)
        });
        let ended = ended.filter_map(|held| Some((held.session.clone()?, held.claimed)));
        let ended = ended.collect::<Vec<_>>();
        let mut actions = Vec::new();
        for (session, claimed) in ended {
            if let Some(held) = self.held.get_mut(&claimed.job.id) {
                // Nobody's, until the catalog has said what becomes of it.
                held.renew(now_us + self.timing.lease_us);
            }
            let message = "the worker did not conclude within the plugin's TIMEOUT".to_owned();
            let next = retry::next_step(&claimed, ErrorClass::Timeout, None);
            actions.push(failed(&session, claimed.job, ErrorClass::Timeout, message, next));
            actions.push(self.forget_worker(session));
        }
        actions
    }

    /// It is not coming back under this name, and its job never reached it. Ours come back with their session, and their leases wait for them.
    pub(super) fn on_unreachable(&mut self, peer: &Peer) -> Vec<Action> {
        let Some(session) = self.original_of(peer) else { return Vec::new() };
        let held = self.held.values().filter(|held| held.belongs_to(&session) && held.is_running());
        let mut actions = give_back(held.map(|held| held.claimed).collect());
        actions.push(self.forget_worker(session));
        actions
    }

    /// What it did is granted and concluded at once.
    pub(super) fn on_original_concludes(
        &mut self,
        session: &SessionToken,
        job: JobId,
        conclude: Conclude,
    ) -> Vec<Action> {
        let held = self.held.get(&job);
        let Some(held) = held.filter(|held| held.belongs_to(session) && held.is_running()) else {
            return Vec::new();
        };
        let claimed = held.claimed;
        let job = claimed.job;
        if conclude.status == ConcludeStatus::Failed {
            let class = conclude.error_class.unwrap_or(ErrorClass::Plugin);
            let next = retry::next_step(&claimed, class, conclude.retryable);
            let message = conclude.error_message.unwrap_or_default();
            return vec![failed(session, job, class, message, next)];
        }
        let commit_id = CommitId::from(job.id);
        let ready = ReadyJob { job: job.id, attempt: job.attempt, commit_id, outputs: Vec::new() };
        let Conclude { metrics, artifacts, .. } = conclude;
        let receipts = vec![Receipt { job, metrics, artifacts }];
        vec![
            Action::Command(Command::Grant { session: session.clone(), ready: vec![ready] }),
            Action::Command(Command::Conclude { session: session.clone(), receipts }),
        ]
    }

    pub(super) fn on_original_error(
        &mut self,
        session: &SessionToken,
        job: Option<JobId>,
        report: ErrReport,
    ) -> Vec<Action> {
        let mut mine = self.held.values().filter(|held| held.belongs_to(session));
        let Some(job) = job.or_else(|| mine.next().map(|held| held.claimed.job.id)) else {
            return Vec::new();
        };
        let message = match report.traceback {
            Some(traceback) => format!("{}\n{traceback}", report.message),
            None => report.message,
        };
        self.on_original_concludes(session, job, failure(message).bounded())
    }
}

fn failure(message: String) -> Conclude {
    Conclude {
        status: ConcludeStatus::Failed,
        token: None,
        attempt: 0,
        recovery: 0,
        metrics: Metrics::default(),
        artifacts: Vec::new(),
        error_message: Some(message),
        error_class: None,
        retryable: None,
    }
}

fn failed(
    session: &SessionToken,
    job: JobAttempt,
    class: ErrorClass,
    message: String,
    next: super::NextStep,
) -> Action {
    let failure = Failure { job, class, message, metrics: Metrics::default(), next };
    Action::Command(Command::Fail { session: session.clone(), failure })
}
