//! From proof to type. One column may settle what another leaves open: a file writes its decimals and its dates in one way.

use super::kinds::{self, PinnedType};
use super::number::NumberFormat;
use super::proof::{
    COMMA, DATES, DOT, Digits, Moments, NUMBER_FORMATS, Numbers, Proof, TIMES, usual,
};
use super::words;
use crate::decision::{ColumnDecision, ColumnKind};
use crate::pins::{PinError, Pins};
use arrow_schema::{DataType, TimeUnit};

/// A type, and why.
type Found = (ColumnKind, DataType, String);
/// Why it is none.
type Unfit = String;

/// What proven columns say about those that could be read in two ways.
#[derive(Debug, Default)]
struct Custom {
    /// The decimal sign, and the column that proves it.
    point: Option<(char, String)>,
    /// Day before month.
    day_first: Option<(bool, String)>,
}

/// Of each column its type: as it is pinned, or as its cells prove it.
pub fn decide(
    names: &[String],
    proofs: &[Proof],
    pins: &Pins,
) -> Result<Vec<ColumnDecision>, PinError> {
    if let Some(name) = pins.types.keys().find(|name| !names.contains(name)) {
        let wanted = format!("there is no such column; columns are {}", names.join(", "));
        return Err(PinError::Value { key: "types".to_owned(), value: name.clone(), wanted });
    }
    let custom = Custom::of(names, proofs);
    let columns = names.iter().zip(proofs);
    columns.map(|(name, proof)| proof.decide(name, pins, &custom)).collect()
}

impl Custom {
    fn of(names: &[String], proofs: &[Proof]) -> Self {
        let mut custom = Self::default();
        for (name, proof) in names.iter().zip(proofs).filter(|(_, proof)| proof.filled > 0) {
            if let Some(numbers) = &proof.numbers
                && let Ok(format) = numbers.format(&Self::default())
                && (format.thousands.is_some() || numbers.digits(format).scale_max > 0)
            {
                custom.point.get_or_insert_with(|| (format.point, name.clone()));
            }
            if let Some(moments) = &proof.moments
                && usual(moments.dates).count_ones() == 1
                && let Some(day_first) = day_first(usual(moments.dates).trailing_zeros() as usize)
            {
                custom.day_first.get_or_insert_with(|| (day_first, name.clone()));
            }
        }
        custom
    }
}

/// Of a format of `DATES`, if it says so.
fn day_first(date: usize) -> Option<bool> {
    let spec = DATES[date].to_string();
    match spec.get(..2) {
        Some("%d") if spec.contains("%m") => Some(true),
        Some("%m") => Some(false),
        _ => None,
    }
}

impl Proof {
    /// So far its cells are all numbers, dates or truth values.
    pub fn is_typed(&self) -> bool {
        self.filled > 0 && self.proven(&Custom::default()).0 != ColumnKind::Text
    }

    /// Whether a further cell would leave the type as it is; None: there is none, or the cell says nothing.
    pub fn fits(&self, cell: &[u8]) -> Option<bool> {
        if !self.is_typed() {
            return None;
        }
        let mut with = self.clone();
        with.see(cell, 0);
        (with.filled > self.filled).then(|| with.is_typed())
    }

    fn decide(&self, name: &str, pins: &Pins, custom: &Custom) -> Result<ColumnDecision, PinError> {
        let (kind, data_type, evidence) = match pins.types.get(name) {
            Some(pinned) => self.pinned(pinned, custom).map_err(|wanted| PinError::Value {
                key: "types".to_owned(),
                value: format!("{name}:{pinned}"),
                wanted,
            })?,
            None if pins.all_text => {
                (ColumnKind::Text, DataType::Utf8, "READER says text".to_owned())
            }
            None => self.proven(custom),
        };
        let nulls = self.null_words(&kind, pins);
        Ok(ColumnDecision { name: name.to_owned(), kind, data_type, evidence, nulls })
    }

    fn null_words(&self, kind: &ColumnKind, pins: &Pins) -> Vec<String> {
        if let Some(pinned) = &pins.nulls {
            return pinned.clone();
        }
        let floats = matches!(kind, ColumnKind::Float64 { .. });
        let nans = self.nans.iter().filter(|_| !floats);
        match kind {
            ColumnKind::Text | ColumnKind::Native => Vec::new(),
            _ => self.nulls.iter().chain(nans).map(|(word, _)| word.clone()).collect(),
        }
    }

    fn pinned(&self, pinned: &str, custom: &Custom) -> Result<Found, String> {
        let evidence = "READER says so".to_owned();
        let wanted = match kinds::parse(pinned)? {
            PinnedType::Exact(kind, data_type) => return Ok((kind, data_type, evidence)),
            PinnedType::Bare(wanted) => wanted,
        };
        let found = match wanted {
            "bool" => self.bool_type(),
            "decimal" => self.decimal_type(custom),
            _ => self.moment_type(custom),
        };
        let fits = |kind: &ColumnKind| match kind {
            ColumnKind::Date(_) => wanted == "date",
            ColumnKind::Time(_) => wanted == "time",
            ColumnKind::Timestamp { .. } => wanted == "timestamp",
            _ => true,
        };
        match found {
            Ok((kind, data_type, _)) if fits(&kind) => Ok((kind, data_type, evidence)),
            _ => Err(format!(
                "the cells do not tell how it is written; write it out, as in {}",
                match wanted {
                    "bool" => "bool(yes/no)",
                    "decimal" => "decimal(38,2)",
                    "date" => "date(%d.%m.%Y)",
                    "time" => "time(%H:%M)",
                    _ => "timestamp(%Y-%m-%d %H:%M)",
                }
            )),
        }
    }

    fn proven(&self, custom: &Custom) -> Found {
        let text = |evidence| (ColumnKind::Text, DataType::Utf8, evidence);
        if self.filled == 0 {
            return text("no cell says anything".to_owned());
        }
        if let Some(excluder) = &self.excluder {
            return text(format!("{} is no number, date or truth value", excluder.shown()));
        }
        let mut unfit = String::new();
        for found in [self.number_type(custom), self.moment_type(custom), self.bool_type()] {
            match found {
                Ok(found) => return found,
                Err(reason) if unfit.is_empty() => unfit = reason,
                Err(_) => {}
            }
        }
        text(unfit)
    }

    fn bool_type(&self) -> Result<Found, Unfit> {
        let bools = self.bools.as_ref().filter(|_| self.filled > 0).ok_or("")?;
        let pair = bools.pairs.trailing_zeros() as usize;
        let (yes, no) = words::PAIRS[pair];
        if pair >= words::PAIRS_CLEAR && !(bools.yes && bools.no) {
            let word = if bools.yes { yes } else { no };
            return Err(format!("'{word}' alone is no truth value"));
        }
        let kind = ColumnKind::Bool { yes: yes.to_owned(), no: no.to_owned() };
        Ok((kind, DataType::Boolean, format!("every cell is '{yes}' or '{no}'")))
    }

    fn number_type(&self, custom: &Custom) -> Result<Found, Unfit> {
        let numbers = self.numbers.as_ref().filter(|_| self.filled > 0).ok_or("")?;
        let format = numbers.format(custom)?;
        let digits = numbers.digits(format);
        if numbers.plus && !numbers.minus && digits.scale_max == 0 {
            return Err("plus without any minus, as in telephone numbers".to_owned());
        }
        if digits.whole_only && !numbers.infinite {
            return whole(digits, format);
        }
        let NumberFormat { point, thousands } = format;
        let Some(inexact) = &digits.inexact else {
            let kind = ColumnKind::Float64 { point, thousands };
            let evidence = match &numbers.sign {
                Some(sign) => {
                    format!("{} tells how numbers are written", sign.shown())
                }
                None => format!("{} numbers that a float holds as they stand", self.filled),
            };
            return Ok((kind, DataType::Float64, evidence));
        };
        let (kind, data_type, _) = self.decimal_type(custom)?;
        let evidence = format!("{} has more digits than a float", inexact.shown());
        Ok((kind, data_type, evidence))
    }

    fn decimal_type(&self, custom: &Custom) -> Result<Found, Unfit> {
        let numbers = self.numbers.as_ref().filter(|_| self.filled > 0).ok_or("")?;
        let format = numbers.format(custom)?;
        let digits = numbers.digits(format);
        let fits = digits.whole_max + digits.scale_max <= u32::from(kinds::DECIMAL_DIGITS_MAX);
        if !fits || digits.exponents || numbers.infinite || !self.nans.is_empty() {
            return Err(match &digits.inexact {
                Some(cell) => format!("{} is no number that can be kept exactly", cell.shown()),
                None => "not every number is a decimal of 38 digits".to_owned(),
            });
        }
        let (precision, scale) = (kinds::DECIMAL_DIGITS_MAX, digits.scale_max as i8);
        let NumberFormat { point, thousands } = format;
        let kind = ColumnKind::Decimal { precision, scale, point, thousands };
        Ok((kind, DataType::Decimal128(precision, scale), format!("{} decimals", self.filled)))
    }

    fn moment_type(&self, custom: &Custom) -> Result<Found, Unfit> {
        let moments = self.moments.as_ref().filter(|_| self.filled > 0).ok_or("")?;
        moments.found(self.filled, custom)
    }
}

fn whole(digits: &Digits, format: NumberFormat) -> Result<Found, Unfit> {
    let Digits { min, max, .. } = *digits;
    let evidence = format!("whole numbers from {min} to {max}");
    let fits_int64 = i64::try_from(min).is_ok() && i64::try_from(max).is_ok();
    let NumberFormat { point, thousands } = format;
    Ok(if thousands.is_some() {
        let precision = if fits_int64 { 19 } else { kinds::DECIMAL_DIGITS_MAX };
        let data_type =
            if fits_int64 { DataType::Int64 } else { DataType::Decimal128(precision, 0) };
        (ColumnKind::Decimal { precision, scale: 0, point, thousands }, data_type, evidence)
    } else if fits_int64 {
        (ColumnKind::Int64, DataType::Int64, evidence)
    } else if u64::try_from(min).is_ok() && u64::try_from(max).is_ok() {
        (ColumnKind::UInt64, DataType::UInt64, evidence)
    } else if digits.whole_max <= u32::from(kinds::DECIMAL_DIGITS_MAX) {
        let precision = kinds::DECIMAL_DIGITS_MAX;
        let kind = ColumnKind::Decimal { precision, scale: 0, point, thousands };
        (kind, DataType::Decimal128(precision, 0), evidence)
    } else {
        return Err(format!("numbers of {} digits", digits.whole_max));
    })
}

impl Numbers {
    fn digits(&self, format: NumberFormat) -> &Digits {
        if format.point == '.' { &self.dot } else { &self.comma }
    }

    /// The one way to read every cell; the point is taken for the sign of decimals wherever it can be.
    fn format(&self, custom: &Custom) -> Result<NumberFormat, Unfit> {
        let alive = |at: usize| self.formats & 1 << at != 0;
        let grouped = DOT + 1;
        if alive(COMMA) && alive(grouped) && !alive(DOT) {
            let cell = self.sign.as_ref().map_or("", |sign| sign.text.as_str());
            return match &custom.point {
                Some(('.', _)) => Ok(NUMBER_FORMATS[grouped]),
                Some(_) => Ok(NUMBER_FORMATS[COMMA]),
                None => Err(format!("the comma in '{cell}' may be of decimals or of thousands")),
            };
        }
        let first = [DOT, COMMA].into_iter().find(|at| alive(*at));
        let at = first.or_else(|| (0..NUMBER_FORMATS.len()).find(|at| alive(*at)));
        at.map(|at| NUMBER_FORMATS[at]).ok_or_else(String::new)
    }
}

impl Moments {
    fn found(&self, filled: u64, custom: &Custom) -> Result<Found, Unfit> {
        let shape = self.shape.ok_or("")?;
        let time = TIMES[self.times.trailing_zeros() as usize].to_string();
        let unit = if self.nanos { TimeUnit::Nanosecond } else { TimeUnit::Microsecond };
        if !shape.has_date {
            let evidence = format!("{filled} times of the day");
            return Ok((ColumnKind::Time(time), DataType::Time64(unit), evidence));
        }
        let (date, evidence) = self.date(filled, custom)?;
        if !shape.has_time {
            return Ok((ColumnKind::Date(date), DataType::Date32, evidence));
        }
        if self.nanos && !self.nanos_fit {
            return Err("nanoseconds outside of the years 1678 to 2261".to_owned());
        }
        let separator = shape.separator.map_or(' ', char::from);
        let zone = ["%z", " %z"];
        let zone = shape.zone.map_or("", |at| zone[at]);
        let format = format!("{date}{separator}{time}{zone}");
        let zoned = shape.zone.is_some();
        Ok((ColumnKind::Timestamp { format, zoned }, kinds::timestamp(unit, zoned), evidence))
    }

    /// The format of dates, and what proves it.
    fn date(&self, filled: u64, custom: &Custom) -> Result<(String, String), Unfit> {
        let dates = usual(self.dates);
        let alive: Vec<usize> = (0..DATES.len()).filter(|at| dates & 1 << at != 0).collect();
        let [first, ..] = alive[..] else {
            return Err(String::new());
        };
        let format = DATES[first].to_string();
        if alive.len() == 1 {
            let evidence = match (&self.order, day_first(first)) {
                (Some(cell), Some(day_first)) => format!(
                    "{} proves {} first",
                    cell.shown(),
                    if day_first { "day" } else { "month" }
                ),
                _ => format!("{filled} dates of the form {format}"),
            };
            return Ok((format, evidence));
        }
        if let Some((order, column)) = &custom.day_first {
            let mut fitting = alive.iter().filter(|at| day_first(**at) == Some(*order));
            if let (Some(at), None) = (fitting.next(), fitting.next()) {
                let first = if *order { "day" } else { "month" };
                return Ok((
                    DATES[*at].to_string(),
                    format!("{first} first, as column '{column}' proves"),
                ));
            }
        }
        let forms: Vec<String> = alive.iter().map(|at| DATES[*at].to_string()).collect();
        Err(format!("dates that could be {}", forms.join(" or ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(columns: &[&[&str]]) -> Vec<ColumnDecision> {
        let names: Vec<String> = (1..=columns.len()).map(|at| format!("c{at}")).collect();
        let pins = Pins::default();
        let proofs: Vec<Proof> = columns
            .iter()
            .map(|cells| {
                let mut proof = Proof::new(&pins);
                for (row, cell) in cells.iter().enumerate() {
                    proof.see(cell.as_bytes(), row as u64 + 1);
                }
                proof
            })
            .collect();
        decide(&names, &proofs, &pins).unwrap()
    }

    fn check(cells: &[&str], type_name: &str, evidence: &str) {
        let column = decided(&[cells]).remove(0);
        assert_eq!(
            (column.type_name().as_str(), column.evidence.as_str()),
            (type_name, evidence),
            "{cells:?}"
        );
    }

    #[test]
    fn numbers_are_proven_by_every_cell() {
        check(&["1", "-7", ""], "int64", "whole numbers from -7 to 1");
        check(&["1", "x"], "text", "'x' in line 2 is no number, date or truth value");
        check(&["1", "007"], "text", "'007' in line 2 is no number, date or truth value");
        check(&["0", "0.5"], "float64", "2 numbers that a float holds as they stand");
        check(
            &["9223372036854775808", "1"],
            "uint64",
            "whole numbers from 1 to 9223372036854775808",
        );
        check(
            &["9223372036854775808", "-1"],
            "decimal(38,0)",
            "whole numbers from -1 to 9223372036854775808",
        );
        check(&["1e5"], "float64", "1 numbers that a float holds as they stand");
        check(&["0.30000000000000004"], "float64", "1 numbers that a float holds as they stand");
        check(
            &["1.5", "0.1234567890123456789"],
            "decimal(38,19)",
            "'0.1234567890123456789' in line 2 has more digits than a float",
        );
        check(&["+49301234", "+4930"], "text", "plus without any minus, as in telephone numbers");
        check(&["+4", "-3"], "int64", "whole numbers from -3 to 4");
        check(&["1", "NaN"], "int64", "whole numbers from 1 to 1");
        check(&["1.5", "NaN"], "float64", "1 numbers that a float holds as they stand");
        check(&["$5"], "text", "'$5' in line 1 is no number, date or truth value");
        check(&[" 5", "6 "], "int64", "whole numbers from 5 to 6");
    }

    #[test]
    fn signs_of_decimals_and_thousands_are_proven_too() {
        check(
            &["1.234,5", "7"],
            "float64(1.234,5)",
            "'1.234,5' in line 1 tells how numbers are written",
        );
        check(&["1,5", "7"], "float64(1234,5)", "'1,5' in line 1 tells how numbers are written");
        check(&["1,234,567", "7"], "int64(1,234.5)", "whole numbers from 7 to 1234567");
        check(&["1,234", "7"], "text", "the comma in '1,234' may be of decimals or of thousands");
        check(&["1.234", "5.678"], "float64", "2 numbers that a float holds as they stand");
        check(&["1,234.5", "1234"], "text", "'1234' in line 2 is no number, date or truth value");
        check(
            &["1 234,5"],
            "float64(1 234,5)",
            "'1 234,5' in line 1 tells how numbers are written",
        );
        let columns = decided(&[&["1,234"], &["0,5"]]);
        assert_eq!(columns[0].type_name(), "float64(1234,5)");
    }

    #[test]
    fn the_order_of_a_date_is_proven() {
        check(&["01/02/24", "31/05/24"], "date(%d/%m/%y)", "'31/05/24' in line 2 proves day first");
        check(&["5/31/2024"], "date(%m/%d/%Y)", "'5/31/2024' in line 1 proves month first");
        check(&["01/02/2024"], "text", "dates that could be %d/%m/%Y or %m/%d/%Y");
        check(
            &["31/05/2024", "05/31/2024"],
            "text",
            "'05/31/2024' in line 2 is no number, date or truth value",
        );
        check(&["2024-01-31", "2024-02-01"], "date(%Y-%m-%d)", "2 dates of the form %Y-%m-%d");
        check(&["31 Jan 2024"], "date(%d %b %Y)", "1 dates of the form %d %b %Y");
        let columns = decided(&[&["01/02/2024"], &["31/01/2024"]]);
        assert_eq!(columns[0].evidence, "day first, as column 'c2' proves");
    }

    #[test]
    fn formats_that_are_unusual_are_those_with_the_year_in_two_digits_before() {
        let kept: Vec<String> = (0..DATES.len())
            .filter(|at| usual(u64::MAX) & 1 << at == 0)
            .map(|at| DATES[at].to_string())
            .collect();
        assert_eq!(kept, ["%y/%m/%d", "%y.%m.%d"]);
    }

    #[test]
    fn times_and_timestamps_are_known_with_their_zones() {
        check(&["10:30", "9:05"], "time(%H:%M)", "2 times of the day");
        check(
            &["2024-01-31T10:30:00Z", "2024-01-31T10:30:00.5+01:00"],
            "timestamp(%Y-%m-%dT%H:%M:%S%.f%z)",
            "2 dates of the form %Y-%m-%d",
        );
        check(
            &["31.12.2024 10:30"],
            "timestamp(%d.%m.%Y %H:%M)",
            "'31.12.2024 10:30' in line 1 proves day first",
        );
        check(
            &["1/31/2024 9:05:00 PM"],
            "timestamp(%m/%d/%Y %I:%M:%S %p)",
            "'1/31/2024 9:05:00 PM' in line 1 proves month first",
        );
        check(
            &["2024-01-31 10:30:00.123456789"],
            "timestamp_ns(%Y-%m-%d %H:%M:%S%.f)",
            "1 dates of the form %Y-%m-%d",
        );
        check(
            &["2024-01-31", "2024-01-31 10:30"],
            "text",
            "'2024-01-31 10:30' in line 2 is no number, date or truth value",
        );
    }

    #[test]
    fn truth_values_are_of_one_pair() {
        check(&["true", "true"], "bool(true/false)", "every cell is 'true' or 'false'");
        check(&["Y", "N"], "bool(Y/N)", "every cell is 'Y' or 'N'");
        check(&["Y", "Y"], "text", "'Y' alone is no truth value");
        check(&["true", "FALSE"], "text", "'FALSE' in line 2 is no number, date or truth value");
    }

    #[test]
    fn words_for_nothing_count_only_beside_values() {
        let columns =
            decided(&[&["1", "NA", "-", "nan"], &["a", "NA"], &["NA", ""], &["1.5", "nan"]]);
        let nulls: Vec<&[String]> = columns.iter().map(|column| column.nulls.as_slice()).collect();
        assert_eq!(
            nulls,
            [&["NA".to_owned(), "-".to_owned(), "nan".to_owned()][..], &[], &[], &[]]
        );
        assert_eq!(columns[2].type_name(), "text");
    }
}
