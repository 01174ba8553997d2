//! A row that could not be read, and so was never published.

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Its number in the file, from 1.
    pub row: i64,
    /// From 1.
    pub line: Option<i64>,
    /// The byte at which it begins.
    pub offset: Option<i64>,
    pub column: Option<String>,
    pub reason: String,
    /// As it stands in the file.
    pub record: Option<String>,
}
