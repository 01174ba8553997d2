//! What the control plane asks of SQL plugins, answered by those who run them.

use control::architect::{SqlCheck, StatementError};
use query::plugin::{SourceError, SqlPlugin};
use readers::Pins;

pub const CHECK: SqlCheck = SqlCheck { statements, reader };

fn statements(source: &str) -> Result<Vec<u32>, StatementError> {
    let parsed = SqlPlugin::parse(source);
    let plugin = parsed.map_err(|SourceError { line, reason }| StatementError {
        line: line.map_or(0, line_number),
        message: reason,
    })?;
    Ok(plugin.lines().map(line_number).collect())
}

/// No source is so long that it would not fit.
fn line_number(line: u64) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

fn reader(line: &str) -> Result<(), String> {
    Pins::parse(line).map(drop).map_err(|error| error.to_string())
}
