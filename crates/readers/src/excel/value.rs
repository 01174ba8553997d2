//! A cell as text, and what kind of value it is.

use super::serial::{self, Moment};
use calamine::DataType;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Int,
    Float,
    Bool,
    Date,
    Time,
    DateTime,
    /// A span of time of a day or more, or before zero: no column type of ours.
    Duration,
    Text,
    /// `#N/A`, `#DIV/0!` and the like.
    Error,
}

/// Whole numbers above it are floats that happen to have no fraction.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Appends the cell's text; None where the cell says nothing.
pub(super) fn write(cell: &impl DataType, is_1904: bool, into: &mut String) -> Option<Kind> {
    if let Some(text) = cell.get_string() {
        return (!text.trim().is_empty()).then(|| {
            write_text(text, into);
            Kind::Text
        });
    }
    if let Some(number) = cell.get_int() {
        into.push_str(&number.to_string());
        return Some(Kind::Int);
    }
    if let Some(number) = cell.get_float() {
        return Some(write_float(number, into));
    }
    if let Some(is_true) = cell.get_bool() {
        into.push_str(if is_true { "TRUE" } else { "FALSE" });
        return Some(Kind::Bool);
    }
    if let Some(error) = cell.get_error() {
        into.push_str(&error.to_string());
        return Some(Kind::Error);
    }
    if let Some(moment) = cell.get_datetime() {
        return Some(write_moment(moment.as_f64(), moment.is_duration(), is_1904, into));
    }
    if let Some(text) = cell.get_datetime_iso() {
        return Some(write_iso(text, into));
    }
    cell.get_duration_iso().map(|text| write_iso_duration(text, into))
}

/// Of some old workbooks the library takes each byte of a letter's two for a letter.
fn write_text(text: &str, into: &mut String) {
    let is_padded =
        text.contains('\0') && text.chars().skip(1).step_by(2).all(|letter| letter == '\0');
    match is_padded {
        true => into.extend(text.chars().step_by(2)),
        false => into.push_str(text),
    }
}

fn write_float(number: f64, into: &mut String) -> Kind {
    if number.fract() == 0.0 && number.abs() < EXACT_MAX {
        into.push_str(&(number as i64).to_string());
        return Kind::Int;
    }
    let usual = (1e-7..1e17).contains(&number.abs());
    into.push_str(&if usual { number.to_string() } else { format!("{number:e}") });
    Kind::Float
}

fn write_moment(days: f64, is_duration: bool, is_1904: bool, into: &mut String) -> Kind {
    if is_duration {
        serial::write_duration(days, into);
        return if (0.0..1.0).contains(&days) { Kind::Time } else { Kind::Duration };
    }
    match serial::write(days, is_1904, into) {
        Some(Moment::Date) => Kind::Date,
        Some(Moment::Time) => Kind::Time,
        Some(Moment::DateTime) => Kind::DateTime,
        // Shown as `#####`: a number in a cell for dates.
        None => write_float(days, into),
    }
}

/// `2024-05-31`, or with `T09:30:00` and perhaps a fraction behind it; `09:30:00` alone is a time.
fn write_iso(text: &str, into: &mut String) -> Kind {
    match text.split_once('T') {
        Some((date, time)) if time.trim_end_matches(['0', ':', '.', 'Z']).is_empty() => {
            into.push_str(date);
            Kind::Date
        }
        Some((date, time)) => {
            into.push_str(date);
            into.push(' ');
            into.push_str(time.trim_end_matches('Z'));
            Kind::DateTime
        }
        None => {
            into.push_str(text);
            if text.contains(':') { Kind::Time } else { Kind::Date }
        }
    }
}

/// `PT26H30M00S`
fn write_iso_duration(text: &str, into: &mut String) -> Kind {
    let Some(days) = iso_days(text) else {
        into.push_str(text);
        return Kind::Text;
    };
    write_moment(days, true, false, into)
}

fn iso_days(text: &str) -> Option<f64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text),
    };
    let (days, mut rest) = rest.strip_prefix('P')?.split_once('T')?;
    let mut seconds =
        if days.is_empty() { 0.0 } else { days.strip_suffix('D')?.parse::<f64>().ok()? * 86_400.0 };
    for (unit, worth) in [('H', 3600.0), ('M', 60.0), ('S', 1.0)] {
        if let Some((number, behind)) = rest.split_once(unit) {
            seconds += number.replace(',', ".").parse::<f64>().ok()? * worth;
            rest = behind;
        }
    }
    rest.is_empty().then_some(sign * seconds / 86_400.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::{CellErrorType, Data, ExcelDateTime, ExcelDateTimeType};

    fn shown(data: &Data) -> (String, Option<Kind>) {
        let mut text = String::new();
        let kind = write(data, false, &mut text);
        (text, kind)
    }

    #[test]
    fn cells_are_written_as_their_kind_is() {
        let moment =
            |days| Data::DateTime(ExcelDateTime::new(days, ExcelDateTimeType::DateTime, false));
        let span =
            |days| Data::DateTime(ExcelDateTime::new(days, ExcelDateTimeType::TimeDelta, false));
        for (data, text, kind) in [
            (Data::Float(3.0), "3", Kind::Int),
            (Data::Float(0.1), "0.1", Kind::Float),
            (Data::Float(1e300), "1e300", Kind::Float),
            (Data::Int(-7), "-7", Kind::Int),
            (Data::Bool(true), "TRUE", Kind::Bool),
            (Data::String("007".to_owned()), "007", Kind::Text),
            (Data::String("T\0i\0".to_owned()), "Ti", Kind::Text),
            (Data::Error(CellErrorType::Div0), "#DIV/0!", Kind::Error),
            (moment(45_443.0), "2024-05-31", Kind::Date),
            (moment(45_443.75), "2024-05-31 18:00:00", Kind::DateTime),
            (moment(0.75), "18:00:00", Kind::Time),
            (moment(-2.5), "-2.5", Kind::Float),
            (span(1.5), "36:00:00", Kind::Duration),
            (Data::DateTimeIso("2024-05-31T00:00:00".to_owned()), "2024-05-31", Kind::Date),
            (
                Data::DateTimeIso("2024-05-31T09:30:00".to_owned()),
                "2024-05-31 09:30:00",
                Kind::DateTime,
            ),
            (Data::DurationIso("PT09H30M15S".to_owned()), "09:30:15", Kind::Time),
        ] {
            assert_eq!(shown(&data), (text.to_owned(), Some(kind)));
        }
        assert_eq!(shown(&Data::String(" ".to_owned())).1, None);
        assert_eq!(shown(&Data::Empty).1, None);
    }
}
