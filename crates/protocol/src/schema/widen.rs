//! Which type holds the values of two others without loss.

use super::column_type::{ColumnType, StructPart};
use ColumnType as Type;

impl ColumnType {
    /// None: there is no such type. `is_exact` says whether the values of 64-bit integers at hand are all exact as floats.
    pub fn wider(&self, other: &Self, is_exact: bool) -> Option<Self> {
        Some(match (self, other) {
            (a, b) if a == b => a.clone(),
            (Type::Null, other) | (other, Type::Null) => other.clone(),
            (Type::Timestamp { unit: a, zone }, Type::Timestamp { unit: b, zone: other })
                if zone == other =>
            {
                Type::Timestamp { unit: *a.max(b), zone: zone.clone() }
            }
            (Type::Time(a), Type::Time(b)) => Type::Time(*a.max(b)),
            (Type::Duration(a), Type::Duration(b)) => Type::Duration(*a.max(b)),
            // Of integers within lists and parts nobody keeps whether they are exact as floats.
            (Type::List(a), Type::List(b)) => Type::List(Box::new(a.wider(b, false)?)),
            (Type::Map(key, a), Type::Map(other, b)) => {
                Type::Map(Box::new(key.wider(other, false)?), Box::new(a.wider(b, false)?))
            }
            (Type::Struct(a), Type::Struct(b)) => Type::Struct(wider_parts(a, b)?),
            (Type::Int { .. }, Type::Int { .. }) => wider_int(self, other)?,
            (Type::Float { bits: a }, Type::Float { bits: b }) => Type::Float { bits: *a.max(b) },
            (Type::Int { bits, .. }, Type::Float { .. })
            | (Type::Float { .. }, Type::Int { bits, .. })
                if *bits <= 32 || is_exact =>
            {
                Type::Float { bits: 64 }
            }
            (a, b) => wider_decimal(a.digits()?, b.digits()?)?,
        })
    }

    /// Whether its values can lie where a 64-bit float has gaps.
    pub fn may_be_beyond_float(&self) -> bool {
        matches!(self, Type::Int { bits: 64, .. })
    }

    /// Digits before and after the point.
    fn digits(&self) -> Option<(u8, u8)> {
        match self {
            Type::Decimal { precision, scale } => Some((precision - scale, *scale)),
            Type::Int { bits: 8, .. } => Some((3, 0)),
            Type::Int { bits: 16, .. } => Some((5, 0)),
            Type::Int { bits: 32, .. } => Some((10, 0)),
            Type::Int { signed: true, .. } => Some((19, 0)),
            Type::Int { signed: false, .. } => Some((20, 0)),
            _ => None,
        }
    }
}

fn wider_int(a: &Type, b: &Type) -> Option<Type> {
    let (Type::Int { bits: x, signed: p }, Type::Int { bits: y, signed: q }) = (a, b) else {
        return None;
    };
    let signed = *p || *q;
    // An unsigned number needs one bit more among signed ones.
    let needed = |bits: u8, is_signed: bool| bits + u8::from(signed && !is_signed);
    let needed = needed(*x, *p).max(needed(*y, *q));
    let bits = [8, 16, 32, 64].into_iter().find(|bits| needed <= *bits);
    let wider = bits.map(|bits| Type::Int { bits, signed });
    Some(wider.unwrap_or(Type::Decimal { precision: 20, scale: 0 }))
}

/// What only one of them has is null in the other.
fn wider_parts(a: &[StructPart], b: &[StructPart]) -> Option<Vec<StructPart>> {
    let find = |parts: &[StructPart], name: &str| {
        parts.iter().find(|part| part.name == name).map(|part| part.column_type.clone())
    };
    let known = a.iter().map(|part| match find(b, &part.name) {
        Some(other) => {
            let column_type = part.column_type.wider(&other, false)?;
            Some(StructPart { name: part.name.clone(), column_type })
        }
        None => Some(part.clone()),
    });
    let new = b.iter().filter(|part| find(a, &part.name).is_none());
    known.chain(new.map(|part| Some(part.clone()))).collect()
}

fn wider_decimal(a: (u8, u8), b: (u8, u8)) -> Option<Type> {
    let scale = a.1.max(b.1);
    let precision = a.0.max(b.0) + scale;
    (precision <= 76).then_some(Type::Decimal { precision, scale })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_widen_only_where_no_value_is_lost() {
        let cases = [
            ("null", "text", Some("text")),
            ("int8", "int32", Some("int32")),
            ("uint8", "int8", Some("int16")),
            ("uint64", "int64", Some("decimal(20, 0)")),
            ("float32", "float64", Some("float64")),
            ("int32", "float32", Some("float64")),
            ("int64", "float64", None),
            ("text", "int64", None),
            ("bool", "int64", None),
            ("date", "timestamp(us)", None),
            ("timestamp(s)", "timestamp(ns)", Some("timestamp(ns)")),
            ("timestamp(s)", "timestamp(s, UTC)", None),
            ("decimal(5,2)", "decimal(6,4)", Some("decimal(7, 4)")),
            ("decimal(38,0)", "decimal(38,10)", Some("decimal(48, 10)")),
            ("int64", "decimal(5,2)", Some("decimal(21, 2)")),
            ("decimal(76,0)", "decimal(76,70)", None),
            ("decimal(5,2)", "float64", None),
            ("list<null>", "list<int64>", Some("list<int64>")),
            ("list<int64>", "list<text>", None),
            ("list<int64>", "list<float64>", None),
            (
                "struct<a int8, b text>",
                "struct<c text, a int16>",
                Some("struct<a int16, b text, c text>"),
            ),
            ("struct<a int8>", "struct<a text>", None),
        ];
        for (a, b, expected) in cases {
            let (a, b): (Type, Type) = (a.parse().unwrap(), b.parse().unwrap());
            let text = |wider: Option<Type>| wider.map(|it| it.to_string());
            assert_eq!(text(a.wider(&b, false)).as_deref(), expected, "{a} {b}");
            assert_eq!(b.wider(&a, false).is_some(), expected.is_some(), "{b} {a}");
        }
        let (int, float): (Type, Type) = ("int64".parse().unwrap(), "float64".parse().unwrap());
        assert_eq!(int.wider(&float, true), Some(float.clone()));
    }
}
