//! A transaction that writes, as those have it who do the work in it.

use super::error::{Doing, SqliteError};
use rusqlite::Connection;
use std::cell::Cell;

/// What a transaction may change before it shuts out readers: rows that are removed, and bytes that are loaded.
pub const ROWS_MAX: u64 = 20_000;
pub const BYTES_MAX: usize = 32 << 20;

/// As many pages as may wait for the commit. ON and OFF would only count from the next transaction on.
pub const KEEP: &str = "PRAGMA cache_spill = 2147483647";

#[derive(Clone, Copy)]
pub struct Writing<'a> {
    pub connection: &'a Connection,
    pub doing: Doing<'a>,
    /// Whether pages may leave memory before the commit. Until then all that is changed stays there, and readers read on.
    pub spills: &'a Cell<bool>,
}

impl Writing<'_> {
    pub fn failed(&self, cause: rusqlite::Error) -> SqliteError {
        self.doing.failed(cause)
    }

    /// To be said before much is changed. SQLite writes pages to the file when memory is full, for which readers have to go. Left to itself it
    /// would wait for them at every statement, and then keep the pages in memory after all. So they are waited for once, here; from then on
    /// the file is this transaction's, or it fails. (With WAL they may stay.)
    pub fn spill(&self) -> Result<(), SqliteError> {
        if self.spills.get() {
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
        self.spills.set(true);
        Ok(())
    }
}
