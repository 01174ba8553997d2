//! Jobs that wait for a slot. A slot prefers those whose plugin it has warm, but nothing waits for ever.

use crate::host::JobControl;
use protocol::{Dispatch, JobAttempt};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// How far ahead a slot looks for a job that suits it.
const LOOK_AHEAD: usize = 64;
/// How often in a row the oldest job may be passed over.
const PASSED_OVER_MAX: usize = 200;

#[derive(Debug)]
pub struct QueuedJob {
    pub job: JobAttempt,
    pub dispatch: Box<Dispatch>,
    pub control: Arc<JobControl>,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<QueuedJob>,
    passed_over: usize,
    /// Slots that wait for a job.
    waiting: usize,
    /// Slots that there are.
    slots: usize,
    /// Nothing new comes.
    closing: bool,
    closed: bool,
}

#[derive(Debug, Default)]
pub struct JobQueue {
    state: Mutex<State>,
    filled: Condvar,
}

impl JobQueue {
    pub fn push(&self, job: QueuedJob) {
        self.lock().jobs.push_back(job);
        self.filled.notify_one();
    }

    /// Whether it was still waiting.
    pub fn remove(&self, job: JobAttempt) -> bool {
        let mut state = self.lock();
        let before = state.jobs.len();
        state.jobs.retain(|queued| queued.job != job);
        state.jobs.len() < before
    }

    /// Before the first slot takes.
    pub fn set_slots(&self, slots: usize) {
        self.lock().slots = slots;
    }

    /// No slot has anything to do.
    pub fn is_idle(&self) -> bool {
        let state = self.lock();
        state.jobs.is_empty() && state.waiting == state.slots
    }

    /// What has run is not to wait for more.
    pub fn begin_closing(&self) {
        self.lock().closing = true;
    }

    pub fn is_closing(&self) -> bool {
        self.lock().closing
    }

    /// Waits for a job; None when the queue is closed.
    pub fn take(&self, suits: impl Fn(&Dispatch) -> bool) -> Option<QueuedJob> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if !state.jobs.is_empty() {
                return state.pick(&suits);
            }
            state.waiting += 1;
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
    }

    /// What is waiting stays undone.
    pub fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn pick(&mut self, suits: &impl Fn(&Dispatch) -> bool) -> Option<QueuedJob> {
        let mut ahead = self.jobs.iter().take(LOOK_AHEAD);
        let suited = ahead.position(|queued| suits(&queued.dispatch)).unwrap_or(0);
        let index = if self.passed_over >= PASSED_OVER_MAX { 0 } else { suited };
        self.passed_over = if index == 0 { 0 } else { self.passed_over + 1 };
        self.jobs.remove(index)
    }
}
