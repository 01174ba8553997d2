//! What workers say.

use super::compactions::Compact;
use super::decider::Decider;
use super::event::NextStep;
use super::event::{Action, Command, Failure, Peer, Receipt};
use super::jobs::Phase;
use super::packs::Sifted;
use super::retry;
use protocol::{
    Conclude, ConcludeStatus, ErrReport, ErrorClass, Heartbeat, HeartbeatAnswer, JobAttempt, JobId,
    JobProgress, Metrics, OutputFileId, ReadyJob, Refusal, SessionToken, WorkerMessage,
};
use std::collections::BTreeSet;

/// A job that its worker does not list in so many heartbeats never reached it, or was given up.
const MISSED_MAX: u32 = 2;
const CANNOT_COMPACT: &str = "shared files cannot be written anew: programs that read them by themselves see replaced rows until it is done, by the next run or in ten minutes";
const NOT_YOURS: &str = "this attempt is over: the job went on without this worker";

impl Decider {
    pub(super) fn on_message(
        &mut self,
        now_us: i64,
        peer: Peer,
        message: WorkerMessage,
    ) -> Vec<Action> {
        if let Some(session) = self.original_of(&peer) {
            return match message {
                WorkerMessage::Err(job, report) => self.on_original_error(&session, job, report),
                _ => Vec::new(),
            };
        }
        match message {
            WorkerMessage::Heartbeat(heartbeat) => self.on_heartbeat(now_us, peer, heartbeat),
            WorkerMessage::Conclude(job, conclude) => {
                self.on_concludes(now_us, &peer, vec![(job, conclude)])
            }
            WorkerMessage::Err(job, report) => {
                // A complaint about a message of ours: the lease of the job, if there is one, takes care of the rest.
                tracing::warn!(
                    job = job.map(JobId::get),
                    error = report.message,
                    "worker reports an error"
                );
                Vec::new()
            }
            // Decoding makes no such message: our workers say it to others.
            WorkerMessage::OriginalConclude(..) => Vec::new(),
            WorkerMessage::Identify(_) => {
                let message = "IDENTIFY needs a fresh session token".to_owned();
                vec![Action::Err(peer, ErrReport { message, ..ErrReport::default() })]
            }
        }
    }

    fn on_heartbeat(&mut self, now_us: i64, peer: Peer, heartbeat: Heartbeat) -> Vec<Action> {
        let Some(session) = self.session_of(&peer, heartbeat.token.as_ref(), now_us) else {
            return vec![identify_again(peer)];
        };
        let (renewed, mut refused) = self.renew(now_us, &session, &heartbeat.jobs);
        let listed = heartbeat.jobs.iter().map(|job| job.id).collect::<BTreeSet<_>>();
        let mut actions = self.give_up_unlisted(now_us, &session, &listed, &heartbeat.ready);
        let Sifted { sound: ready, strange, faulty } = self.sift(&session, heartbeat.ready);
        refused.extend(strange.into_iter().map(refusal));
        for (job, fault) in faulty {
            refused.push(Refusal { reason: fault.clone(), ..refusal(job) });
            actions.extend(self.on_faulty(&session, job, &fault));
        }
        actions.extend(self.on_retired(&heartbeat.retired));
        let answer = HeartbeatAnswer { renewed, refused, ..HeartbeatAnswer::default() };
        actions.push(Action::Answer(peer, answer));
        if heartbeat.leaving {
            actions.extend(self.on_leaving(&session));
        }
        let grants = self.grants_of(&session, ready);
        if grants.is_empty() {
            actions.extend(self.give_work(now_us));
        }
        actions.extend(grants);
        actions
    }

    /// The session that a peer speaks for. Its token must be the one that this very connection identified with.
    pub(super) fn session_of(
        &mut self,
        peer: &Peer,
        token: Option<&SessionToken>,
        now_us: i64,
    ) -> Option<SessionToken> {
        let worker = self.workers.get_mut(token?)?;
        if worker.peer != *peer {
            return None;
        }
        worker.last_heard_us = now_us;
        Some(worker.session.clone())
    }

    fn renew(
        &mut self,
        now_us: i64,
        session: &SessionToken,
        jobs: &[JobProgress],
    ) -> (Vec<JobAttempt>, Vec<Refusal>) {
        let mut renewed = Vec::new();
        let mut refused = Vec::new();
        for job in jobs {
            let listed = JobAttempt { id: job.id, attempt: job.attempt };
            match self.held.get_mut(&job.id) {
                Some(held) if held.is(listed) && held.belongs_to(session) => {
                    held.renew(now_us + self.timing.lease_us);
                    held.packed = job.packed;
                    renewed.push(listed);
                }
                _ => refused.push(refusal(listed)),
            }
        }
        (renewed, refused)
    }

    /// Jobs that the worker ought to have and does not list.
    fn give_up_unlisted(
        &mut self,
        now_us: i64,
        session: &SessionToken,
        listed: &BTreeSet<JobId>,
        ready: &[ReadyJob],
    ) -> Vec<Action> {
        let ready = ready.iter().map(|job| job.job).collect::<BTreeSet<_>>();
        let (mut requeue, mut forgotten) = (Vec::new(), Vec::new());
        for (id, held) in &mut self.held {
            let missing = held.belongs_to(session) && !listed.contains(id) && !ready.contains(id);
            if !missing || held.miss(now_us, self.timing.heartbeat_us) < MISSED_MAX {
                continue;
            }
            match held.phase {
                Phase::Running if held.is_compaction() => forgotten.push(*id),
                // It was not running, so it is no suspect.
                Phase::Running => requeue.push(held.again()),
                Phase::Committing { .. } => held.lease_until_us = now_us,
            }
        }
        forgotten.into_iter().for_each(|id| self.forget_compaction(id));
        if requeue.is_empty() {
            return Vec::new();
        }
        vec![Action::Command(Command::Requeue { jobs: requeue })]
    }

    /// Only what was asked for counts: nobody hides a file that still lies among the current ones.
    fn on_retired(&mut self, retired: &[OutputFileId]) -> Option<Action> {
        let mut files = retired.to_vec();
        files.retain(|file| self.retiring.remove(file).is_some());
        (!files.is_empty()).then_some(Action::Command(Command::MarkRetired { files }))
    }

    /// The worker that ran it is broken or worse; another attempt may find a better one.
    fn on_faulty(
        &mut self,
        session: &SessionToken,
        job: JobAttempt,
        fault: &str,
    ) -> Option<Action> {
        let held = self.held.get(&job.id).filter(|held| held.is_running())?;
        if held.is_compaction() {
            return Some(self.put_off(session, job));
        }
        let next = retry::next_step(&held.claimed, ErrorClass::Sink, None);
        let message = format!("the worker announced what cannot be published: {fault}");
        let (session, metrics) = (session.clone(), Metrics::default());
        let failure = Failure { job, class: ErrorClass::Sink, message, metrics, next };
        Some(Action::Command(Command::Fail { session, failure }))
    }

    pub(super) fn on_concludes(
        &mut self,
        now_us: i64,
        peer: &Peer,
        concludes: Vec<(JobId, Conclude)>,
    ) -> Vec<Action> {
        if let Some(session) = self.original_of(peer) {
            let concludes = concludes.into_iter();
            let concluded =
                concludes.map(|(job, it)| self.on_original_concludes(&session, job, it));
            return concluded.flatten().collect();
        }
        let mut actions = Vec::new();
        let mut receipts = Vec::new();
        let mut speaker = None;
        for (job, conclude) in concludes {
            let Some(session) = self.session_of(peer, conclude.token.as_ref(), now_us) else {
                actions.push(identify_again(peer.clone()));
                continue;
            };
            let job = JobAttempt { id: job, attempt: conclude.attempt };
            match conclude.status {
                ConcludeStatus::Success if self.is_compaction(job.id) => {
                    let conclude = Compact::Conclude { session, job };
                    actions.push(Action::Command(Command::Compact(conclude)));
                }
                ConcludeStatus::Success => {
                    self.learn_pace(&conclude);
                    let Conclude { metrics, artifacts, .. } = conclude;
                    receipts.push(Receipt { job, metrics, artifacts });
                    speaker = Some(session);
                }
                ConcludeStatus::Failed => {
                    actions.extend(self.on_failure(now_us, peer, session, job, conclude));
                }
            }
        }
        if let Some(session) = speaker {
            actions.push(Action::Command(Command::Conclude { session, receipts }));
        }
        actions
    }

    fn learn_pace(&mut self, conclude: &Conclude) {
        if let Some(ms) = conclude.metrics.ms.get("execute") {
            self.pace.learn(ms.saturating_mul(1_000));
        }
    }

    fn on_failure(
        &mut self,
        now_us: i64,
        peer: &Peer,
        session: SessionToken,
        job: JobAttempt,
        conclude: Conclude,
    ) -> Vec<Action> {
        let held = self.held.get_mut(&job.id);
        let Some(held) = held.filter(|held| held.is(job) && held.belongs_to(&session)) else {
            return vec![concluded(peer, job)];
        };
        let class = conclude.error_class.unwrap_or(ErrorClass::Plugin);
        let is_compaction = held.is_compaction();
        match held.phase {
            // A worker that stops, or was told to, is no reason to wait.
            Phase::Running if is_compaction && class == ErrorClass::Aborted => {
                self.forget_compaction(job.id);
                vec![concluded(peer, job)]
            }
            Phase::Running if is_compaction => {
                let error = conclude.error_message.unwrap_or_default();
                let place = held.plan().map(|plan| plan.order.uri.to_string()).unwrap_or_default();
                tracing::error!(place, error, "{CANNOT_COMPACT}");
                vec![self.put_off(&session, job)]
            }
            Phase::Running => {
                let next = retry::next_step(&held.claimed, class, conclude.retryable);
                let message = conclude.error_message.unwrap_or_default();
                let failure = Failure { job, class, message, metrics: conclude.metrics, next };
                vec![Action::Command(Command::Fail { session, failure })]
            }
            Phase::Committing { recovery, .. }
                if class == ErrorClass::Lost && recovery == conclude.recovery && recovery > 0 =>
            {
                let lost = match is_compaction {
                    true => Command::Compact(Compact::Lose { job, recovery }),
                    false => Command::Lost { job, recovery },
                };
                vec![concluded(peer, job), Action::Command(lost)]
            }
            Phase::Committing { recovery, .. } => {
                // It cannot fail any more: after a while another worker finishes it.
                held.session = None;
                held.lease_until_us = now_us + retry::backoff_us(job, recovery.min(2));
                vec![concluded(peer, job)]
            }
        }
    }
}

impl NextStep {
    pub fn ends_job(self) -> bool {
        self == Self::Fail
    }
}

fn identify_again(peer: Peer) -> Action {
    Action::Answer(peer, HeartbeatAnswer { accepted: Some(false), ..HeartbeatAnswer::default() })
}

pub(super) fn refusal(job: JobAttempt) -> Refusal {
    Refusal { id: job.id, attempt: job.attempt, reason: NOT_YOURS.to_owned() }
}

/// The answer that lets a worker forget an attempt.
pub(super) fn concluded(peer: &Peer, job: JobAttempt) -> Action {
    let answer = HeartbeatAnswer { concluded: vec![job], ..HeartbeatAnswer::default() };
    Action::Answer(peer.clone(), answer)
}
