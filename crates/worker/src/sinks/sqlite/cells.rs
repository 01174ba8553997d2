//! Arrow columns as what SQLite stores: which declared type a column has, and how a value is bound.
//!
//! The declared types are chosen so that their affinity changes no value; the one exception is documented: SQLite keeps a whole number in a
//! REAL column as an integer, which has no sign of zero.

use crate::sinks::sql::{iso, json};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Decimal256Type, Float64Type, Int64Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Decimal256Array,
    Float64Array, Int64Array, StringArray, UInt64Array,
};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};
use protocol::{ColumnType, TimeUnit};
use rusqlite::Statement;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};

/// Nothing at all for those whose values are of several kinds: each stays as it is bound.
pub fn declared(column_type: &ColumnType) -> &'static str {
    match column_type {
        ColumnType::Bool => "BOOLEAN",
        ColumnType::Int { bits: 64, signed: false } | ColumnType::Null => "",
        ColumnType::Int { .. } | ColumnType::Duration(_) => "INTEGER",
        ColumnType::Float { .. } => "REAL",
        ColumnType::Binary => "BLOB",
        ColumnType::Text
        | ColumnType::Decimal { .. }
        | ColumnType::Date
        | ColumnType::Time(_)
        | ColumnType::Timestamp { .. }
        | ColumnType::List(_)
        | ColumnType::Struct(_)
        | ColumnType::Map(..) => "TEXT",
    }
}

/// One column of a batch, ready to be bound value by value.
pub enum Cells {
    Null,
    Int(Int64Array),
    /// Those above 2^63-1 as decimal text: SQLite has no integer for them, and a REAL would round them.
    UInt(UInt64Array),
    Float(Float64Array),
    Text(StringArray),
    Bytes(BinaryArray),
    Date(Date32Array),
    Time(Int64Array, TimeUnit),
    Timestamp {
        values: Int64Array,
        unit: TimeUnit,
        is_instant: bool,
    },
    Decimal(Decimal128Array, u8),
    LargeDecimal(Decimal256Array, u8),
    Nested(ArrayRef),
}

impl Cells {
    /// The column has one of the canonical types.
    pub fn new(column: &ArrayRef, column_type: &ColumnType) -> Result<Self, ArrowError> {
        let counts = || -> Result<Int64Array, ArrowError> {
            Ok(cast(&plain(column)?, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
        };
        Ok(match column_type {
            ColumnType::Null => Self::Null,
            ColumnType::Bool => Self::Int(truths(column.as_boolean())),
            ColumnType::Int { bits: 64, signed: false } => {
                Self::UInt(column.as_primitive::<UInt64Type>().clone())
            }
            ColumnType::Int { .. } | ColumnType::Duration(_) => Self::Int(counts()?),
            ColumnType::Float { .. } => {
                Self::Float(cast(column, &DataType::Float64)?.as_primitive::<Float64Type>().clone())
            }
            ColumnType::Text => Self::Text(column.as_string::<i32>().clone()),
            ColumnType::Binary => Self::Bytes(column.as_binary::<i32>().clone()),
            ColumnType::Date => Self::Date(column.as_primitive::<Date32Type>().clone()),
            ColumnType::Time(unit) => Self::Time(counts()?, *unit),
            ColumnType::Timestamp { unit, zone } => {
                Self::Timestamp { values: counts()?, unit: *unit, is_instant: zone.is_some() }
            }
            ColumnType::Decimal { scale, .. } => match column.data_type() {
                DataType::Decimal256(..) => {
                    Self::LargeDecimal(column.as_primitive::<Decimal256Type>().clone(), *scale)
                }
                _ => Self::Decimal(column.as_primitive::<Decimal128Type>().clone(), *scale),
            },
            ColumnType::List(_) | ColumnType::Struct(_) | ColumnType::Map(..) => {
                Self::Nested(column.clone())
            }
        })
    }

    /// SQLite takes a copy; `text` is room to write in.
    pub fn bind(
        &self,
        statement: &mut Statement<'_>,
        index: usize,
        row: usize,
        text: &mut Vec<u8>,
    ) -> rusqlite::Result<()> {
        statement.raw_bind_parameter(index, Bound(self.value(row, text)))
    }

    fn value<'a>(&'a self, row: usize, text: &'a mut Vec<u8>) -> ValueRef<'a> {
        if self.is_null(row) {
            return ValueRef::Null;
        }
        text.clear();
        match self {
            Self::Null => return ValueRef::Null,
            Self::Int(values) => return ValueRef::Integer(values.value(row)),
            Self::UInt(values) => match i64::try_from(values.value(row)) {
                Ok(value) => return ValueRef::Integer(value),
                Err(_) => iso::integer(text, u128::from(values.value(row))),
            },
            Self::Float(values) => match values.value(row) {
                value if value.is_nan() => return ValueRef::Text(b"NaN"),
                value => return ValueRef::Real(value),
            },
            Self::Text(values) => return ValueRef::Text(values.value(row).as_bytes()),
            Self::Bytes(values) => return ValueRef::Blob(values.value(row)),
            Self::Date(values) => iso::date(text, i64::from(values.value(row))),
            Self::Time(values, unit) => iso::time(text, values.value(row), *unit),
            Self::Timestamp { values, unit, is_instant } => {
                iso::timestamp(text, values.value(row), *unit, b' ', *is_instant);
            }
            Self::Decimal(values, scale) => iso::decimal(text, values.value(row), *scale),
            Self::LargeDecimal(values, scale) => {
                iso::large_decimal(text, values.value(row), *scale);
            }
            Self::Nested(values) => json::write(text, values, row),
        }
        ValueRef::Text(text)
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Null => true,
            Self::Int(values) | Self::Time(values, _) | Self::Timestamp { values, .. } => {
                values.is_null(row)
            }
            Self::UInt(values) => values.is_null(row),
            Self::Float(values) => values.is_null(row),
            Self::Text(values) => values.is_null(row),
            Self::Bytes(values) => values.is_null(row),
            Self::Date(values) => values.is_null(row),
            Self::Decimal(values, _) => values.is_null(row),
            Self::LargeDecimal(values, _) => values.is_null(row),
            Self::Nested(values) => values.is_null(row),
        }
    }
}

/// The numbers of a time without what they count.
fn plain(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match column.data_type() {
        DataType::Time32(_) => cast(column, &DataType::Int32),
        _ => Ok(column.clone()),
    }
}

fn truths(values: &BooleanArray) -> Int64Array {
    let truths = values.values().iter().map(i64::from);
    Int64Array::new(truths.collect(), values.nulls().cloned())
}

struct Bound<'a>(ValueRef<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.0))
    }
}
