//! What becomes of stored values when their column gets a wider type.

use super::cells::declared;
use protocol::{ColumnType, TimeUnit};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// What is stored means the same under the new type, and is declared alike. Nested values keep the form they were written in.
    Nothing,
    /// Only the declared type differs.
    Declaration,
    /// Integers become floats.
    Floats,
    /// Integers get the point and the zeros of a decimal.
    Decimals { zeros: usize },
    /// Texts get this many zeros after the last digit, and a point before them if they have none yet; `tail` characters follow.
    Zeros { zeros: usize, has_point: bool, tail: usize },
    /// Counts of a unit become counts of a finer one.
    Times { factor: i64 },
}

pub fn change(before: &ColumnType, now: &ColumnType) -> Change {
    use ColumnType as Type;
    match (before, now) {
        (Type::Int { .. }, Type::Float { .. }) => Change::Floats,
        (Type::Int { .. }, Type::Decimal { scale, .. }) => {
            Change::Decimals { zeros: usize::from(*scale) }
        }
        (Type::Decimal { scale: a, .. }, Type::Decimal { scale: b, .. }) => {
            zeros(usize::from(b.saturating_sub(*a)), *a > 0, 0)
        }
        (Type::Time(a), Type::Time(b)) => finer(*a, *b, 0),
        (Type::Timestamp { unit: a, zone }, Type::Timestamp { unit: b, .. }) => {
            finer(*a, *b, if zone.is_some() { "+00:00".len() } else { 0 })
        }
        (Type::Duration(a), Type::Duration(b)) if a != b => {
            Change::Times { factor: 10_i64.pow(b.digits().saturating_sub(a.digits())) }
        }
        _ if declared(before) != declared(now) => Change::Declaration,
        _ => Change::Nothing,
    }
}

fn finer(a: TimeUnit, b: TimeUnit, tail: usize) -> Change {
    let (a, b) = (a.digits() as usize, b.digits() as usize);
    zeros(b.saturating_sub(a), a > 0, tail)
}

fn zeros(zeros: usize, has_point: bool, tail: usize) -> Change {
    if zeros == 0 { Change::Nothing } else { Change::Zeros { zeros, has_point, tail } }
}

impl Change {
    /// The new value of a column in SQL.
    pub fn expression(&self, column: &str) -> String {
        match self {
            Self::Nothing | Self::Declaration => column.to_owned(),
            Self::Floats => format!("CAST({column} AS REAL)"),
            Self::Decimals { zeros: 0 } => format!("CAST({column} AS TEXT)"),
            Self::Decimals { zeros } => {
                format!("CAST({column} AS TEXT) || '.{}'", "0".repeat(*zeros))
            }
            Self::Zeros { zeros, has_point, tail } => {
                let point = if *has_point { "" } else { "." };
                let added = format!("'{point}{}'", "0".repeat(*zeros));
                match tail {
                    0 => format!("{column} || {added}"),
                    tail => format!(
                        "substr({column}, 1, length({column}) - {tail}) || {added} || substr({column}, -{tail})"
                    ),
                }
            }
            Self::Times { factor } => format!("{column} * {factor}"),
        }
    }

    /// Which stored values have to be looked at, since they might change.
    pub fn doubtful(&self, column: &str) -> Option<String> {
        const EXACT_MAX: i64 = 1 << 53;
        match self {
            Self::Floats => Some(format!(
                "typeof({column}) = 'text' OR {column} > {EXACT_MAX} OR {column} < -{EXACT_MAX}"
            )),
            Self::Times { factor } => {
                let max = i64::MAX / factor;
                Some(format!("{column} > {max} OR {column} < -{max}"))
            }
            _ => None,
        }
    }

    /// Whether a doubtful value stays what it is.
    pub fn keeps(&self, value: i128) -> bool {
        match self {
            Self::Floats => value as f64 as i128 == value,
            Self::Times { factor } => i64::try_from(value * i128::from(*factor)).is_ok(),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(before: &str, now: &str) -> Option<String> {
        match change(&before.parse().unwrap(), &now.parse().unwrap()) {
            Change::Nothing => None,
            change => Some(change.expression("x")),
        }
    }

    #[test]
    fn a_stored_value_is_rewritten_only_where_its_form_differs() {
        for (before, now) in [
            ("int8", "int64"),
            ("float32", "float64"),
            ("decimal(5, 2)", "decimal(9, 2)"),
            ("list<int32>", "list<int64>"),
            ("struct<a int8>", "struct<a int8, b text>"),
        ] {
            assert_eq!(expression(before, now), None, "{before} {now}");
        }
        for (before, now, expected) in [
            ("uint32", "uint64", "x"),
            ("int32", "float64", "CAST(x AS REAL)"),
            ("int64", "decimal(21, 2)", "CAST(x AS TEXT) || '.00'"),
            ("uint64", "decimal(20, 0)", "CAST(x AS TEXT)"),
            ("decimal(5, 0)", "decimal(7, 2)", "x || '.00'"),
            ("decimal(5, 2)", "decimal(7, 4)", "x || '00'"),
            ("time(s)", "time(ms)", "x || '.000'"),
            ("timestamp(ms)", "timestamp(ns)", "x || '000000'"),
            (
                "timestamp(ms, Europe/Berlin)",
                "timestamp(us, Europe/Berlin)",
                "substr(x, 1, length(x) - 6) || '000' || substr(x, -6)",
            ),
            ("duration(s)", "duration(us)", "x * 1000000"),
        ] {
            assert_eq!(expression(before, now).as_deref(), Some(expected), "{before} {now}");
        }
    }
}
