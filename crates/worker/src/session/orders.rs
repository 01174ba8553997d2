//! What the Sentinel wants done.

use super::{STOPPING, Session};
use crate::committer::{Order, Recoverable};
use crate::held::{Held, Phase};
use crate::original::{ATTEMPT, dispatch_of};
use crate::queue::QueuedJob;
use protocol::{
    Commit, CommitId, Compaction, Dispatch, ErrorClass, JobAttempt, JobId, JobKind,
    OriginalDispatch, StagedOutput,
};

impl Session {
    /// What is granted goes on: the Sentinel aborts none of that, and a message may be late.
    pub(super) fn on_abort(&mut self, id: JobId, reason: &str) {
        let Some(held) = self.held.0.get_mut(&id) else { return };
        let job = JobAttempt { id, attempt: held.attempt };
        match &mut held.phase {
            Phase::Running => {
                held.control.abort(reason);
                self.end_if_queued(job, reason);
            }
            Phase::Staged { outputs, .. } => {
                let outputs = std::mem::take(outputs);
                held.fail(ErrorClass::Aborted, reason.to_owned(), None);
                self.order(Order::Discard(outputs));
            }
            Phase::Packed => held.fail(ErrorClass::Aborted, reason.to_owned(), None),
            // It may be granted already. The Sentinel refuses it otherwise, and then its pack is written anew.
            Phase::InPack { .. } => {}
            Phase::Compacting => held.control.abort(reason),
            Phase::Promoting { .. } | Phase::Recovering { .. } | Phase::Ended { .. } => {}
        }
    }

    pub(super) fn on_dispatch(&mut self, job: JobAttempt, dispatch: Dispatch) {
        let known = self.held.0.get(&job.id).map(|held| (held.attempt, held.recovery));
        if known.is_some_and(|known| known >= (dispatch.attempt, dispatch.recovery)) {
            return;
        }
        if known.is_some() {
            self.forget(job.id, "a newer attempt was dispatched");
        }
        match dispatch.kind {
            // Not listed, it is given to another worker soon.
            JobKind::Recover if self.stopping => {}
            JobKind::Recover => {
                let commit = job.commit(dispatch.commit_id.unwrap_or(CommitId::from(job.id)));
                self.recover(job, commit, dispatch.recovery, dispatch.outputs);
            }
            JobKind::Process | JobKind::Trial => self.enqueue(job, dispatch),
            kind @ (JobKind::Retract | JobKind::Compact) => {
                let text = format!("this worker does not know jobs of kind {kind:?}");
                let held = self.held.0.entry(job.id).or_insert(Held::running(job.attempt));
                held.fail(ErrorClass::Sink, text, Some(false));
            }
        }
    }

    /// Served without grant, so that a crash between publishing and concluding may double it, as it always could there.
    pub(super) fn on_original_dispatch(&mut self, id: JobId, original: OriginalDispatch) {
        if self.held.0.contains_key(&id) {
            return;
        }
        let job = JobAttempt { id, attempt: ATTEMPT };
        match dispatch_of(original, &self.identify.plugins) {
            Ok(dispatch) => self.enqueue(job, dispatch),
            Err(failure) => {
                let mut held = Held::running(ATTEMPT);
                held.fail(failure.class, failure.message, failure.retryable);
                self.held.0.insert(id, held);
            }
        }
        if let Some(held) = self.held.of(job) {
            held.is_original = true;
        }
    }

    pub(super) fn enqueue(&mut self, job: JobAttempt, dispatch: Dispatch) {
        let mut held = Held::running(job.attempt);
        if self.stopping {
            held.fail(ErrorClass::Aborted, STOPPING.to_owned(), None);
        } else {
            // The jobs after this one come without the source, and another slot may start them first.
            // What is wrong with it is said by the job that needs it.
            let _ = self.plugins.source_path(&dispatch);
            let control = held.control.clone();
            self.queue.push(QueuedJob { job, dispatch: Box::new(dispatch), control });
        }
        self.held.0.insert(job.id, held);
    }

    /// Files that are to become one, or that somebody was granted to make one.
    pub(super) fn on_compact(&mut self, order: Compaction) {
        let job = order.job();
        let known = self.held.0.get(&job.id).map(|held| held.recovery);
        if self.stopping || known.is_some_and(|known| known >= order.recovery) {
            return;
        }
        if order.recovery > 0 {
            let outputs = order.output.into_iter().collect();
            return self.recover(job, job.into(), order.recovery, outputs);
        }
        let held = Held { phase: Phase::Compacting, ..Held::running(job.attempt) };
        self.compactor.take(order, held.control.clone());
        self.held.0.insert(job.id, held);
    }

    pub(super) fn recover(
        &mut self,
        job: JobAttempt,
        commit: Commit,
        recovery: u32,
        outputs: Vec<StagedOutput>,
    ) {
        let held = Held { recovery, ..Held::running(job.attempt) };
        self.held.0.insert(job.id, held);
        if let Some(held) = self.held.of(job) {
            held.phase = Phase::Recovering { outputs: outputs.clone() };
        }
        self.order(Order::Recover(Recoverable { job, commit, recovery, outputs }));
    }
}
