//! The formats that are read, and what a file may be packed with.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Records of delimited cells, in whatever dialect.
    Csv,
    /// One array, one object that holds one, nested, concatenated, or one value per line.
    Json,
    /// One JSON value per line.
    Ndjson,
    Excel,
    Parquet,
    Avro,
    Arrow,
}

impl Format {
    pub const ALL: [Self; 7] =
        [Self::Csv, Self::Json, Self::Ndjson, Self::Excel, Self::Parquet, Self::Avro, Self::Arrow];

    /// As READER and `inspect` say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Excel => "excel",
            Self::Parquet => "parquet",
            Self::Avro => "avro",
            Self::Arrow => "arrow",
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
