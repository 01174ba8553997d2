//! Numbered migrations, applied under a lock. One that was released is never edited.

mod list;
pub(crate) mod postgres;
pub(crate) mod sqlite;

#[cfg(test)]
pub(crate) use list::{LEDGER, MIGRATIONS};
