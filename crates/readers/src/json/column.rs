//! Columns that grow by values as they are read. A row that does not fit is taken back from all of them.

use super::shape::{misfit, name_of};
use super::text::{Quoted, Result, Text, unescape};
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, ListArray, NullArray, PrimitiveArray, StringArray, StructArray,
};
use arrow_buffer::{BooleanBufferBuilder, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, Fields};
use std::collections::HashMap;
use std::sync::Arc;

pub(super) struct Column {
    valid: NullBufferBuilder,
    values: Values,
}

enum Values {
    /// Nobody wants it; only the number of rows counts.
    Unwanted(usize),
    Null(usize),
    Bool(BooleanBufferBuilder),
    Int64(Vec<i64>),
    UInt64(Vec<u64>),
    Float64(Vec<f64>),
    Decimal {
        values: Vec<i128>,
        precision: u8,
        scale: i8,
    },
    Text(Texts),
    /// Values of several kinds, each as its JSON, strings as their text.
    Raw(Texts),
    List {
        ends: Vec<i32>,
        item: Box<Column>,
        field: Arc<Field>,
    },
    Struct(Members),
}

struct Texts {
    ends: Vec<i32>,
    bytes: Vec<u8>,
}

pub(super) struct Members {
    fields: Fields,
    columns: Vec<Column>,
    index: HashMap<Vec<u8>, usize>,
    /// Names that are not known are passed over instead of refused.
    passes_unknown: bool,
    len: usize,
}

impl Texts {
    fn new() -> Self {
        Self { ends: vec![0], bytes: Vec::new() }
    }

    fn end(&mut self) {
        self.ends.push(i32::try_from(self.bytes.len()).unwrap_or(i32::MAX));
    }

    fn truncate(&mut self, len: usize) {
        self.ends.truncate(len + 1);
        self.bytes.truncate(self.ends[len] as usize);
    }
}

fn offsets(ends: &mut Vec<i32>) -> OffsetBuffer<i32> {
    OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(ends, vec![0])))
}

impl Column {
    /// `is_raw`: values of several kinds, whatever the type says.
    pub fn new(data_type: &DataType, is_raw: bool) -> Self {
        let values = match data_type {
            DataType::Boolean => Values::Bool(BooleanBufferBuilder::new(0)),
            DataType::Int64 => Values::Int64(Vec::new()),
            DataType::UInt64 => Values::UInt64(Vec::new()),
            DataType::Float64 => Values::Float64(Vec::new()),
            DataType::Decimal128(precision, scale) => {
                Values::Decimal { values: Vec::new(), precision: *precision, scale: *scale }
            }
            DataType::Null => Values::Null(0),
            _ if is_raw => Values::Raw(Texts::new()),
            _ => Values::Text(Texts::new()),
        };
        Self::of(values)
    }

    fn of(values: Values) -> Self {
        Self { valid: NullBufferBuilder::new(0), values }
    }

    pub fn unwanted() -> Self {
        Self::of(Values::Unwanted(0))
    }

    pub fn list(item: Self, field: Arc<Field>) -> Self {
        Self::of(Values::List { ends: vec![0], item: Box::new(item), field })
    }

    pub fn members(members: Members) -> Self {
        Self::of(Values::Struct(members))
    }

    pub fn len(&self) -> usize {
        match &self.values {
            Values::Unwanted(len) | Values::Null(len) => *len,
            Values::Bool(values) => values.len(),
            Values::Int64(values) => values.len(),
            Values::UInt64(values) => values.len(),
            Values::Float64(values) => values.len(),
            Values::Decimal { values, .. } => values.len(),
            Values::Text(texts) | Values::Raw(texts) => texts.ends.len() - 1,
            Values::List { ends, .. } => ends.len() - 1,
            Values::Struct(members) => members.len,
        }
    }

    /// Takes back what came after the first `len` values, also parts of one.
    pub fn truncate(&mut self, len: usize) {
        if !matches!(self.values, Values::Unwanted(_) | Values::Null(_)) {
            self.valid.truncate(len);
        }
        match &mut self.values {
            Values::Unwanted(known) | Values::Null(known) => *known = len.min(*known),
            Values::Bool(values) => values.truncate(len),
            Values::Int64(values) => values.truncate(len),
            Values::UInt64(values) => values.truncate(len),
            Values::Float64(values) => values.truncate(len),
            Values::Decimal { values, .. } => values.truncate(len),
            Values::Text(texts) | Values::Raw(texts) => texts.truncate(len),
            Values::List { ends, item, .. } => {
                ends.truncate(len + 1);
                item.truncate(ends[len] as usize);
            }
            Values::Struct(members) => members.truncate(len),
        }
    }

    pub fn push_null(&mut self) {
        match &mut self.values {
            Values::Unwanted(len) | Values::Null(len) => {
                *len += 1;
                return;
            }
            Values::Bool(values) => values.append(false),
            Values::Int64(values) => values.push(0),
            Values::UInt64(values) => values.push(0),
            Values::Float64(values) => values.push(0.0),
            Values::Decimal { values, .. } => values.push(0),
            Values::Text(texts) | Values::Raw(texts) => texts.end(),
            Values::List { ends, .. } => ends.push(ends[ends.len() - 1]),
            Values::Struct(members) => members.push_null(),
        }
        self.valid.append_null();
    }

    /// Passes a value, and appends it. After a fault the column is to be truncated.
    pub fn push(&mut self, text: &mut Text<'_>, depth: usize) -> Result<()> {
        if let Values::Unwanted(len) = &mut self.values {
            *len += 1;
            return text.skip(depth);
        }
        let start = text.at;
        let first = text.peek();
        if first == Some(b'n') {
            text.literal("null")?;
            self.push_null();
            return Ok(());
        }
        match (&mut self.values, first) {
            (Values::Int64(values), Some(b'-' | b'0'..=b'9')) => match whole(text)? {
                Some(value) => values.push(value),
                None => return misfit(text, start, "int64"),
            },
            (Values::Float64(values), Some(b'-' | b'0'..=b'9')) => match float(text)? {
                Some(value) => values.push(value),
                None => return misfit(text, start, "float64"),
            },
            (Values::Text(texts), Some(b'"')) => string(text, texts)?,
            (Values::Raw(texts), _) => raw(text, depth, texts)?,
            (Values::Struct(members), Some(b'{')) => members.push(text, depth)?,
            (Values::List { ends, item, .. }, Some(b'[')) => {
                text.array(depth, |text| item.push(text, depth + 1))?;
                ends.push(i32::try_from(item.len()).unwrap_or(i32::MAX));
            }
            (Values::Bool(values), Some(b't')) => {
                text.literal("true")?;
                values.append(true);
            }
            (Values::Bool(values), Some(b'f')) => {
                text.literal("false")?;
                values.append(false);
            }
            (Values::UInt64(values), Some(b'-' | b'0'..=b'9')) => {
                match str_of(text)?.and_then(|raw| raw.parse().ok()) {
                    Some(value) => values.push(value),
                    None => return misfit(text, start, "uint64"),
                }
            }
            (Values::Decimal { values, precision, scale }, Some(b'-' | b'0'..=b'9')) => {
                match str_of(text)?.and_then(|raw| decimal(raw, *precision, *scale)) {
                    Some(value) => values.push(value),
                    None => {
                        return misfit(text, start, &format!("decimal({precision}, {scale})"));
                    }
                }
            }
            (_, None) => return text.unexpected("a value"),
            (values, _) => {
                let wanted = values.name();
                text.skip(depth)?;
                return misfit(text, start, wanted);
            }
        }
        self.valid.append_non_null();
        Ok(())
    }

    /// The column, and nothing is left here.
    pub fn finish(&mut self) -> std::result::Result<ArrayRef, ArrowError> {
        let nulls = self.valid.finish();
        Ok(match &mut self.values {
            Values::Unwanted(len) | Values::Null(len) => {
                Arc::new(NullArray::new(std::mem::take(len)))
            }
            Values::Bool(values) => Arc::new(BooleanArray::new(values.finish(), nulls)),
            Values::Int64(values) => Arc::new(PrimitiveArray::<Int64Type>::try_new(
                std::mem::take(values).into(),
                nulls,
            )?),
            Values::UInt64(values) => Arc::new(PrimitiveArray::<UInt64Type>::try_new(
                std::mem::take(values).into(),
                nulls,
            )?),
            Values::Float64(values) => Arc::new(PrimitiveArray::<Float64Type>::try_new(
                std::mem::take(values).into(),
                nulls,
            )?),
            Values::Decimal { values, precision, scale } => {
                let array = PrimitiveArray::<Decimal128Type>::try_new(
                    std::mem::take(values).into(),
                    nulls,
                )?;
                Arc::new(array.with_precision_and_scale(*precision, *scale)?)
            }
            Values::Text(texts) | Values::Raw(texts) => {
                let bytes = std::mem::take(&mut texts.bytes).into();
                Arc::new(StringArray::try_new(offsets(&mut texts.ends), bytes, nulls)?)
            }
            Values::List { ends, item, field } => {
                Arc::new(ListArray::try_new(field.clone(), offsets(ends), item.finish()?, nulls)?)
            }
            Values::Struct(members) => {
                let (fields, columns, len) = members.finish()?;
                let array = StructArray::try_new_with_length(fields, columns, nulls, len)?;
                Arc::new(array)
            }
        })
    }
}

impl Values {
    fn name(&self) -> &'static str {
        match self {
            Self::Unwanted(_) | Self::Raw(_) => "value",
            Self::Null(_) => "null: all samples of this column are null",
            Self::Bool(_) => "bool",
            Self::Int64(_) => "int64",
            Self::UInt64(_) => "uint64",
            Self::Float64(_) => "float64",
            Self::Decimal { .. } => "decimal",
            Self::Text(_) => "text",
            Self::List { .. } => "list",
            Self::Struct(_) => "object",
        }
    }
}

impl Members {
    pub fn new(fields: Fields, columns: Vec<Column>, passes_unknown: bool) -> Self {
        let names = fields.iter().map(|field| field.name().as_bytes().to_vec());
        let index = names.zip(0..).collect();
        Self { fields, columns, index, passes_unknown, len: 0 }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn push(&mut self, text: &mut Text<'_>, depth: usize) -> Result<()> {
        let len = self.len;
        let mut next = 0;
        let (fields, columns, index) = (&self.fields, &mut self.columns, &self.index);
        let passes_unknown = self.passes_unknown;
        text.object(depth, |text, name| {
            let expected = fields.get(next).filter(|field| !name.is_escaped && field.name().as_bytes() == name.raw);
            let at = match expected {
                Some(_) => next,
                None => match known(index, text, name)? {
                    Some(at) => at,
                    None if passes_unknown => return text.skip(depth + 1),
                    None => {
                        let name = String::from_utf8_lossy(name.raw);
                        return text.fault(format!("the name '{name}' is in none of the samples that the columns were found by"));
                    }
                },
            };
            next = at + 1;
            if columns[at].len() > len {
                return text.fault(format!("the name '{}' stands twice in one object", fields[at].name()));
            }
            columns[at].push(text, depth + 1).map_err(|mut fault| {
                if depth == 0 && !fault.is_cut {
                    fault.column = Some(fields[at].name().clone());
                }
                fault
            })
        })?;
        for column in columns.iter_mut().filter(|column| column.len() == len) {
            column.push_null();
        }
        self.len += 1;
        Ok(())
    }

    /// One value for each column, in their order; missing ones are null.
    pub fn push_items(&mut self, text: &mut Text<'_>) -> Result<()> {
        let (len, mut next) = (self.len, 0);
        let (fields, columns) = (&self.fields, &mut self.columns);
        text.array(0, |text| {
            let Some(column) = columns.get_mut(next) else {
                return text.fault(format!("it has more than {} values", fields.len()));
            };
            next += 1;
            column.push(text, 1).map_err(|mut fault| {
                fault.column = Some(fields[next - 1].name().clone());
                fault
            })
        })?;
        for column in columns.iter_mut().filter(|column| column.len() == len) {
            column.push_null();
        }
        self.len += 1;
        Ok(())
    }

    /// A row that is one value.
    pub fn push_value(&mut self, text: &mut Text<'_>) -> Result<()> {
        if let Some(column) = self.columns.first_mut() {
            column.push(text, 0)?;
        }
        self.len += 1;
        Ok(())
    }

    pub fn push_null(&mut self) {
        self.columns.iter_mut().for_each(Column::push_null);
        self.len += 1;
    }

    pub fn truncate(&mut self, len: usize) {
        self.columns.iter_mut().for_each(|column| column.truncate(len));
        self.len = len;
    }

    /// Only what is wanted.
    pub fn finish(&mut self) -> std::result::Result<(Fields, Vec<ArrayRef>, usize), ArrowError> {
        let mut fields = Vec::new();
        let mut columns = Vec::new();
        for (field, column) in self.fields.iter().zip(&mut self.columns) {
            let array = column.finish()?;
            if !matches!(column.values, Values::Unwanted(_)) {
                debug_assert_eq!(array.data_type(), field.data_type());
                fields.push(field.clone());
                columns.push(array);
            }
        }
        Ok((fields.into(), columns, std::mem::take(&mut self.len)))
    }
}

fn known(
    index: &HashMap<Vec<u8>, usize>,
    text: &Text<'_>,
    name: Quoted<'_>,
) -> Result<Option<usize>> {
    if !name.is_escaped {
        return Ok(index.get(name.raw).copied());
    }
    let name = name_of(text, name)?;
    Ok(index.get(name.as_bytes()).copied())
}

fn str_of<'a>(text: &mut Text<'a>) -> Result<Option<&'a str>> {
    let number = text.number()?;
    Ok(str::from_utf8(number.raw).ok())
}

fn whole(text: &mut Text<'_>) -> Result<Option<i64>> {
    let number = text.number()?;
    if !number.is_whole {
        return Ok(None);
    }
    let digits = number.raw.strip_prefix(b"-");
    let (is_negative, digits) = (digits.is_some(), digits.unwrap_or(number.raw));
    if digits.len() > 18 {
        return Ok(str::from_utf8(number.raw).ok().and_then(|raw| raw.parse().ok()));
    }
    let value = digits.iter().fold(0i64, |value, digit| value * 10 + i64::from(digit - b'0'));
    Ok(Some(if is_negative { -value } else { value }))
}

/// None: a float of this size is none, or not what is written.
fn float(text: &mut Text<'_>) -> Result<Option<f64>> {
    let number = text.number()?;
    let value = str::from_utf8(number.raw).ok().and_then(|raw| raw.parse::<f64>().ok());
    Ok(value.filter(|value| {
        // Beyond what was proven, numbers with more digits may come.
        value.is_finite()
            && (number.raw.len() <= 16
                || super::shape::is_exact(str::from_utf8(number.raw).unwrap_or_default()))
    }))
}

fn decimal(raw: &str, precision: u8, scale: i8) -> Option<i128> {
    if raw.contains(['e', 'E']) {
        return None;
    }
    let (whole, fraction) = raw.split_once('.').unwrap_or((raw, ""));
    let scale = usize::try_from(scale).ok()?;
    if fraction.len() > scale {
        return None;
    }
    let value = format!("{whole}{fraction:0<scale$}").parse::<i128>().ok()?;
    (value.unsigned_abs() < 10u128.pow(u32::from(precision))).then_some(value)
}

fn string(text: &mut Text<'_>, texts: &mut Texts) -> Result<()> {
    let quoted = text.string()?;
    if quoted.is_escaped {
        unescape(quoted.raw, &mut texts.bytes).or_else(|reason| text.fault(reason))?;
    } else {
        texts.bytes.extend_from_slice(quoted.raw);
    }
    texts.end();
    Ok(())
}

fn raw(text: &mut Text<'_>, depth: usize, texts: &mut Texts) -> Result<()> {
    if text.peek() == Some(b'"') {
        return string(text, texts);
    }
    let start = text.at;
    text.skip(depth)?;
    texts.bytes.extend_from_slice(&text.bytes[start..text.at]);
    texts.end();
    Ok(())
}
