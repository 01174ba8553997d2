//! What the walk's threads could not read or passed over, gathered for the report.

use super::report::{Bounded, PassedOver, PassedOverReason, Unreadable};
use std::sync::{Mutex, PoisonError};

#[derive(Debug, Default)]
pub(crate) struct Findings {
    found: Mutex<Found>,
}

#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) unreadable: Bounded<Unreadable>,
    pub(crate) passed_over: Bounded<PassedOver>,
    pub(crate) bad_ignores: Bounded<String>,
}

impl Findings {
    pub(crate) fn unreadable(&self, path: Vec<u8>, reason: String) {
        self.with(|found| found.unreadable.add(|| Unreadable { path, reason }));
    }

    pub(crate) fn passed_over(&self, path: Vec<u8>, reason: PassedOverReason) {
        self.with(|found| found.passed_over.add(|| PassedOver { path, reason }));
    }

    /// Counts one that would not be kept by name any more. False: there is room for its name.
    pub(crate) fn count_passed_over_if_full(&self) -> bool {
        self.with(|found| {
            let is_full = !found.passed_over.has_room();
            found.passed_over.count += u64::from(is_full);
            is_full
        })
    }

    pub(crate) fn bad_ignore(&self, text: String) {
        self.with(|found| found.bad_ignores.add(|| text));
    }

    pub(crate) fn take(&self) -> Found {
        self.with(std::mem::take)
    }

    fn with<T>(&self, action: impl FnOnce(&mut Found) -> T) -> T {
        action(&mut self.found.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
