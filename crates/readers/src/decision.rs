//! What a file was found to be. Everything that was decided can be printed, and pinned by READER.

use crate::format::{Compression, Format};
use arrow_schema::DataType;

#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub format: Format,
    pub compression: Option<Compression>,
    /// As READER says it (`utf-8`, `utf-16le`, `windows-1252`); None for binary formats.
    pub encoding: Option<String>,
    /// Of delimited files.
    pub layout: Option<TextLayout>,
    /// JSON: the path of what repeats (`data.items`); Excel: the sheet.
    pub records_at: Option<String>,
    pub columns: Vec<ColumnDecision>,
    /// Types were proven by all of the file, not by samples of it.
    pub proven_by_all: bool,
    /// What people should know: preamble that was skipped, a footer, other sheets, mixed line ends.
    pub notes: Vec<String>,
}

/// How records and cells are told apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextLayout {
    pub delimiter: Option<String>,
    pub quote: Option<char>,
    pub escape: Option<char>,
    pub comment: Option<char>,
    /// The line, from 1 after what is skipped, of the header's last line; 0: there is none.
    pub header: u64,
    /// Lines before the header or the first record.
    pub skip: u64,
    /// Lines after the last record.
    pub footer: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDecision {
    pub name: String,
    pub kind: ColumnKind,
    pub data_type: DataType,
    /// What proves the type: `"31/05/24" in line 7 proves day first`.
    pub evidence: String,
    /// Spellings, besides the empty one, that stand for no value here: `NA`, `-`.
    pub nulls: Vec<String>,
}

/// How the text of a cell becomes a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnKind {
    /// The format itself has types.
    Native,
    Text,
    /// The spellings of true and false, as they stand.
    Bool {
        yes: String,
        no: String,
    },
    Int64,
    UInt64,
    /// With the sign of decimals and of thousands: `1.234,5`.
    Decimal {
        precision: u8,
        scale: i8,
        point: char,
        thousands: Option<char>,
    },
    Float64 {
        point: char,
        thousands: Option<char>,
    },
    /// `%d/%m/%y`
    Date(String),
    Time(String),
    /// Without a zone; or with one, as UTC.
    Timestamp {
        format: String,
        zoned: bool,
    },
}
