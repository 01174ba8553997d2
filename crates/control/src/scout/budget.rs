//! How many entries may wait between the walk and the catalog: memory is bounded, however large the directories are.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
pub(crate) struct Budget {
    total: usize,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug)]
struct State {
    free: usize,
    closed: bool,
}

/// A part of the budget; it goes back when this is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    size: usize,
}

impl Budget {
    pub(crate) fn new(total: usize) -> Arc<Self> {
        let state = Mutex::new(State { free: total, closed: false });
        Arc::new(Self { total, state, freed: Condvar::new() })
    }

    /// Waits until `size` is free; what is larger than the whole waits until it is alone. None once closed.
    pub(crate) fn take(self: &Arc<Self>, size: usize) -> Option<Share> {
        let size = size.min(self.total);
        let mut state = self.lock();
        while state.free < size && !state.closed {
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return None;
        }
        state.free -= size;
        Some(Share { budget: Arc::clone(self), size })
    }

    /// Nobody waits any more: the reader has left.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.freed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.lock().free += self.size;
        self.budget.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_can_be_taken_again() {
        let budget = Budget::new(10);
        let first = budget.take(6).unwrap();
        let waiting = {
            let budget = Arc::clone(&budget);
            std::thread::spawn(move || budget.take(100).map(|share| share.size))
        };
        drop(first);
        assert_eq!(waiting.join().unwrap(), Some(10));
    }

    #[test]
    fn a_closed_budget_wakes_those_who_wait() {
        let budget = Budget::new(1);
        let _held = budget.take(1);
        let waiting = {
            let budget = Arc::clone(&budget);
            std::thread::spawn(move || budget.take(1).is_none())
        };
        budget.close();
        assert!(waiting.join().unwrap());
    }
}
