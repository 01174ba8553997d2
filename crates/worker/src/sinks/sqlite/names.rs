//! What SQLite makes of the names of columns.

use crate::sinks::sql::NameRules;

pub const NAMES: NameRules = NameRules {
    database: "SQLite",
    // Its own limit, as it is built everywhere.
    columns_max: 2_000,
    bytes_max: usize::MAX,
    ignores_case: true,
    // A row's number goes by this name, whatever the columns are called.
    reserved: &["_rowid_"],
};
