//! Where threads of the walk that have no work get some from those that have.

use super::frames::{Frame, Task};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
pub(crate) struct Exchange {
    state: Mutex<State>,
    given: Condvar,
    /// Threads that wait and for which nothing lies ready; a hint, read without the lock.
    hungry: AtomicUsize,
}

#[derive(Debug)]
struct State {
    starts: Vec<Task>,
    frames: Vec<Frame>,
    /// Threads that have work, and may give some of it.
    busy: usize,
    waiting: usize,
    closed: bool,
}

#[derive(Debug)]
pub(crate) enum Work {
    Start(Task),
    Frame(Frame),
}

impl Exchange {
    /// All of the `threads` count as busy until they ask for work.
    pub(crate) fn new(starts: Vec<Task>, threads: usize) -> Self {
        let state = State { starts, frames: Vec::new(), busy: threads, waiting: 0, closed: false };
        Self { state: Mutex::new(state), given: Condvar::new(), hungry: AtomicUsize::new(0) }
    }

    /// For a thread that has no work left: waits until it is given some. None: nobody has any, the walk is over.
    pub(crate) fn ask(&self) -> Option<Work> {
        let mut state = self.lock();
        state.busy -= 1;
        loop {
            if state.closed {
                return None;
            }
            let start = state.starts.pop().map(Work::Start);
            if let Some(work) = start.or_else(|| state.frames.pop().map(Work::Frame)) {
                state.busy += 1;
                self.note_hunger(&state);
                return Some(work);
            }
            if state.busy == 0 {
                state.closed = true;
                self.given.notify_all();
                return None;
            }
            state.waiting += 1;
            self.note_hunger(&state);
            state = self.given.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
    }

    pub(crate) fn is_hungry(&self) -> bool {
        self.hungry.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn give(&self, frame: Frame) {
        let mut state = self.lock();
        state.frames.push(frame);
        self.note_hunger(&state);
        self.given.notify_one();
    }

    /// Nothing more is handed out.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.given.notify_all();
    }

    fn note_hunger(&self, state: &State) {
        let hungry = state.waiting.saturating_sub(state.frames.len());
        self.hungry.store(hungry, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scout::ignores::Ignores;
    use std::sync::Arc;

    fn start(name: &str) -> Task {
        Task::first(name.as_bytes().into(), Ignores::default(), true)
    }

    #[test]
    fn the_walk_is_over_when_all_ask() {
        let exchange = Arc::new(Exchange::new(vec![start("a"), start("b")], 4));
        let threads = [0; 4].map(|_| {
            let exchange = Arc::clone(&exchange);
            std::thread::spawn(move || std::iter::from_fn(|| exchange.ask()).count())
        });
        let done: usize = threads.map(|thread| thread.join().unwrap()).iter().sum();
        assert_eq!(done, 2);
    }

    #[test]
    fn closing_wakes_those_who_wait() {
        let exchange = Arc::new(Exchange::new(Vec::new(), 2));
        let waiting = {
            let exchange = Arc::clone(&exchange);
            std::thread::spawn(move || exchange.ask().is_none())
        };
        while !exchange.is_hungry() {
            std::thread::yield_now();
        }
        exchange.close();
        assert!(waiting.join().unwrap());
    }
}
