//! A transaction that writes, as those have it who do the work in it.

use super::error::{Doing, SqliteError};
use rusqlite::Connection;
use std::cell::Cell;

/// What a transaction may change before it shuts out readers.
const BYTES_MAX: u64 = 32 << 20;

/// Of a whole transaction, whatever it does.
#[derive(Debug, Default)]
pub struct Changes {
    bytes: Cell<u64>,
    /// Whether pages may leave memory before the commit. Until then all that is changed stays there, and readers read on.
    spills: Cell<bool>,
}

/// As many pages as may wait for the commit. ON and OFF would only count from the next transaction on.
pub const KEEP: &str = "PRAGMA cache_spill = 2147483647";

#[derive(Clone, Copy)]
pub struct Writing<'a> {
    pub connection: &'a Connection,
    pub doing: Doing<'a>,
    pub changes: &'a Changes,
}

impl Writing<'_> {
    pub fn failed(&self, cause: rusqlite::Error) -> SqliteError {
        self.doing.failed(cause)
    }

    /// That bytes are changed, or soon will be.
    pub fn change(&self, bytes: u64) -> Result<(), SqliteError> {
        self.changes.bytes.set(self.changes.bytes.get().saturating_add(bytes));
        if self.changes.bytes.get() > BYTES_MAX { self.spill() } else { Ok(()) }
    }

    /// To be said before much is changed. SQLite writes pages to the file when memory is full, for which readers have to go. Left to itself it
    /// would wait for them at every statement, and then keep the pages in memory after all. So they are waited for once, here; from then on
    /// the file is this transaction's, or it fails. (With WAL they may stay.)
    pub fn spill(&self) -> Result<(), SqliteError> {
        if self.changes.spills.get() {
            return Ok(());
        }
        let spill = || {
            // There has to be a page to be written.
            self.connection.execute_batch(
                "INSERT INTO _casparian_columns (table_name, position, column_name, original_name, type) VALUES ('', 0, '', '', '');
                 DELETE FROM _casparian_columns WHERE table_name = '';
                 PRAGMA cache_spill = 1",
            )?;
            self.connection.cache_flush()
        };
        spill().map_err(|cause| self.failed(cause))?;
        self.changes.spills.set(true);
        Ok(())
    }
}
