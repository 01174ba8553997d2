//! Moments as people write them, in UTC.

use std::fmt;

const DAY_US: i64 = 86_400_000_000;

/// Microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(pub i64);

impl Moment {
    /// `2026-01-31`, `2026-01-31T12:00:00Z`, or so long before now: `30m`, `12h`, `2d`.
    pub(super) fn parse(text: &str, now_us: i64) -> Option<Self> {
        if let Some(days) = text.strip_suffix('d').and_then(|days| days.parse::<i64>().ok()) {
            return Some(Self(now_us.saturating_sub(days.checked_mul(DAY_US)?)));
        }
        if let Ok(ms) = crate::architect::parse_duration_ms(text) {
            let us = i64::try_from(ms).ok()?.checked_mul(1_000)?;
            return Some(Self(now_us.saturating_sub(us)));
        }
        let (date, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
        let days = days_of(date)?;
        let [hour, minute, second] = numbers::<3>(time.strip_suffix('Z')?, ':')?;
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second;
        Some(Self(seconds * 1_000_000))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(1_000_000);
        let (year, month, day) = date_of(seconds.div_euclid(86_400));
        let of_day = seconds.rem_euclid(86_400);
        let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

fn numbers<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = text.split(separator).map(|part| is_digits(part).then(|| part.parse().ok()));
    parts.map(Option::flatten).collect::<Option<Vec<i64>>>()?.try_into().ok()
}

/// Days since 1970-01-01 of a date of the years 1970 to 9999.
fn days_of(date: &str) -> Option<i64> {
    let [year, month, day] = numbers::<3>(date, '-')?;
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years begin in March, so that the odd day comes last.
    let shifted = if month > 2 { year } else { year - 1 };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + of_year - 719_468;
    (date_of(days) == (year, month, day)).then_some(days)
}

fn date_of(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_US: i64 = 1_795_409_640_000_000;

    #[test]
    fn a_moment_is_a_date_a_time_or_so_long_ago() {
        let parse = |text| Moment::parse(text, NOW_US).map(|moment| moment.to_string());
        for (text, moment) in [
            ("1970-01-01", "1970-01-01T00:00:00Z"),
            ("2000-02-29", "2000-02-29T00:00:00Z"),
            ("2026-12-31T23:59:59Z", "2026-12-31T23:59:59Z"),
            ("2d", "2026-11-21T04:54:00Z"),
            ("90m", "2026-11-23T03:24:00Z"),
        ] {
            assert_eq!(parse(text).as_deref(), Some(moment), "{text}");
        }
        for text in ["", "yesterday", "2026-02-29", "2026-13-01", "2026-1", "2026-01-01T25:00:00Z"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
