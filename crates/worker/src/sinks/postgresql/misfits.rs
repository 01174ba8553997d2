//! Rows with a value that PostgreSQL cannot hold. They are found before anything is staged, so that no load fails on a value.

use super::row_size::rows_without_room;
use crate::contract::Misfit;
use crate::sinks::sql::json;
use crate::sinks::sql::rows_above;
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, RecordBatch};
use arrow_schema::{DataType, TimeUnit as Unit};

/// Of one value; PostgreSQL has no room for more than a gigabyte.
const VALUE_BYTES_MAX: usize = 1_000_000_000;
/// A string within JSON.
const JSON_BYTES_MAX: usize = 200_000_000;
/// Days since 1970: from 4714-11-24 BC to 5874897-12-31.
const DAYS: std::ops::RangeInclusive<i32> = -2_440_588..=2_145_042_905;
/// Microseconds since 1970: from 4714-11-24 BC on; the last year of PostgreSQL, 294276, is beyond what 64 bits count from 1970.
const MICROS: std::ops::RangeFrom<i64> = -210_866_803_200_000_000..;
const DAY_US: i64 = 86_400_000_000;

const NUL: &str =
    "a NUL character, which no text of PostgreSQL can hold; publish it as bytes, or without";
const FINE: &str =
    "more digits than the microseconds of PostgreSQL; publish it rounded, or as an integer";
const FAR: &str = "beyond the years that PostgreSQL has; publish it as text";
const WIDE: &str = "wider than a row of PostgreSQL can be (8,160 bytes); publish fewer columns to this topic, or send it to parquet://";
const LONG: &str = "longer than a value of PostgreSQL can be";

/// Costs next to nothing where all rows have room.
pub fn misfits(batch: &RecordBatch) -> Vec<Misfit> {
    let mut misfits: Vec<Misfit> = Vec::new();
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        for (row, what) in of_column(column) {
            if misfits.iter().any(|known| known.row == row) {
                continue;
            }
            misfits.push(Misfit {
                row,
                column: Some(field.name().clone()),
                reason: what.to_owned(),
            });
        }
    }
    for row in rows_without_room(batch) {
        if !misfits.iter().any(|known| known.row == row) {
            misfits.push(Misfit { row, column: None, reason: WIDE.to_owned() });
        }
    }
    // The server has each row in one piece of memory as it comes.
    for long in rows_above(batch, VALUE_BYTES_MAX as u64, "PostgreSQL") {
        if !misfits.iter().any(|known| known.row == long.row) {
            misfits.push(long);
        }
    }
    misfits.sort_by_key(|misfit| misfit.row);
    misfits
}

fn of_column(column: &ArrayRef) -> Vec<(usize, &'static str)> {
    match column.data_type() {
        DataType::Utf8 => of_text(column),
        DataType::Binary => {
            let values = column.as_binary::<i32>();
            rows(column, |row| (values.value(row).len() > VALUE_BYTES_MAX).then_some(LONG))
        }
        DataType::Date32 => {
            primitive::<Date32Type>(column, |days| (!DAYS.contains(&days)).then_some(FAR))
        }
        DataType::Time32(Unit::Second) => {
            primitive::<Time32SecondType>(column, |it| of_day(i64::from(it).checked_mul(1_000_000)))
        }
        DataType::Time32(_) => primitive::<Time32MillisecondType>(column, |it| {
            of_day(i64::from(it).checked_mul(1_000))
        }),
        DataType::Time64(Unit::Microsecond) => {
            primitive::<Time64MicrosecondType>(column, |it| of_day(Some(it)))
        }
        DataType::Time64(_) => primitive::<Time64NanosecondType>(column, |it| {
            fine(it).or_else(|| of_day(Some(it / 1_000)))
        }),
        DataType::Timestamp(Unit::Millisecond, _) => {
            primitive::<TimestampMillisecondType>(column, |it| of_time(it.checked_mul(1_000)))
        }
        DataType::Timestamp(Unit::Microsecond, _) => {
            primitive::<TimestampMicrosecondType>(column, |it| of_time(Some(it)))
        }
        DataType::Timestamp(Unit::Nanosecond, _) => {
            primitive::<TimestampNanosecondType>(column, fine)
        }
        DataType::Duration(Unit::Second) => primitive::<DurationSecondType>(column, |it| {
            it.checked_mul(1_000_000).is_none().then_some(FAR)
        }),
        DataType::Duration(Unit::Millisecond) => {
            primitive::<DurationMillisecondType>(column, |it| {
                it.checked_mul(1_000).is_none().then_some(FAR)
            })
        }
        DataType::Duration(Unit::Nanosecond) => primitive::<DurationNanosecondType>(column, fine),
        DataType::List(_) | DataType::Struct(_) | DataType::Map(..) => of_json(column),
        _ => Vec::new(),
    }
}

fn rows(
    column: &dyn Array,
    what: impl Fn(usize) -> Option<&'static str>,
) -> Vec<(usize, &'static str)> {
    let valid = (0..column.len()).filter(|row| column.is_valid(*row));
    valid.filter_map(|row| what(row).map(|what| (row, what))).collect()
}

fn primitive<T: ArrowPrimitiveType>(
    column: &dyn Array,
    what: impl Fn(T::Native) -> Option<&'static str>,
) -> Vec<(usize, &'static str)> {
    let values = column.as_primitive::<T>();
    if values.values().iter().all(|value| what(*value).is_none()) {
        return Vec::new();
    }
    rows(column, |row| what(values.value(row)))
}

fn fine(nanoseconds: i64) -> Option<&'static str> {
    (nanoseconds % 1_000 != 0).then_some(FINE)
}

fn of_day(micros: Option<i64>) -> Option<&'static str> {
    let is_of_day = micros.is_some_and(|micros| (0..=DAY_US).contains(&micros));
    (!is_of_day).then_some("no time of a day")
}

fn of_time(micros: Option<i64>) -> Option<&'static str> {
    let is_known = micros.is_some_and(|micros| MICROS.contains(&micros));
    (!is_known).then_some(FAR)
}

fn of_text(column: &dyn Array) -> Vec<(usize, &'static str)> {
    let values = column.as_string::<i32>();
    let offsets = values.value_offsets();
    let all = &values.value_data()[offsets[0] as usize..offsets[values.len()] as usize];
    if !all.contains(&0) && all.len() <= VALUE_BYTES_MAX {
        return Vec::new();
    }
    rows(column, |row| match values.value(row).as_bytes() {
        text if text.contains(&0) => Some(NUL),
        text => (text.len() > VALUE_BYTES_MAX).then_some(LONG),
    })
}

/// The written value is looked at: a NUL in it is `\u0000`.
fn of_json(column: &dyn Array) -> Vec<(usize, &'static str)> {
    if !may_have_nul(column) && column.get_array_memory_size() < JSON_BYTES_MAX {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut text = Vec::new();
    for row in (0..column.len()).filter(|row| column.is_valid(*row)) {
        text.clear();
        json::write(&mut text, column, row);
        if has_nul(&text) {
            found.push((row, NUL));
        } else if text.len() > JSON_BYTES_MAX {
            found.push((row, LONG));
        }
    }
    found
}

/// Behind an even number of backslashes: else the last of these is the text's own.
fn has_nul(json: &[u8]) -> bool {
    let at_backslashes =
        |end: usize| json[..end].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 0;
    let escapes = json.windows(6).enumerate().filter(|(_, part)| *part == b"\\u0000");
    escapes.map(|(at, _)| at).any(at_backslashes)
}

fn may_have_nul(column: &dyn Array) -> bool {
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value_data().contains(&0),
        DataType::List(_) => may_have_nul(column.as_list::<i32>().values()),
        DataType::Struct(fields) => {
            fields.iter().any(|field| field.name().contains('\0'))
                || column.as_struct().columns().iter().any(|part| may_have_nul(part))
        }
        DataType::Map(..) => {
            let map = column.as_map();
            may_have_nul(map.keys()) || may_have_nul(map.values())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Date32Array, ListArray, StringArray, TimestampNanosecondArray};
    use std::sync::Arc;

    fn check(column: ArrayRef, expected: &[usize]) {
        let batch = RecordBatch::try_from_iter([("a", column)]).unwrap();
        let found: Vec<usize> = misfits(&batch).into_iter().map(|misfit| misfit.row).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn rows_that_have_no_room_are_found_wherever_the_value_lies() {
        check(Arc::new(StringArray::from(vec![Some("a"), Some("a\0b"), None, Some("")])), &[1]);
        check(Arc::new(Date32Array::from(vec![Some(i32::MIN), Some(-2_440_588), None])), &[0]);
        check(Arc::new(TimestampNanosecondArray::from(vec![1_000, 1_001, i64::MIN + 808])), &[1]);
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)])]);
        check(Arc::new(lists), &[]);
        let mut texts =
            arrow_array::builder::ListBuilder::new(arrow_array::builder::StringBuilder::new());
        texts.append_value([Some("x"), Some("\0")]);
        texts.append_value([Some("\\u0000")]);
        check(Arc::new(texts.finish()), &[0]);
    }
}
