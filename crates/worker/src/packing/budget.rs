//! Memory for rows that wait for their pack, bounded over all slots. Who gets none writes a file of his own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const BYTES_MAX: usize = 64 << 20;

#[derive(Debug, Clone, Default)]
pub struct Budget {
    taken: Arc<AtomicUsize>,
}

/// Given back when it is dropped.
#[derive(Debug)]
pub struct Permit {
    budget: Budget,
    bytes: usize,
}

impl Budget {
    pub fn permit(&self) -> Permit {
        Permit { budget: self.clone(), bytes: 0 }
    }
}

impl Permit {
    /// False: there is no more.
    pub fn grow(&mut self, bytes: usize) -> bool {
        let taken = &self.budget.taken;
        let grown = taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
            taken.checked_add(bytes).filter(|all| *all <= BYTES_MAX)
        });
        if grown.is_ok() {
            self.bytes += bytes;
        }
        grown.is_ok()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.budget.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let budget = Budget::default();
        let (mut one, mut other) = (budget.permit(), budget.permit());
        assert!(one.grow(BYTES_MAX - 10) && other.grow(10));
        assert!(!other.grow(1) && !one.grow(usize::MAX));
        drop(one);
        assert!(other.grow(BYTES_MAX - 10));
    }
}
