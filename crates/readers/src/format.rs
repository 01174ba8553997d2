//! The formats that are read, and what a file may be packed with.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Records of delimited cells, in whatever dialect.
    Csv,
    FixedWidth,
    /// One array, one object that holds one, nested, concatenated, or one value per line.
    Json,
    /// One JSON value per line.
    Ndjson,
    Xml,
    Excel,
    Parquet,
    Avro,
    Arrow,
    /// Lines of a known or given pattern.
    Log,
    /// Lines, each one text.
    Lines,
}

impl Format {
    pub const ALL: [Self; 11] = [
        Self::Csv,
        Self::FixedWidth,
        Self::Json,
        Self::Ndjson,
        Self::Xml,
        Self::Excel,
        Self::Parquet,
        Self::Avro,
        Self::Arrow,
        Self::Log,
        Self::Lines,
    ];

    /// As READER and `inspect` say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::FixedWidth => "fixed",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Xml => "xml",
            Self::Excel => "excel",
            Self::Parquet => "parquet",
            Self::Avro => "avro",
            Self::Arrow => "arrow",
            Self::Log => "log",
            Self::Lines => "lines",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    Gzip,
    Zstd,
    Bzip2,
    Xz,
}

impl Compression {
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
        }
    }
}
