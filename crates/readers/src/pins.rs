//! The value of a READER line: `delimiter=; header=2 types=text encoding=latin1`. What is pinned is not detected.

use crate::format::Format;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    #[error("'{word}' is no setting: write key=value; known keys: {known}", known = Pins::KEYS.join(", "))]
    NoSetting { word: String },
    #[error("'{key}' is not known; known keys: {known}", known = Pins::KEYS.join(", "))]
    Unknown { key: String },
    #[error("'{key}' is given twice")]
    Twice { key: String },
    #[error("{key}={value}: {wanted}")]
    Value { key: String, value: String, wanted: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pins {
    pub format: Option<Format>,
    pub encoding: Option<String>,
    /// Several characters are one delimiter; `\t`, `tab`, `space`, `none`.
    pub delimiter: Option<String>,
    /// `none`: there are no quotes.
    pub quote: Option<Option<char>>,
    pub escape: Option<Option<char>>,
    pub comment: Option<Option<char>>,
    /// `none` is 0.
    pub header: Option<u64>,
    pub skip: Option<u64>,
    pub footer: Option<u64>,
    /// `columns=a,b,"c d"`: names instead of the header's.
    pub columns: Option<Vec<String>>,
    /// `types=text`: all columns are text.
    pub all_text: bool,
    /// `types=a:text,b:date(%d.%m.%Y)`: types of single columns, as `inspect` prints them.
    pub types: BTreeMap<String, String>,
    /// Spellings of no value, besides the empty cell.
    pub nulls: Option<Vec<String>>,
    /// The sign of decimals: `.` or `,`.
    pub decimal: Option<char>,
    /// `ragged=pad`: short rows are filled up, and long ones keep the rest in further columns; `reject`: they go to quarantine.
    pub ragged_pad: Option<bool>,
    /// JSON, XML: what repeats; Excel: the sheet, by name or number from 1.
    pub records: Option<String>,
    pub fields: Option<String>,
    pub pattern: Option<String>,
}

impl Pins {
    pub const KEYS: [&str; 17] = [
        "format",
        "encoding",
        "delimiter",
        "quote",
        "escape",
        "comment",
        "header",
        "skip",
        "footer",
        "columns",
        "types",
        "nulls",
        "decimal",
        "ragged",
        "records",
        "fields",
        "pattern",
    ];

    pub fn parse(_line: &str) -> Result<Self, PinError> {
        Ok(Self::default())
    }

    /// As `parse` reads it back.
    pub fn line(&self) -> String {
        String::new()
    }
}
