//! Dates, times and timestamps by a format, which is compiled once: reading a cell is a walk along its few parts.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Four digits.
    Year,
    /// Two: 69 to 99 are of the last century.
    ShortYear,
    Month,
    /// Short or in full, in English, in any case.
    MonthName,
    Day,
    Weekday,
    Hour,
    /// 1 to 12, with `Half`.
    Hour12,
    Half,
    Minute,
    Second,
    /// Of a second; may be missing.
    Fraction,
    /// `Z`, `UTC`, `GMT` or `+01:00`, `+0100`, `+01`.
    Zone,
    Byte(u8),
}

/// `%d.%m.%Y %H:%M`, ready to be read by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MomentFormat {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0}; known are %Y %y %m %b %d %a %H %I %p %M %S %.f %z, and %F and %T for %Y-%m-%d and %H:%M:%S"
)]
pub struct MomentFormatError(String);

/// What a cell says, part by part. What its format does not have is that of midnight on 1 January 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    year: i32,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    half: Option<bool>,
    nanos: u32,
    zone_seconds: i32,
}

pub const NANOS_OF_SECOND: i64 = 1_000_000_000;
const SECONDS_OF_DAY: i64 = 86_400;

impl Moment {
    const START: Self = Self {
        year: 1970,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
        half: None,
        nanos: 0,
        zone_seconds: 0,
    };

    /// `2024-01-31`, and nothing else.
    #[inline]
    pub fn iso_date(text: &[u8]) -> Option<Self> {
        let text: &[u8; 10] = text.try_into().ok()?;
        let (year, month, day) = iso_days(text)?;
        let moment = Self { year, month, day, ..Self::START };
        moment.exists().then_some(moment)
    }

    /// `2024-01-31T09:30:05`, with a fraction and a zone if there are any.
    #[inline]
    pub fn iso(text: &[u8], separator: u8, zoned: bool) -> Option<Self> {
        let (date, rest) = text.split_first_chunk::<10>()?;
        let ([found, h0, h1, b':', m0, m1, b':', s0, s1], mut rest) =
            rest.split_first_chunk::<9>()?
        else {
            return None;
        };
        let (year, month, day) = iso_days(date)?;
        let hour = pair(*h0, *h1)?;
        let (minute, second) = (pair(*m0, *m1)?, pair(*s0, *s1)?);
        let mut moment = Self { year, month, day, hour, minute, second, ..Self::START };
        if !rest.is_empty() {
            rest = fraction(rest, &mut moment)?;
        }
        if zoned {
            rest = zone(rest, &mut moment)?;
        }
        (*found == separator && rest.is_empty() && moment.exists()).then_some(moment)
    }

    /// Since 1 January 1970.
    pub fn days(&self) -> i32 {
        // Years from March on, in eras of 400: the leap day is the last of its year.
        let year = self.year - i32::from(self.month <= 2);
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let month = (i32::from(self.month) + 9) % 12;
        let of_year = (153 * month + 2) / 5 + i32::from(self.day) - 1;
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
    }

    pub fn nanos(&self) -> u32 {
        self.nanos
    }

    fn second_of_day(&self) -> i64 {
        let hour = match self.half {
            None => self.hour,
            Some(afternoon) => self.hour % 12 + if afternoon { 12 } else { 0 },
        };
        i64::from(hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second)
    }

    /// Of the day; None where the fraction has more digits.
    pub fn micros_of_day(&self) -> Option<i64> {
        self.nanos
            .is_multiple_of(1000)
            .then(|| self.second_of_day() * 1_000_000 + i64::from(self.nanos / 1000))
    }

    pub fn nanos_of_day(&self) -> i64 {
        self.second_of_day() * NANOS_OF_SECOND + i64::from(self.nanos)
    }

    fn unix_seconds(&self) -> i64 {
        i64::from(self.days()) * SECONDS_OF_DAY + self.second_of_day()
            - i64::from(self.zone_seconds)
    }

    /// Since 1 January 1970, in UTC where there is a zone; None where the fraction has more digits.
    pub fn unix_micros(&self) -> Option<i64> {
        self.nanos
            .is_multiple_of(1000)
            .then(|| self.unix_seconds() * 1_000_000 + i64::from(self.nanos / 1000))
    }

    /// None outside of the years 1678 to 2261.
    pub fn unix_nanos(&self) -> Option<i64> {
        self.unix_seconds().checked_mul(NANOS_OF_SECOND)?.checked_add(i64::from(self.nanos))
    }

    fn exists(&self) -> bool {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let days = match self.month {
            2 => 28 + u8::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return false,
        };
        let hours =
            if self.half.is_some() { (1..=12).contains(&self.hour) } else { self.hour < 24 };
        (1..=days).contains(&self.day) && hours && self.minute < 60 && self.second < 60
    }
}

impl MomentFormat {
    pub fn compile(spec: &str) -> Result<Self, MomentFormatError> {
        let mut parts = Vec::new();
        let mut bytes = spec.bytes();
        while let Some(byte) = bytes.next() {
            if byte != b'%' {
                parts.push(Part::Byte(byte));
                continue;
            }
            match bytes.next() {
                Some(b'Y') => parts.push(Part::Year),
                Some(b'y') => parts.push(Part::ShortYear),
                Some(b'm') => parts.push(Part::Month),
                Some(b'b' | b'B' | b'h') => parts.push(Part::MonthName),
                Some(b'd' | b'e') => parts.push(Part::Day),
                Some(b'a' | b'A') => parts.push(Part::Weekday),
                Some(b'H') => parts.push(Part::Hour),
                Some(b'I') => parts.push(Part::Hour12),
                Some(b'p') => parts.push(Part::Half),
                Some(b'M') => parts.push(Part::Minute),
                Some(b'S') => parts.push(Part::Second),
                Some(b'f') => parts.push(Part::Fraction),
                Some(b'z') => parts.push(Part::Zone),
                Some(b'.') if bytes.next() == Some(b'f') => parts.push(Part::Fraction),
                Some(b'F') => parts.extend(Self::compile("%Y-%m-%d")?.parts),
                Some(b'T') => parts.extend(Self::compile("%H:%M:%S")?.parts),
                Some(b'%') => parts.push(Part::Byte(b'%')),
                other => {
                    let letter = other.map(char::from).unwrap_or_default();
                    return Err(MomentFormatError(format!("'%{letter}' is no part of a date")));
                }
            }
        }
        if parts.iter().all(|part| matches!(part, Part::Byte(_))) {
            return Err(MomentFormatError(format!("'{spec}' has no part of a date or time")));
        }
        Ok(Self { parts })
    }

    /// The whole of the text, or nothing.
    pub fn read(&self, text: &[u8]) -> Option<Moment> {
        let (moment, rest) = self.read_start(text)?;
        rest.is_empty().then_some(moment)
    }

    /// From the start of the text, with what follows.
    pub fn read_start<'t>(&self, text: &'t [u8]) -> Option<(Moment, &'t [u8])> {
        let mut moment = Moment::START;
        let mut rest = text;
        for part in &self.parts {
            rest = part.read(rest, &mut moment)?;
        }
        moment.exists().then_some((moment, rest))
    }

    pub fn has_date(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Day | Part::Year | Part::ShortYear))
    }

    pub fn has_time(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Hour | Part::Hour12))
    }

    pub fn has_zone(&self) -> bool {
        self.parts.contains(&Part::Zone)
    }
}

impl fmt::Display for MomentFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            f.write_str(match part {
                Part::Year => "%Y",
                Part::ShortYear => "%y",
                Part::Month => "%m",
                Part::MonthName => "%b",
                Part::Day => "%d",
                Part::Weekday => "%a",
                Part::Hour => "%H",
                Part::Hour12 => "%I",
                Part::Half => "%p",
                Part::Minute => "%M",
                Part::Second => "%S",
                Part::Fraction => "%.f",
                Part::Zone => "%z",
                Part::Byte(b'%') => "%%",
                Part::Byte(byte) => {
                    write!(f, "{}", char::from(*byte))?;
                    continue;
                }
            })?;
        }
        Ok(())
    }
}

impl Part {
    fn read<'t>(self, text: &'t [u8], moment: &mut Moment) -> Option<&'t [u8]> {
        let (number, rest) = match self {
            Self::Year => {
                let (high, rest) = two_digits(text)?;
                let (low, rest) = two_digits(rest)?;
                moment.year = i32::from(high) * 100 + i32::from(low);
                return Some(rest);
            }
            Self::ShortYear => {
                let (year, rest) = two_digits(text)?;
                if rest.first().is_some_and(u8::is_ascii_digit) {
                    return None;
                }
                moment.year = i32::from(year) + if year < 69 { 2000 } else { 1900 };
                return Some(rest);
            }
            Self::Byte(byte) => return text.strip_prefix(&[byte]),
            Self::MonthName => return month_name(text, moment),
            Self::Weekday => return name(text, &WEEKDAYS).map(|(_, rest)| rest),
            Self::Half => return half(text, moment),
            Self::Fraction => return fraction(text, moment),
            Self::Zone => return zone(text, moment),
            Self::Minute | Self::Second => two_digits(text)?,
            Self::Month | Self::Day | Self::Hour | Self::Hour12 => one_or_two_digits(text)?,
        };
        match self {
            Self::Month => moment.month = number,
            Self::Day => moment.day = number,
            Self::Minute => moment.minute = number,
            Self::Second => moment.second = number,
            _ => moment.hour = number,
        }
        Some(rest)
    }
}

#[inline]
fn pair(high: u8, low: u8) -> Option<u8> {
    let (high, low) = (high.wrapping_sub(b'0'), low.wrapping_sub(b'0'));
    (high < 10 && low < 10).then(|| high * 10 + low)
}

#[inline]
fn iso_days(text: &[u8; 10]) -> Option<(i32, u8, u8)> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = *text else {
        return None;
    };
    let year = i32::from(pair(y0, y1)?) * 100 + i32::from(pair(y2, y3)?);
    Some((year, pair(m0, m1)?, pair(d0, d1)?))
}

fn two_digits(text: &[u8]) -> Option<(u8, &[u8])> {
    let ([high, low], rest) = text.split_first_chunk()?;
    pair(*high, *low).map(|number| (number, rest))
}

fn one_or_two_digits(text: &[u8]) -> Option<(u8, &[u8])> {
    two_digits(text).or_else(|| {
        let (digit, rest) = text.split_first()?;
        digit.is_ascii_digit().then(|| (digit - b'0', rest))
    })
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Its place among `names`, in full or by its first three letters.
fn name<'t>(text: &'t [u8], names: &[&str]) -> Option<(u8, &'t [u8])> {
    let len = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (word, rest) = text.split_at(len);
    let fits = |name: &&str| {
        word.eq_ignore_ascii_case(name.as_bytes())
            || word.eq_ignore_ascii_case(&name.as_bytes()[..3])
            || (word.eq_ignore_ascii_case(b"sept") && name.starts_with("sept"))
    };
    Some((names.iter().position(fits)? as u8, rest))
}

fn month_name<'t>(text: &'t [u8], moment: &mut Moment) -> Option<&'t [u8]> {
    let (month, rest) = name(text, &MONTHS)?;
    moment.month = month + 1;
    Some(rest)
}

fn half<'t>(text: &'t [u8], moment: &mut Moment) -> Option<&'t [u8]> {
    let ([letter, m], rest) = text.split_first_chunk()?;
    moment.half = Some(match (letter.to_ascii_lowercase(), m.to_ascii_lowercase()) {
        (b'a', b'm') => false,
        (b'p', b'm') => true,
        _ => return None,
    });
    Some(rest)
}

fn fraction<'t>(text: &'t [u8], moment: &mut Moment) -> Option<&'t [u8]> {
    let Some(digits) = text.strip_prefix(b".").or_else(|| text.strip_prefix(b",")) else {
        return Some(text);
    };
    let len = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    // More than nanoseconds are none that could be kept.
    if len == 0 || digits[..len].iter().skip(9).any(|digit| *digit != b'0') {
        return None;
    }
    let padded = digits[..len].iter().copied().chain(std::iter::repeat(b'0')).take(9);
    moment.nanos = padded.fold(0, |nanos, digit| nanos * 10 + u32::from(digit - b'0'));
    Some(&digits[len..])
}

fn zone<'t>(text: &'t [u8], moment: &mut Moment) -> Option<&'t [u8]> {
    for word in [&b"Z"[..], b"z", b"UTC", b"GMT"] {
        if let Some(rest) = text.strip_prefix(word) {
            return Some(rest);
        }
    }
    let (sign, rest) = text.split_first()?;
    let sign = match sign {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, rest) = two_digits(rest)?;
    let (minutes, rest) = match rest.strip_prefix(b":") {
        Some(rest) => two_digits(rest)?,
        None => two_digits(rest).unwrap_or((0, rest)),
    };
    if hours > 18 || minutes > 59 {
        return None;
    }
    moment.zone_seconds = sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60);
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(format: &str, text: &str) -> Option<i64> {
        MomentFormat::compile(format).unwrap().read(text.as_bytes())?.unix_micros()
    }

    #[test]
    fn dates_are_days_since_1970() {
        let date =
            |text: &str| Some(MomentFormat::compile("%F").unwrap().read(text.as_bytes())?.days());
        assert_eq!(date("1970-01-01"), Some(0));
        assert_eq!(date("1969-12-31"), Some(-1));
        assert_eq!(date("2024-02-29"), Some(19782));
        assert_eq!(date("2023-02-29"), None);
        assert_eq!(date("0001-01-01"), Some(-719_162));
        assert_eq!(date("9999-12-31"), Some(2_932_896));
        assert_eq!(date("2024-13-01"), None);
        assert_eq!(date("2024-1-1x"), None);
    }

    #[test]
    fn timestamps_are_read_by_their_format() {
        let known = 1_706_693_405_000_000;
        for (format, text) in [
            ("%Y-%m-%d %H:%M:%S", "2024-01-31 09:30:05"),
            ("%FT%T%.f%z", "2024-01-31T09:30:05Z"),
            ("%FT%T%.f%z", "2024-01-31T10:30:05.000+01:00"),
            ("%FT%T%.f%z", "2024-01-31T04:00:05-0530"),
            ("%d/%m/%y %I:%M:%S %p", "31/1/24 9:30:05 am"),
            ("%a, %d %b %Y %T %z", "Wed, 31 Jan 2024 09:30:05 GMT"),
            ("%B %d, %Y %T", "January 31, 2024 09:30:05"),
            ("%d/%b/%Y:%T %z", "31/Jan/2024:10:30:05 +0100"),
        ] {
            assert_eq!(micros(format, text), Some(known), "{text}");
        }
        assert_eq!(micros("%F %T", "2024-01-31 24:00:00"), None);
        assert_eq!(micros("%F %I:%M %p", "2024-01-31 13:00 pm"), None);
        assert_eq!(micros("%F %T%.f", "1970-01-01 00:00:00.000001"), Some(1));
        assert_eq!(micros("%F %T%.f", "1970-01-01 00:00:00.0000001"), None);
        assert_eq!(micros("%F %I:%M %p", "1970-01-01 12:00 am"), Some(0));
    }

    #[test]
    fn a_format_that_is_none_says_so() {
        let error = MomentFormat::compile("%Y-%q").unwrap_err().to_string();
        assert_eq!(
            error,
            "'%q' is no part of a date; known are %Y %y %m %b %d %a %H %I %p %M %S %.f %z, and %F and %T for %Y-%m-%d and %H:%M:%S"
        );
    }
}
