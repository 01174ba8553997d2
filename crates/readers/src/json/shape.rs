//! What the values of a place can be, as far as they were seen, and the type that holds all of them exactly.

use super::text::{Fault, Number, Quoted, Result, Text, unescape};
use arrow_schema::{DataType, Field, Fields};
use std::collections::HashMap;
use std::sync::Arc;

/// An object with more names than these is a dictionary rather than a record: it is kept as its JSON.
const NAMES_MAX: usize = 1000;
const DECIMAL_DIGITS_MAX: u32 = 38;
/// Whole numbers up to here are floats, too.
const EXACT_MAX: u128 = 1 << 53;

#[derive(Debug, Clone, Default)]
pub(super) struct Shape {
    pub nulls: u64,
    pub filled: u64,
    bools: bool,
    texts: bool,
    numbers: Option<Numbers>,
    items: Option<Box<Shape>>,
    pub members: Option<Members>,
}

#[derive(Debug, Clone, Default)]
struct Numbers {
    min: i128,
    max: i128,
    /// A whole number has more digits than any type that counts.
    huge: bool,
    floats: bool,
    exponents: bool,
    whole_digits: u32,
    scale: u32,
    /// What a float would change.
    inexact: bool,
}

/// By name, in the order in which they were first seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Members {
    pub shapes: Vec<(String, Shape)>,
    index: HashMap<String, usize>,
}

impl Members {
    pub fn shape(&mut self, name: &str) -> &mut Shape {
        let at = match self.index.get(name) {
            Some(at) => *at,
            None => {
                self.shapes.push((name.to_owned(), Shape::default()));
                self.index.insert(name.to_owned(), self.shapes.len() - 1);
                self.shapes.len() - 1
            }
        };
        &mut self.shapes[at].1
    }
}

pub(super) fn name_of(text: &Text<'_>, name: Quoted<'_>) -> Result<String> {
    let mut bytes = Vec::with_capacity(name.raw.len());
    unescape(name.raw, &mut bytes).or_else(|reason| text.fault(reason))?;
    String::from_utf8(bytes).or_else(|_| text.fault("a name is no UTF-8"))
}

impl Shape {
    /// Passes a value, and widens by it.
    pub fn see(&mut self, text: &mut Text<'_>, depth: usize) -> Result<()> {
        let kind = text.peek();
        if kind == Some(b'n') {
            self.nulls += 1;
            return text.literal("null");
        }
        self.filled += 1;
        match kind {
            Some(b'{') => {
                let members = self.members.get_or_insert_default();
                text.object(depth, |text, name| {
                    let name = name_of(text, name)?;
                    members.shape(&name).see(text, depth + 1)
                })
            }
            Some(b'[') => {
                let items = self.items.get_or_insert_default();
                text.array(depth, |text| items.see(text, depth + 1))
            }
            Some(b'-' | b'0'..=b'9') => {
                let number = text.number()?;
                self.numbers.get_or_insert_default().see(number);
                Ok(())
            }
            Some(b'"') => {
                self.texts = true;
                text.skip(depth)
            }
            _ => {
                self.bools = true;
                text.skip(depth)
            }
        }
    }

    /// None: no type but text holds all of it; then each value is kept as its JSON, and a string as its text.
    pub fn data_type(&self) -> Option<DataType> {
        let kinds = [
            self.bools,
            self.texts,
            self.numbers.is_some(),
            self.items.is_some(),
            self.members.is_some(),
        ];
        match kinds {
            [false, false, false, false, false] => Some(DataType::Null),
            [true, false, false, false, false] => Some(DataType::Boolean),
            [false, true, false, false, false] => Some(DataType::Utf8),
            [false, false, true, false, false] => self.numbers.as_ref()?.data_type(),
            [false, false, false, true, false] => {
                let item = self.items.as_ref()?.data_type().unwrap_or(DataType::Utf8);
                Some(DataType::List(Arc::new(Field::new_list_field(item, true))))
            }
            [false, false, false, false, true] => self.members.as_ref()?.data_type(),
            _ => None,
        }
    }

    pub fn item(&self) -> Option<&Self> {
        self.items.as_deref()
    }

    /// In words, for people.
    pub fn evidence(&self) -> String {
        let numbers = self.numbers.as_ref();
        let of = if self.nulls > 0 {
            format!("{} values, {} null", self.filled, self.nulls)
        } else {
            format!("{} values", self.filled)
        };
        match (self.data_type(), numbers) {
            (None, Some(numbers)) if numbers.inexact || numbers.huge => {
                format!("{of}: numbers that no number type holds exactly, kept as they are written")
            }
            (None, _) => format!("{of} of several kinds, kept as JSON"),
            (Some(DataType::Decimal128(..)), _) => format!("{of}: a float would change some"),
            (Some(DataType::Float64), _) => format!("{of}: floats hold all exactly"),
            _ => of,
        }
    }
}

impl Numbers {
    fn see(&mut self, number: Number<'_>) {
        let raw = str::from_utf8(number.raw).unwrap_or_default();
        if number.is_whole {
            match raw.parse::<i128>() {
                Ok(value) => {
                    self.min = self.min.min(value);
                    self.max = self.max.max(value);
                    let digits = raw.trim_start_matches('-').len() as u32;
                    self.whole_digits = self.whole_digits.max(digits);
                    self.huge |= digits > DECIMAL_DIGITS_MAX;
                    // Minus zero is a float's.
                    self.floats |= raw == "-0";
                }
                Err(_) => self.huge = true,
            }
            return;
        }
        self.floats = true;
        let (digits, exponent) = raw.split_once(['e', 'E']).unwrap_or((raw, ""));
        self.exponents |= !exponent.is_empty();
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        self.whole_digits = self.whole_digits.max(whole.trim_start_matches('-').len() as u32);
        self.scale = self.scale.max(fraction.len() as u32);
        self.inexact |= !is_exact(raw);
    }

    fn data_type(&self) -> Option<DataType> {
        let beyond = self.min.unsigned_abs().max(self.max.unsigned_abs()) > EXACT_MAX;
        if self.huge {
            return None;
        }
        if !self.floats {
            return Some(if i64::try_from(self.min).is_ok() && i64::try_from(self.max).is_ok() {
                DataType::Int64
            } else if self.min >= 0 && u64::try_from(self.max).is_ok() {
                DataType::UInt64
            } else {
                DataType::Decimal128(self.whole_digits as u8, 0)
            });
        }
        if !self.inexact && !beyond {
            return Some(DataType::Float64);
        }
        let digits = self.whole_digits + self.scale;
        let fits = !self.exponents && digits <= DECIMAL_DIGITS_MAX;
        fits.then_some(DataType::Decimal128(digits as u8, self.scale as i8))
    }
}

/// The float that is nearest says the same digits.
pub(super) fn is_exact(raw: &str) -> bool {
    let digits = raw.bytes().filter(u8::is_ascii_digit).count();
    let Ok(value) = raw.parse::<f64>() else { return false };
    if !value.is_finite() {
        return false;
    }
    if digits <= 15 && !raw.contains(['e', 'E']) {
        return true;
    }
    // A value too small for a float has become zero.
    normal(raw).is_some_and(|raw| normal(&format!("{value:e}")) == Some(raw))
}

/// Significant digits, and the power of ten of the first one.
fn normal(number: &str) -> Option<(bool, String, i64)> {
    let is_negative = number.starts_with('-');
    let (digits, exponent) = number
        .trim_start_matches('-')
        .split_once(['e', 'E'])
        .unwrap_or((number.trim_start_matches('-'), "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    let leading = all.len() - all.trim_start_matches('0').len();
    let significant = all.trim_matches('0').to_owned();
    if significant.is_empty() {
        return Some((is_negative, significant, 0));
    }
    let exponent = exponent.parse::<i64>().ok()?;
    Some((is_negative, significant, exponent + whole.len() as i64 - leading as i64))
}

impl Members {
    fn data_type(&self) -> Option<DataType> {
        if self.shapes.is_empty() || self.shapes.len() > NAMES_MAX {
            return None;
        }
        let field = |(name, shape): &(String, Shape)| {
            Field::new(name, shape.data_type().unwrap_or(DataType::Utf8), true)
        };
        Some(DataType::Struct(self.shapes.iter().map(field).collect::<Fields>()))
    }
}

/// What is wrong with a value, said of a column.
pub(super) fn misfit<T>(text: &Text<'_>, start: usize, wanted: &str) -> Result<T> {
    const SHOWN_MAX: usize = 80;
    let end = super::text::extent(text.bytes, start).unwrap_or(text.bytes.len());
    let raw = String::from_utf8_lossy(&text.bytes[start..end]);
    let shown = match raw.char_indices().nth(SHOWN_MAX) {
        Some((at, _)) => format!("{}...", &raw[..at]),
        None => raw.into_owned(),
    };
    Err(Fault {
        at: start,
        column: None,
        reason: format!("'{shown}' is no {wanted}"),
        is_cut: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[&str], expected: impl Into<Option<DataType>>) {
        let mut shape = Shape::default();
        for value in values {
            shape.see(&mut Text::new(value.as_bytes()), 0).unwrap();
        }
        assert_eq!(shape.data_type(), expected.into(), "{values:?}");
    }

    #[test]
    fn the_type_holds_every_value_exactly() {
        check(&["null"], Some(DataType::Null));
        check(&["1", "-2", "null"], Some(DataType::Int64));
        check(&["0", "18446744073709551615"], Some(DataType::UInt64));
        check(&["-1", "18446744073709551615"], Some(DataType::Decimal128(20, 0)));
        check(&["1", "2.5"], Some(DataType::Float64));
        check(&["0.1234567890123456789"], Some(DataType::Decimal128(20, 19)));
        check(&["0.30000000000000004", "1e-7"], Some(DataType::Float64));
        check(&["12345678901234567890.5"], Some(DataType::Decimal128(21, 1)));
        check(&["9007199254740993", "0.5"], Some(DataType::Decimal128(17, 1)));
        check(&["1e400"], None);
        check(&["1e-400"], None);
        check(&["1", "\"a\""], None);
        check(&["{}"], None);
        check(&["\"a\"", "null"], Some(DataType::Utf8));
        let item = |data_type| DataType::List(Arc::new(Field::new_list_field(data_type, true)));
        check(&["[1]", "[]"], Some(item(DataType::Int64)));
        check(&["[1,\"a\"]"], Some(item(DataType::Utf8)));
        let fields =
            vec![Field::new("a", DataType::Int64, true), Field::new("b", DataType::Boolean, true)];
        check(&["{\"a\":1}", "{\"b\":true}"], Some(DataType::Struct(fields.into())));
    }
}
