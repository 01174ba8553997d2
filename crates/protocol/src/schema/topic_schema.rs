//! The columns of a topic, in their order.

use super::column_type::ColumnType;
use serde::{Deserialize, Serialize};

/// Columns that every stored row has, after those of the plugin.
pub const LINEAGE: [&str; 2] = ["_job_id", "_file_version_id"];

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TopicSchema {
    pub columns: Vec<Column>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    /// The plugin's source says its type: it stays as it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub declared: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_null: bool,
    /// Some of its integers are not exact as a 64-bit float.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beyond_float: bool,
}

impl Column {
    pub fn new(name: impl Into<String>, column_type: ColumnType) -> Self {
        let (declared, not_null, beyond_float) = (false, false, false);
        Self { name: name.into(), column_type, declared, not_null, beyond_float }
    }
}

impl TopicSchema {
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}
