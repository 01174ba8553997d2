//! The types that a column can have, and their text form.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// Nothing but nulls so far: any other type may follow.
    Null,
    Bool,
    Int {
        bits: u8,
        signed: bool,
    },
    Float {
        bits: u8,
    },
    /// `precision` digits, `scale` of them after the point.
    Decimal {
        precision: u8,
        scale: u8,
    },
    Text,
    Binary,
    Date,
    /// Of a day.
    Time(TimeUnit),
    /// Without a zone: what a clock on the wall showed. With one: an instant.
    Timestamp {
        unit: TimeUnit,
        zone: Option<String>,
    },
    Duration(TimeUnit),
    List(Box<ColumnType>),
    Struct(Vec<StructPart>),
    Map(Box<ColumnType>, Box<ColumnType>),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StructPart {
    pub name: String,
    pub column_type: ColumnType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TimeUnit {
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
}

impl TimeUnit {
    pub const ALL: [Self; 4] =
        [Self::Second, Self::Millisecond, Self::Microsecond, Self::Nanosecond];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Millisecond => "ms",
            Self::Microsecond => "us",
            Self::Nanosecond => "ns",
        }
    }

    /// After the point of a second.
    pub const fn digits(self) -> u32 {
        match self {
            Self::Second => 0,
            Self::Millisecond => 3,
            Self::Microsecond => 6,
            Self::Nanosecond => 9,
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("bool"),
            Self::Int { bits, signed: true } => write!(f, "int{bits}"),
            Self::Int { bits, signed: false } => write!(f, "uint{bits}"),
            Self::Float { bits } => write!(f, "float{bits}"),
            Self::Decimal { precision, scale } => write!(f, "decimal({precision}, {scale})"),
            Self::Text => f.write_str("text"),
            Self::Binary => f.write_str("binary"),
            Self::Date => f.write_str("date"),
            Self::Time(unit) => write!(f, "time({})", unit.as_str()),
            Self::Timestamp { unit, zone: None } => write!(f, "timestamp({})", unit.as_str()),
            Self::Timestamp { unit, zone: Some(zone) } => {
                write!(f, "timestamp({}, {zone})", unit.as_str())
            }
            Self::Duration(unit) => write!(f, "duration({})", unit.as_str()),
            Self::List(item) => write!(f, "list<{item}>"),
            Self::Struct(parts) => write_struct(f, parts),
            Self::Map(key, value) => write!(f, "map<{key}, {value}>"),
        }
    }
}

fn write_struct(f: &mut fmt::Formatter<'_>, parts: &[StructPart]) -> fmt::Result {
    f.write_str("struct<")?;
    for (at, part) in parts.iter().enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        write!(f, "{comma}{} {}", Quoted(&part.name), part.column_type)?;
    }
    f.write_str(">")
}

/// A name as it stands in a type: between quotes unless it is a plain word.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_word(self.0) { f.write_str(self.0) } else { write_quoted(f, self.0) }
    }
}

pub(super) fn is_word(name: &str) -> bool {
    let is_first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    name.bytes().next().is_some_and(is_first)
        && name.bytes().all(|byte| is_first(byte) || byte.is_ascii_digit())
}

fn write_quoted(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    write!(f, "\"{}\"", name.replace('"', "\"\""))
}

impl Serialize for ColumnType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ColumnType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
