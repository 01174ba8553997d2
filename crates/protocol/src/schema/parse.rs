//! Types as they stand in `SCHEMA`, on the wire and in the catalog.

use super::column_type::{ColumnType, StructPart, TimeUnit, is_word};
use std::str::FromStr;

/// Types within types; what lies deeper is no table.
const DEPTH_MAX: usize = 32;
const PRECISION_MAX: u8 = 76;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{text}' is not a type: there is bool, int8 to int64, uint8 to uint64, float32, float64, decimal(p,s), text, binary, date, time, timestamp, timestamp(us, UTC), duration(us), list<type>, struct<name type, ...> and map<type, type>"
)]
pub struct ColumnTypeError {
    text: String,
}

impl FromStr for ColumnType {
    type Err = ColumnTypeError;

    fn from_str(text: &str) -> Result<Self, ColumnTypeError> {
        let mut cursor = Cursor { rest: text };
        let parsed = cursor.column_type(0).filter(|_| cursor.rest.trim_start().is_empty());
        parsed.ok_or_else(|| ColumnTypeError { text: text.to_owned() })
    }
}

/// What is left to read.
pub(super) struct Cursor<'a> {
    pub rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    pub fn take(&mut self, mark: char) -> Option<()> {
        self.skip_blanks();
        self.rest = self.rest.strip_prefix(mark)?;
        Some(())
    }

    fn word(&mut self) -> Option<&'a str> {
        self.skip_blanks();
        let is_part = |it: char| it.is_ascii_alphanumeric() || it == '_';
        let len = self.rest.find(|it| !is_part(it)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(len);
        self.rest = rest;
        is_word(word).then_some(word)
    }

    /// A plain word, or anything between double quotes.
    pub fn name(&mut self) -> Option<String> {
        self.skip_blanks();
        if !self.rest.starts_with('"') {
            return self.word().map(str::to_owned);
        }
        let mut name = String::new();
        let mut chars = self.rest.char_indices().skip(1).peekable();
        while let Some((at, it)) = chars.next() {
            if it != '"' {
                name.push(it);
            } else if chars.next_if(|(_, next)| *next == '"').is_some() {
                name.push('"');
            } else {
                self.rest = &self.rest[at + 1..];
                return Some(name);
            }
        }
        None
    }

    pub fn column_type(&mut self, depth: usize) -> Option<ColumnType> {
        if depth > DEPTH_MAX {
            return None;
        }
        let word = self.word()?.to_ascii_lowercase();
        Some(match word.as_str() {
            "decimal" | "numeric" => self.decimal()?,
            "time" => ColumnType::Time(self.unit()?),
            "duration" => ColumnType::Duration(self.unit()?),
            "timestamp" | "datetime" => self.timestamp()?,
            "timestamptz" => {
                ColumnType::Timestamp { unit: TimeUnit::Microsecond, zone: Some("UTC".to_owned()) }
            }
            "list" => {
                self.take('<')?;
                let item = self.column_type(depth + 1)?;
                self.take('>')?;
                ColumnType::List(Box::new(item))
            }
            "struct" => self.structure(depth)?,
            "map" => {
                self.take('<')?;
                let key = self.column_type(depth + 1)?;
                self.take(',')?;
                let value = self.column_type(depth + 1)?;
                self.take('>')?;
                ColumnType::Map(Box::new(key), Box::new(value))
            }
            simple => simple_type(simple)?,
        })
    }

    fn structure(&mut self, depth: usize) -> Option<ColumnType> {
        self.take('<')?;
        let mut parts: Vec<StructPart> = Vec::new();
        loop {
            let name = self.name()?;
            let column_type = self.column_type(depth + 1)?;
            if parts.iter().any(|part| part.name == name) {
                return None;
            }
            parts.push(StructPart { name, column_type });
            if self.take(',').is_none() {
                self.take('>')?;
                return Some(ColumnType::Struct(parts));
            }
        }
    }

    fn decimal(&mut self) -> Option<ColumnType> {
        self.take('(')?;
        let precision = self.number()?;
        let scale = if self.take(',').is_some() { self.number()? } else { 0 };
        self.take(')')?;
        let is_legal = (1..=PRECISION_MAX).contains(&precision) && scale <= precision;
        is_legal.then_some(ColumnType::Decimal { precision, scale })
    }

    fn number(&mut self) -> Option<u8> {
        self.skip_blanks();
        let len = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.rest.split_at(len);
        self.rest = rest;
        number.parse().ok()
    }

    /// Microseconds unless it is said.
    fn unit(&mut self) -> Option<TimeUnit> {
        if self.take('(').is_none() {
            return Some(TimeUnit::Microsecond);
        }
        let unit = self.unit_name()?;
        self.take(')')?;
        Some(unit)
    }

    fn unit_name(&mut self) -> Option<TimeUnit> {
        let word = self.word()?;
        TimeUnit::ALL.into_iter().find(|unit| unit.as_str() == word)
    }

    fn timestamp(&mut self) -> Option<ColumnType> {
        if self.take('(').is_none() {
            return Some(ColumnType::Timestamp { unit: TimeUnit::Microsecond, zone: None });
        }
        let unit = self.unit_name()?;
        if self.take(',').is_none() {
            self.take(')')?;
            return Some(ColumnType::Timestamp { unit, zone: None });
        }
        let (zone, rest) = self.rest.split_once(')')?;
        self.rest = rest;
        let zone = zone.trim();
        let is_legal = !zone.is_empty() && !zone.contains([',', '<', '>', '(']);
        is_legal.then(|| ColumnType::Timestamp { unit, zone: Some(zone.to_owned()) })
    }
}

fn simple_type(word: &str) -> Option<ColumnType> {
    let int = |bits, signed| ColumnType::Int { bits, signed };
    Some(match word {
        "null" => ColumnType::Null,
        "bool" | "boolean" => ColumnType::Bool,
        "int8" => int(8, true),
        "int16" | "smallint" => int(16, true),
        "int32" => int(32, true),
        "int64" | "int" | "integer" | "bigint" => int(64, true),
        "uint8" => int(8, false),
        "uint16" => int(16, false),
        "uint32" => int(32, false),
        "uint64" => int(64, false),
        "float16" => ColumnType::Float { bits: 16 },
        "float32" | "real" => ColumnType::Float { bits: 32 },
        "float64" | "float" | "double" => ColumnType::Float { bits: 64 },
        "text" | "string" | "str" | "varchar" => ColumnType::Text,
        "binary" | "bytes" | "blob" => ColumnType::Binary,
        "date" => ColumnType::Date,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_survives_its_text_form() {
        for text in [
            "null",
            "bool",
            "int8",
            "uint64",
            "float16",
            "decimal(38, 10)",
            "text",
            "binary",
            "date",
            "time(ns)",
            "timestamp(us)",
            "timestamp(ns, Europe/Berlin)",
            "timestamp(ms, +05:30)",
            "duration(s)",
            "list<list<int64>>",
            "struct<a int64, \"a \"\"b\"\", <>\" list<text>, \"\" bool>",
            "map<text, struct<x float64>>",
        ] {
            assert_eq!(text.parse::<ColumnType>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn common_names_are_understood() {
        for (text, expected) in [
            ("INTEGER", "int64"),
            ("double", "float64"),
            ("string", "text"),
            ("numeric(12,2)", "decimal(12, 2)"),
            ("decimal(5)", "decimal(5, 0)"),
            ("timestamp", "timestamp(us)"),
            ("timestamptz", "timestamp(us, UTC)"),
            ("time", "time(us)"),
        ] {
            assert_eq!(text.parse::<ColumnType>().unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_type_is_told_with_the_choice() {
        let deep = "list<".repeat(40) + "text" + &">".repeat(40);
        for text in
            ["", "money", "decimal", "decimal(77)", "decimal(2, 3)", "list<>", "list<text", &deep]
        {
            let error = text.parse::<ColumnType>().unwrap_err().to_string();
            assert!(error.contains("is not a type: there is bool"), "{error}");
        }
        assert!("struct<a text, a int64>".parse::<ColumnType>().is_err());
        assert!("text text".parse::<ColumnType>().is_err());
    }
}
