//! Dates, times and decimals as text, appended to a buffer. Every digit of a value is there, and nothing is rounded.

use arrow_buffer::i256;
use protocol::TimeUnit;

const SECONDS_OF_DAY: i64 = 86_400;

/// `2024-01-31`; a year below 0 or above 9999 has a sign and at least four digits (ISO 8601, expanded; the year before 0001 is 0000).
pub fn date(text: &mut Vec<u8>, days: i64) {
    let (year, month, day) = civil(days);
    match year {
        0..=9999 => four(text, year.unsigned_abs()),
        _ => {
            text.push(if year < 0 { b'-' } else { b'+' });
            match year.unsigned_abs() {
                year @ ..=9999 => four(text, year),
                year => integer(text, u128::from(year)),
            }
        }
    }
    text.push(b'-');
    two(text, month);
    text.push(b'-');
    two(text, day);
}

/// `23:59:59.123456`, with as many digits as the unit has. What lies outside of a day keeps its sign and its hours.
pub fn time(text: &mut Vec<u8>, value: i64, unit: TimeUnit) {
    if value < 0 {
        text.push(b'-');
    }
    let parts = parts_of(unit);
    let (seconds, part) = (value.unsigned_abs() / parts, value.unsigned_abs() % parts);
    match seconds / 3_600 {
        hours @ ..=99 => two(text, hours),
        hours => integer(text, u128::from(hours)),
    }
    text.push(b':');
    two(text, seconds / 60 % 60);
    text.push(b':');
    two(text, seconds % 60);
    fraction(text, part, unit);
}

/// `2024-01-31 23:59:59.123`, the form of SQLite's own functions; an instant is in UTC and ends in `+00:00`.
pub fn timestamp(text: &mut Vec<u8>, value: i64, unit: TimeUnit, separator: u8, is_instant: bool) {
    let parts = i64::try_from(parts_of(unit)).unwrap_or(i64::MAX);
    let seconds = value.div_euclid(parts);
    date(text, seconds.div_euclid(SECONDS_OF_DAY));
    text.push(separator);
    let within = seconds.rem_euclid(SECONDS_OF_DAY).unsigned_abs();
    two(text, within / 3_600);
    text.push(b':');
    two(text, within / 60 % 60);
    text.push(b':');
    two(text, within % 60);
    fraction(text, value.rem_euclid(parts).unsigned_abs(), unit);
    if is_instant {
        text.extend_from_slice(b"+00:00");
    }
}

/// `-0.05`: all digits of the scale, and at least one before the point.
pub fn decimal(text: &mut Vec<u8>, value: i128, scale: u8) {
    if value < 0 {
        text.push(b'-');
    }
    let start = text.len();
    integer(text, value.unsigned_abs());
    point(text, start, scale);
}

pub fn large_decimal(text: &mut Vec<u8>, value: i256, scale: u8) {
    if value.is_negative() {
        text.push(b'-');
    }
    let start = text.len();
    text.extend_from_slice(value.to_string().trim_start_matches('-').as_bytes());
    point(text, start, scale);
}

/// Puts the point into the digits that begin at `start`.
fn point(text: &mut Vec<u8>, start: usize, scale: u8) {
    if scale == 0 {
        return;
    }
    let (digits, scale) = (text.len() - start, usize::from(scale));
    if digits <= scale {
        let missing = scale + 1 - digits;
        text.splice(start..start, std::iter::repeat_n(b'0', missing));
    }
    text.insert(text.len() - scale, b'.');
}

pub fn integer(text: &mut Vec<u8>, value: u128) {
    // Division of 64 bits is many times faster than that of 128.
    match u64::try_from(value) {
        Ok(value) => digits(text, value, 1),
        Err(_) => {
            integer(text, value / 10_u128.pow(19));
            digits(text, (value % 10_u128.pow(19)) as u64, 19);
        }
    }
}

fn digits(text: &mut Vec<u8>, mut value: u64, digits_min: usize) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    while value > 0 {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    text.extend_from_slice(&digits[at.min(digits.len() - digits_min)..]);
}

/// Year, month and day of a count of days since 1970-01-01, in the Gregorian calendar back to all times.
fn civil(days: i64) -> (i64, u64, u64) {
    // Days since 0000-03-01 in eras of 400 years; a year that begins in March has its leap day last.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097).unsigned_abs();
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_based = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_based + 2) / 5 + 1;
    let month = if march_based < 10 { march_based + 3 } else { march_based - 9 };
    let year = era * 400 + year_of_era.cast_signed() + i64::from(month <= 2);
    (year, month, day)
}

fn parts_of(unit: TimeUnit) -> u64 {
    10_u64.pow(unit.digits())
}

fn fraction(text: &mut Vec<u8>, part: u64, unit: TimeUnit) {
    let digits = unit.digits();
    if digits == 0 {
        return;
    }
    text.push(b'.');
    for thousand in (0..digits / 3).rev() {
        let three = part / 1_000_u64.pow(thousand) % 1_000;
        text.push(b'0' + (three / 100) as u8);
        two(text, three % 100);
    }
}

fn two(text: &mut Vec<u8>, value: u64) {
    text.push(b'0' + (value / 10) as u8);
    text.push(b'0' + (value % 10) as u8);
}

fn four(text: &mut Vec<u8>, value: u64) {
    two(text, value / 100);
    two(text, value % 100);
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::temporal_conversions::date32_to_datetime;
    use proptest::prelude::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut text = Vec::new();
        write(&mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn dates_of_all_times_have_their_text() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (-25_567, "1900-01-01"),
            (-719_528, "0000-01-01"),
            (-719_529, "-0001-12-31"),
            (2_932_896, "9999-12-31"),
            (2_932_897, "+10000-01-01"),
            (i64::from(i32::MAX), "+5881580-07-11"),
            (i64::from(i32::MIN), "-5877641-06-23"),
        ] {
            assert_eq!(text(|it| date(it, days)), expected);
        }
    }

    #[test]
    fn times_have_as_many_digits_as_their_unit() {
        let times = |value, unit| text(|it| time(it, value, unit));
        assert_eq!(times(86_399, TimeUnit::Second), "23:59:59");
        assert_eq!(times(1, TimeUnit::Millisecond), "00:00:00.001");
        assert_eq!(times(86_399_999_999, TimeUnit::Microsecond), "23:59:59.999999");
        assert_eq!(times(1_000_000_002, TimeUnit::Nanosecond), "00:00:01.000000002");
        assert_eq!(times(-1, TimeUnit::Millisecond), "-00:00:00.001");
        assert_eq!(times(360_000, TimeUnit::Second), "100:00:00");
    }

    #[test]
    fn timestamps_keep_every_digit_before_and_after_the_epoch() {
        let stamp = |value, unit, zoned| text(|it| timestamp(it, value, unit, b' ', zoned));
        assert_eq!(stamp(-1, TimeUnit::Microsecond, false), "1969-12-31 23:59:59.999999");
        assert_eq!(stamp(0, TimeUnit::Second, true), "1970-01-01 00:00:00+00:00");
        assert_eq!(stamp(i64::MAX, TimeUnit::Nanosecond, false), "2262-04-11 23:47:16.854775807");
        assert_eq!(
            stamp(i64::MIN, TimeUnit::Nanosecond, true),
            "1677-09-21 00:12:43.145224192+00:00"
        );
        assert_eq!(stamp(i64::MIN, TimeUnit::Millisecond, false), "-292275055-05-16 16:47:04.192");
        assert_eq!(stamp(i64::MAX, TimeUnit::Second, false), "+292277026596-12-04 15:30:07");
    }

    #[test]
    fn decimals_have_all_digits_of_their_scale() {
        let decimals = |value, scale| text(|it| decimal(it, value, scale));
        assert_eq!(decimals(-5, 2), "-0.05");
        assert_eq!(decimals(0, 3), "0.000");
        assert_eq!(decimals(12_345, 2), "123.45");
        assert_eq!(decimals(7, 0), "7");
        assert_eq!(decimals(10_i128.pow(38) - 1, 38), format!("0.{}", "9".repeat(38)));
        assert_eq!(decimals(10_i128.pow(19), 0), "10000000000000000000");
    }

    proptest! {
        #[test]
        fn numbers_and_dates_are_written_as_others_write_them(
            number in any::<i128>(),
            days in -1_000_000..3_000_000_i32,
        ) {
            prop_assert_eq!(text(|it| decimal(it, number, 0)), number.to_string());
            let expected = date32_to_datetime(days).unwrap().format("%Y-%m-%d").to_string();
            prop_assert_eq!(text(|it| date(it, i64::from(days))), expected);
        }
    }
}
