//! Days since 1900 or 1904, as workbooks count them, to dates and times.

const MS_OF_DAY: i64 = 86_400_000;
/// The last day that a workbook can show: the end of 9999.
const SERIAL_MAX: f64 = 2_958_466.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Date,
    Time,
    DateTime,
}

/// None for what is no day of a calendar.
pub(super) fn write(serial: f64, is_1904: bool, into: &mut String) -> Option<Moment> {
    if !(0.0..SERIAL_MAX).contains(&serial) {
        return None;
    }
    // Nobody means less than a millisecond, and floats have none to give.
    let ms = (serial * MS_OF_DAY as f64).round() as i64;
    let (days, ms) = (ms / MS_OF_DAY, ms % MS_OF_DAY);
    if days == 0 && !is_1904 && ms > 0 {
        write_time(ms, into);
        return Some(Moment::Time);
    }
    write_date(days, is_1904, into);
    if ms == 0 {
        return Some(Moment::Date);
    }
    into.push(' ');
    write_time(ms, into);
    Some(Moment::DateTime)
}

/// `26:30:00`: more than a day is told in hours.
pub(super) fn write_duration(days: f64, into: &mut String) {
    let ms = (days.abs() * MS_OF_DAY as f64).round() as i64;
    if days < 0.0 {
        into.push('-');
    }
    write_time(ms, into);
}

fn write_time(ms: i64, into: &mut String) {
    let seconds = ms / 1000;
    into.push_str(&format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60));
    if ms % 1000 != 0 {
        into.push_str(&format!(".{:03}", ms % 1000));
    }
}

fn write_date(serial: i64, is_1904: bool, into: &mut String) {
    // Of 1900 a 29 February is counted that there was not.
    let days = match serial {
        _ if is_1904 => serial - 24_107,
        60 => return into.push_str("1900-02-29"),
        0..60 => serial - 25_568,
        _ => serial - 25_569,
    };
    let (year, month, day) = civil(days);
    into.push_str(&format!("{year:04}-{month:02}-{day:02}"));
}

/// Of days since 1970; years begin in March here, so that leap days come last.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(serial: f64, is_1904: bool) -> String {
        let mut text = String::new();
        match write(serial, is_1904, &mut text) {
            Some(_) => text,
            None => "none".to_owned(),
        }
    }

    #[test]
    fn serials_of_both_systems_are_days_and_times() {
        assert_eq!(shown(1.0, false), "1900-01-01");
        assert_eq!(shown(59.0, false), "1900-02-28");
        assert_eq!(shown(60.0, false), "1900-02-29");
        assert_eq!(shown(61.0, false), "1900-03-01");
        assert_eq!(shown(45_443.0, false), "2024-05-31");
        assert_eq!(shown(43_981.0, true), "2024-05-31");
        assert_eq!(shown(45_443.5, false), "2024-05-31 12:00:00");
        assert_eq!(shown(45_443.999_999_999, false), "2024-06-01");
        assert_eq!(shown(0.25, false), "06:00:00");
        assert_eq!(shown(2_958_465.0, false), "9999-12-31");
        assert_eq!(shown(-1.0, false), "none");
        assert_eq!(shown(f64::NAN, false), "none");
        let mut text = String::new();
        write_duration(1.104_166_666_666_667, &mut text);
        assert_eq!(text, "26:30:00");
    }
}
