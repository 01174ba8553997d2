//! Types of columns as `inspect` prints them and READER gives them: `int64`, `decimal(38,2)`, `float64(1.234,5)`, `date(%d.%m.%Y)`.

use super::moment::MomentFormat;
use super::number::NumberFormat;
use crate::decision::{ColumnDecision, ColumnKind};
use arrow_schema::{DataType, TimeUnit};
use std::sync::Arc;

pub const DECIMAL_DIGITS_MAX: u8 = 38;

/// A type as it was pinned; what a bare word leaves open (`date`) is taken from the file.
#[derive(Debug, Clone, PartialEq)]
pub enum PinnedType {
    Exact(ColumnKind, DataType),
    Bare(&'static str),
}

const WANTED: &str = "types are text, bool(yes/no), int64, uint64, float64, decimal(38,2), date(%d.%m.%Y), time(%H:%M) and timestamp(%Y-%m-%d %H:%M)";
const BARE: [&str; 5] = ["bool", "decimal", "date", "time", "timestamp"];

impl ColumnDecision {
    /// As READER takes it.
    pub fn type_name(&self) -> String {
        let nanos = match &self.data_type {
            DataType::Timestamp(TimeUnit::Nanosecond, _)
            | DataType::Time64(TimeUnit::Nanosecond) => "_ns",
            _ => "",
        };
        match &self.kind {
            ColumnKind::Native => self.data_type.to_string(),
            ColumnKind::Text => "text".to_owned(),
            ColumnKind::Bool { yes, no } => format!("bool({yes}/{no})"),
            ColumnKind::Int64 => "int64".to_owned(),
            ColumnKind::UInt64 => "uint64".to_owned(),
            ColumnKind::Decimal { point, thousands, .. } if self.data_type == DataType::Int64 => {
                format!("int64{}", signs(*point, *thousands))
            }
            ColumnKind::Decimal { precision, scale, point: '.', thousands: None } => {
                format!("decimal({precision},{scale})")
            }
            ColumnKind::Decimal { precision, scale, point, thousands } => {
                let signs = signs(*point, *thousands);
                format!("decimal({precision},{scale};{}", &signs[1..])
            }
            ColumnKind::Float64 { point, thousands } => {
                format!("float64{}", signs(*point, *thousands))
            }
            ColumnKind::Date(format) => format!("date({format})"),
            ColumnKind::Time(format) => format!("time{nanos}({format})"),
            ColumnKind::Timestamp { format, .. } => format!("timestamp{nanos}({format})"),
        }
    }
}

/// `(1.234,5)`; nothing where numbers are plain.
fn signs(point: char, thousands: Option<char>) -> String {
    match thousands {
        None if point == '.' => String::new(),
        None => format!("(1234{point}5)"),
        Some(sign) => format!("(1{sign}234{point}5)"),
    }
}

fn number_format(example: &str) -> Option<NumberFormat> {
    let rest = example.strip_prefix('1')?.strip_suffix('5')?;
    let (thousands, rest) = match rest.strip_prefix("234") {
        Some(rest) => (None, rest),
        None => {
            let sign = rest.chars().next()?;
            (Some(sign), rest[sign.len_utf8()..].strip_prefix("234")?)
        }
    };
    let point = rest.chars().next().filter(|point| matches!(point, '.' | ','))?;
    (rest.len() == 1 && thousands != Some(point)).then_some(NumberFormat { point, thousands })
}

/// What is wrong with it is said in full.
pub fn parse(name: &str) -> Result<PinnedType, String> {
    let (word, inner) = match name.split_once('(') {
        Some((word, rest)) => (word, rest.strip_suffix(')')),
        None => (name, None),
    };
    let exact = |kind, data_type| Ok(PinnedType::Exact(kind, data_type));
    match (word, inner) {
        _ if inner.is_none() && name.contains('(') => Err(WANTED.to_owned()),
        ("text", None) => exact(ColumnKind::Text, DataType::Utf8),
        ("int64", None) => exact(ColumnKind::Int64, DataType::Int64),
        ("uint64", None) => exact(ColumnKind::UInt64, DataType::UInt64),
        ("float64", None) => {
            exact(ColumnKind::Float64 { point: '.', thousands: None }, DataType::Float64)
        }
        (_, None) => match BARE.into_iter().find(|known| *known == word) {
            Some(word) => Ok(PinnedType::Bare(word)),
            None => Err(WANTED.to_owned()),
        },
        ("bool", Some(inner)) => match inner.split_once('/') {
            Some((yes, no)) if yes != no => exact(
                ColumnKind::Bool { yes: yes.to_owned(), no: no.to_owned() },
                DataType::Boolean,
            ),
            _ => Err("write the words of true and false, as in bool(yes/no)".to_owned()),
        },
        ("int64" | "float64" | "decimal", Some(inner)) => numeric(word, inner)
            .map(|(kind, data_type)| PinnedType::Exact(kind, data_type))
            .ok_or_else(|| WANTED.to_owned()),
        (_, Some(format)) => {
            let (kind, data_type) = moment(word, format)?;
            exact(kind, data_type)
        }
    }
}

/// What is wrong with a type's name, if anything.
pub fn check(name: &str) -> Result<(), String> {
    parse(name).map(drop)
}

fn numeric(word: &str, inner: &str) -> Option<(ColumnKind, DataType)> {
    if word == "decimal" {
        let (digits, example) = inner.split_once(';').unwrap_or((inner, "1234.5"));
        let NumberFormat { point, thousands } = number_format(example)?;
        let (precision, scale) = digits.split_once(',')?;
        let (precision, scale) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
        let sound =
            (1..=DECIMAL_DIGITS_MAX).contains(&precision) && (0..=precision as i8).contains(&scale);
        let kind = ColumnKind::Decimal { precision, scale, point, thousands };
        return sound.then_some((kind, DataType::Decimal128(precision, scale)));
    }
    let NumberFormat { point, thousands } = number_format(inner)?;
    Some(if word == "int64" {
        (ColumnKind::Decimal { precision: 19, scale: 0, point, thousands }, DataType::Int64)
    } else {
        (ColumnKind::Float64 { point, thousands }, DataType::Float64)
    })
}

fn moment(word: &str, format: &str) -> Result<(ColumnKind, DataType), String> {
    let (word, unit) = match word.strip_suffix("_ns") {
        Some(word) => (word, TimeUnit::Nanosecond),
        None => (word, TimeUnit::Microsecond),
    };
    let compiled = MomentFormat::compile(format).map_err(|error| error.to_string())?;
    let zoned = compiled.has_zone();
    let format = compiled.to_string();
    match word {
        "date" if compiled.has_date() => Ok((ColumnKind::Date(format), DataType::Date32)),
        "time" if compiled.has_time() => Ok((ColumnKind::Time(format), DataType::Time64(unit))),
        "timestamp" if compiled.has_date() => {
            Ok((ColumnKind::Timestamp { format, zoned }, timestamp(unit, zoned)))
        }
        "date" | "time" | "timestamp" => Err(format!("'{format}' says no {word}")),
        _ => Err(WANTED.to_owned()),
    }
}

pub fn timestamp(unit: TimeUnit, zoned: bool) -> DataType {
    DataType::Timestamp(unit, zoned.then(|| Arc::from("UTC")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_read_as_it_is_printed() {
        for name in [
            "text",
            "bool(yes/no)",
            "int64",
            "int64(1.234,5)",
            "uint64",
            "float64",
            "float64(1234,5)",
            "float64(1 234,5)",
            "decimal(38,2)",
            "decimal(10,4;1'234.5)",
            "date(%d.%m.%Y)",
            "time(%H:%M)",
            "time_ns(%H:%M:%S%.f)",
            "timestamp(%Y-%m-%dT%H:%M:%S%.f%z)",
            "timestamp_ns(%Y-%m-%d %H:%M:%S%.f)",
        ] {
            let PinnedType::Exact(kind, data_type) = parse(name).unwrap() else {
                panic!("{name} is exact");
            };
            let column = ColumnDecision {
                name: "a".to_owned(),
                kind,
                data_type,
                evidence: String::new(),
                nulls: Vec::new(),
            };
            assert_eq!(column.type_name(), name);
        }
        assert_eq!(parse("date"), Ok(PinnedType::Bare("date")));
    }

    #[test]
    fn what_is_no_type_is_refused() {
        for name in [
            "int",
            "decimal(39,2)",
            "decimal(2,3)",
            "float64(12)",
            "date(",
            "bool(a)",
            "time(%Y)",
            "date(x)",
        ] {
            assert!(parse(name).is_err(), "{name}");
        }
        assert_eq!(parse("time(%Y)").unwrap_err(), "'%Y' says no time");
    }
}
