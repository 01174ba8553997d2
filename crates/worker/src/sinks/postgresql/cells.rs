//! Values of a column as PostgreSQL takes them in a binary COPY.

use super::numeric;
use crate::sinks::sql::json;
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, BinaryArray, BooleanArray, PrimitiveArray, StringArray};
use arrow_buffer::i256;
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, TimeUnit as Unit};
use protocol::ColumnType;

/// Days from 1970 to 2000.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_US: i64 = 946_684_800_000_000;
const NULL: [u8; 4] = (-1_i32).to_be_bytes();

/// What a column of a type is declared as.
pub fn declared(column_type: &ColumnType) -> String {
    match column_type {
        ColumnType::Bool => "boolean".to_owned(),
        ColumnType::Int { bits: 8, .. } | ColumnType::Int { bits: 16, signed: true } => {
            "smallint".to_owned()
        }
        ColumnType::Int { bits: 16, .. } | ColumnType::Int { bits: 32, signed: true } => {
            "integer".to_owned()
        }
        ColumnType::Int { bits: 64, signed: false } => "numeric(20,0)".to_owned(),
        ColumnType::Int { .. } => "bigint".to_owned(),
        ColumnType::Float { bits: 64 } => "double precision".to_owned(),
        ColumnType::Float { .. } => "real".to_owned(),
        ColumnType::Decimal { precision, scale } => format!("numeric({precision},{scale})"),
        ColumnType::Text | ColumnType::Null => "text".to_owned(),
        ColumnType::Binary => "bytea".to_owned(),
        ColumnType::Date => "date".to_owned(),
        ColumnType::Time(_) => "time".to_owned(),
        ColumnType::Timestamp { zone: None, .. } => "timestamp".to_owned(),
        ColumnType::Timestamp { zone: Some(_), .. } => "timestamptz".to_owned(),
        ColumnType::Duration(_) => "interval".to_owned(),
        ColumnType::List(_) | ColumnType::Struct(_) | ColumnType::Map(..) => "jsonb".to_owned(),
    }
}

pub enum Cells {
    Bool(BooleanArray),
    Short(PrimitiveArray<Int16Type>),
    Int(PrimitiveArray<Int32Type>),
    Long(PrimitiveArray<Int64Type>),
    Unsigned(PrimitiveArray<UInt64Type>),
    Single(PrimitiveArray<Float32Type>),
    Double(PrimitiveArray<Float64Type>),
    Decimal(PrimitiveArray<Decimal128Type>, u8),
    Large(PrimitiveArray<Decimal256Type>, u8),
    Text(StringArray),
    Bytes(BinaryArray),
    Date(PrimitiveArray<Date32Type>),
    /// Microseconds of a day.
    Time(PrimitiveArray<Int64Type>),
    /// Microseconds since 1970.
    Timestamp(PrimitiveArray<Int64Type>),
    /// Microseconds.
    Interval(PrimitiveArray<Int64Type>),
    Json(ArrayRef),
}

impl Cells {
    /// `column` has the canonical type of its column type, and holds no misfit.
    pub fn new(column: &ArrayRef) -> Result<Self, ArrowError> {
        use DataType as Type;
        let as_type = |to: &DataType| cast(column, to);
        Ok(match column.data_type() {
            Type::Boolean => Self::Bool(column.as_boolean().clone()),
            Type::Int16 => Self::Short(column.as_primitive().clone()),
            Type::Int8 | Type::UInt8 => Self::Short(as_type(&Type::Int16)?.as_primitive().clone()),
            Type::Int32 => Self::Int(column.as_primitive().clone()),
            Type::UInt16 => Self::Int(as_type(&Type::Int32)?.as_primitive().clone()),
            Type::Int64 => Self::Long(column.as_primitive().clone()),
            Type::UInt32 => Self::Long(as_type(&Type::Int64)?.as_primitive().clone()),
            Type::UInt64 => Self::Unsigned(column.as_primitive().clone()),
            Type::Float16 => Self::Single(as_type(&Type::Float32)?.as_primitive().clone()),
            Type::Float32 => Self::Single(column.as_primitive().clone()),
            Type::Float64 => Self::Double(column.as_primitive().clone()),
            Type::Decimal128(_, scale) => {
                Self::Decimal(column.as_primitive().clone(), scale.unsigned_abs())
            }
            Type::Decimal256(_, scale) => {
                Self::Large(column.as_primitive().clone(), scale.unsigned_abs())
            }
            Type::Utf8 => Self::Text(column.as_string().clone()),
            Type::Binary => Self::Bytes(column.as_binary().clone()),
            Type::Date32 => Self::Date(column.as_primitive().clone()),
            Type::Time32(_) | Type::Time64(_) => {
                let micros = as_type(&Type::Time64(Unit::Microsecond))?;
                Self::Time(cast(&micros, &Type::Int64)?.as_primitive().clone())
            }
            Type::Timestamp(_, zone) => {
                let micros = as_type(&Type::Timestamp(Unit::Microsecond, zone.clone()))?;
                Self::Timestamp(cast(&micros, &Type::Int64)?.as_primitive().clone())
            }
            Type::Duration(_) => {
                let micros = as_type(&Type::Duration(Unit::Microsecond))?;
                Self::Interval(cast(&micros, &Type::Int64)?.as_primitive().clone())
            }
            _ => Self::Json(column.clone()),
        })
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Bool(values) => values.is_null(row),
            Self::Short(values) => values.is_null(row),
            Self::Int(values) => values.is_null(row),
            Self::Long(values)
            | Self::Time(values)
            | Self::Timestamp(values)
            | Self::Interval(values) => values.is_null(row),
            Self::Unsigned(values) => values.is_null(row),
            Self::Single(values) => values.is_null(row),
            Self::Double(values) => values.is_null(row),
            Self::Decimal(values, _) => values.is_null(row),
            Self::Large(values, _) => values.is_null(row),
            Self::Text(values) => values.is_null(row),
            Self::Bytes(values) => values.is_null(row),
            Self::Date(values) => values.is_null(row),
            Self::Json(values) => values.is_null(row),
        }
    }

    /// Length and value.
    pub fn push(&self, out: &mut Vec<u8>, row: usize) {
        if self.is_null(row) {
            out.extend_from_slice(&NULL);
            return;
        }
        match self {
            Self::Bool(values) => fixed(out, [u8::from(values.value(row))]),
            Self::Short(values) => fixed(out, values.value(row).to_be_bytes()),
            Self::Int(values) => fixed(out, values.value(row).to_be_bytes()),
            Self::Long(values) | Self::Time(values) => fixed(out, values.value(row).to_be_bytes()),
            Self::Unsigned(values) => numeric::push(out, values.value(row).into(), 0),
            Self::Single(values) => fixed(out, values.value(row).to_be_bytes()),
            Self::Double(values) => fixed(out, values.value(row).to_be_bytes()),
            Self::Decimal(values, scale) => numeric::push(out, values.value(row), *scale),
            Self::Large(values, scale) => {
                let value: i256 = values.value(row);
                numeric::push_large(out, value, *scale);
            }
            Self::Text(values) => sized(out, values.value(row).as_bytes()),
            Self::Bytes(values) => sized(out, values.value(row)),
            Self::Date(values) => fixed(out, (values.value(row) - EPOCH_DAYS).to_be_bytes()),
            Self::Timestamp(values) => fixed(out, (values.value(row) - EPOCH_US).to_be_bytes()),
            Self::Interval(values) => {
                out.extend_from_slice(&16_i32.to_be_bytes());
                out.extend_from_slice(&values.value(row).to_be_bytes());
                out.extend_from_slice(&[0; 8]);
            }
            Self::Json(values) => push_json(out, values, row),
        }
    }
}

fn fixed<const N: usize>(out: &mut Vec<u8>, bytes: [u8; N]) {
    out.extend_from_slice(&(N as i32).to_be_bytes());
    out.extend_from_slice(&bytes);
}

fn sized(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as i32).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn push_json(out: &mut Vec<u8>, values: &dyn Array, row: usize) {
    let start = out.len();
    // The length, which is known afterwards, and the version of the form.
    out.extend_from_slice(&[0, 0, 0, 0, 1]);
    json::write(out, values, row);
    let len = (out.len() - start - 4) as i32;
    out[start..start + 4].copy_from_slice(&len.to_be_bytes());
}
