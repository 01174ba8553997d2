//! What goes over the socket as JSON.

use readers::Reject;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
pub struct Hello {
    pub plugin_name: String,
    pub source_path: String,
    pub topics: Vec<String>,
    /// Of the guest; 0: no limit.
    #[serde(default)]
    pub memory_bytes: u64,
}

#[derive(Debug, Serialize)]
pub struct Ready {
    pub version: &'static str,
}

#[derive(Debug, Default, Serialize)]
pub struct Done {
    pub rows: BTreeMap<String, u64>,
    pub quarantined: BTreeMap<String, u64>,
}

#[derive(Debug, Serialize)]
pub struct GuestError {
    pub class: &'static str,
    pub message: String,
}

#[derive(Debug, Serialize)]
pub struct Rejected<'a> {
    pub topic: &'a str,
    pub rows: Vec<RejectedRow>,
}

#[derive(Debug, Serialize)]
pub struct RejectedRow {
    row: u64,
    line: Option<u64>,
    offset: Option<u64>,
    column: Option<String>,
    reason: String,
    record: Option<String>,
}

impl From<Reject> for RejectedRow {
    fn from(reject: Reject) -> Self {
        let Reject { row, line, offset, column, reason, record } = reject;
        Self { row, line, offset, column, reason, record }
    }
}

impl RejectedRow {
    /// About what it takes on the way.
    pub fn bytes(&self) -> usize {
        let texts = [Some(&self.reason), self.column.as_ref(), self.record.as_ref()];
        texts.into_iter().flatten().map(String::len).sum::<usize>() + 64
    }
}
