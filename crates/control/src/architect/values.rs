//! Numbers, durations and sizes as they stand in plugin source and in casparian.toml.

const KIB: u64 = 1 << 10;

/// Reads after the name of what was set: "TIMEOUT '30 parsecs' is not a duration".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    #[error("'{text}' is not a duration: write e.g. 30s, 10m, 1h")]
    Duration { text: String },
    #[error("'{text}' is not a size: write e.g. 512MB, 2GB")]
    Size { text: String },
    #[error("'{text}' is not a whole number from {min} to {max}: write e.g. {example}")]
    Number { text: String, min: i64, max: i64, example: i64 },
    #[error("'{text}' is too short: a job would never end in time")]
    ZeroTimeout { text: String },
    #[error("'{text}' is less than {min_mb}MB: no guest starts in so little")]
    TooLittleMemory { text: String, min_mb: u64 },
}

/// Milliseconds. A number without a unit is refused: `30` could mean anything.
pub fn parse_duration_ms(text: &str) -> Result<u64, ValueError> {
    let units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    scaled(text, &units).ok_or_else(|| ValueError::Duration { text: text.to_owned() })
}

/// Bytes. KB, MB, GB and TB are powers of 1024, as are KiB, MiB, GiB and TiB.
pub fn parse_size_bytes(text: &str) -> Result<u64, ValueError> {
    let units = [
        ("B", 1),
        ("KB", KIB),
        ("MB", KIB.pow(2)),
        ("GB", KIB.pow(3)),
        ("TB", KIB.pow(4)),
        ("KiB", KIB),
        ("MiB", KIB.pow(2)),
        ("GiB", KIB.pow(3)),
        ("TiB", KIB.pow(4)),
    ];
    scaled(text, &units).ok_or_else(|| ValueError::Size { text: text.to_owned() })
}

pub(super) fn parse_timeout_ms(text: &str) -> Result<u64, ValueError> {
    match parse_duration_ms(text)? {
        0 => Err(ValueError::ZeroTimeout { text: text.to_owned() }),
        timeout_ms => Ok(timeout_ms),
    }
}

pub(super) fn parse_memory_bytes(text: &str) -> Result<u64, ValueError> {
    const MIN_MB: u64 = 16;
    match parse_size_bytes(text)? {
        bytes if bytes < MIN_MB * KIB * KIB => {
            Err(ValueError::TooLittleMemory { text: text.to_owned(), min_mb: MIN_MB })
        }
        bytes => Ok(bytes),
    }
}

pub(super) fn parse_priority(text: &str) -> Result<i32, ValueError> {
    const MAX: i32 = 1_000_000;
    let number = text.parse().ok().filter(|number| (-MAX..=MAX).contains(number));
    number.ok_or_else(|| ValueError::Number {
        text: text.to_owned(),
        min: i64::from(-MAX),
        max: i64::from(MAX),
        example: 10,
    })
}

pub(super) fn parse_retries(text: &str) -> Result<u32, ValueError> {
    const MAX: u32 = 100;
    let number = text.parse().ok().filter(|number| *number <= MAX);
    number.ok_or_else(|| ValueError::Number {
        text: text.to_owned(),
        min: 0,
        max: i64::from(MAX),
        example: 3,
    })
}

/// `1.5h` and `1.5 h`: a decimal number times its unit, rounded down; None also when it does not fit a signed number.
fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let number_len = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    let (number, unit) = text.split_at(number_len);
    let unit = unit.trim_start_matches(' ');
    let (_, scale) = units.iter().find(|(name, _)| *name == unit)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if fraction.is_empty() || fraction.len() > 6 {
        return None;
    }
    let parts_per_unit = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let parts = u128::from(whole.parse::<u64>().ok()?) * parts_per_unit
        + u128::from(fraction.parse::<u64>().ok()?);
    let value = parts * u128::from(*scale) / parts_per_unit;
    u64::try_from(value).ok().filter(|value| i64::try_from(*value).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit() {
        for (text, ms) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("10m", 600_000),
            ("1h", 3_600_000),
            ("1.5h", 5_400_000),
            ("2 d", 172_800_000),
            ("0s", 0),
            ("0.25s", 250),
        ] {
            assert_eq!(parse_duration_ms(text), Ok(ms), "{text}");
        }
        for text in ["30", "", "s", "-1s", "30 parsecs", "1.s", ".5s", "1e3s", "1 0s", "30S"] {
            let error = parse_duration_ms(text).unwrap_err().to_string();
            assert_eq!(error, format!("'{text}' is not a duration: write e.g. 30s, 10m, 1h"));
        }
        assert!(parse_duration_ms("99999999999999999999s").is_err());
        assert!(parse_duration_ms("9999999999999999999d").is_err());
    }

    #[test]
    fn a_size_has_a_unit_and_counts_by_1024() {
        for (text, bytes) in [
            ("512MB", 512 << 20),
            ("2GB", 2 << 30),
            ("1.5 GiB", 3 << 29),
            ("1B", 1),
            ("2TB", 2 << 40),
        ] {
            assert_eq!(parse_size_bytes(text), Ok(bytes), "{text}");
        }
        for text in ["512", "512mb", "2 G", "GB", "∞GB"] {
            let error = parse_size_bytes(text).unwrap_err().to_string();
            assert_eq!(error, format!("'{text}' is not a size: write e.g. 512MB, 2GB"));
        }
    }

    #[test]
    fn limits_that_no_job_could_meet_are_refused() {
        let error = parse_timeout_ms("0s").unwrap_err().to_string();
        assert_eq!(error, "'0s' is too short: a job would never end in time");
        let error = parse_memory_bytes("1KB").unwrap_err().to_string();
        assert_eq!(error, "'1KB' is less than 16MB: no guest starts in so little");
    }

    #[test]
    fn numbers_are_whole_and_bounded() {
        assert_eq!(parse_priority("-5"), Ok(-5));
        assert_eq!(parse_retries("0"), Ok(0));
        assert_eq!(
            parse_retries("-1").unwrap_err().to_string(),
            "'-1' is not a whole number from 0 to 100: write e.g. 3"
        );
        assert!(parse_priority("9999999999").is_err());
        assert!(parse_priority("high").is_err());
        assert!(parse_priority("1.5").is_err());
    }
}
