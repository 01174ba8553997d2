//! Numbers as they stand in text. Digits are taken eight at a time; whatever is not quite plain goes the slow way through `Number`.

/// The sign of decimals and of thousands: `1.234,5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberFormat {
    pub point: char,
    pub thousands: Option<char>,
}

/// A number, digit by digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Number {
    pub negative: bool,
    pub plus: bool,
    /// `007`: more likely the name of something than a number.
    pub leading_zeros: bool,
    pub grouped: bool,
    pub has_point: bool,
    digits: u32,
    /// Digits before the point, without leading zeros.
    pub whole: u32,
    /// Digits after the point.
    pub scale: u32,
    /// From the first to the last that is not zero.
    pub significant: u32,
    pub exponent: Option<i32>,
    /// Of all digits, as if there were no point; None where they are too many.
    pub mantissa: Option<u128>,
}

/// 10^0 to 10^19.
const POWERS: [u64; 20] = {
    let mut powers = [1; 20];
    let mut at = 1;
    while at < 20 {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// What floats hold exactly.
const FLOAT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// A float may be off from here on.
const FLOAT_DIGITS_MAX: u32 = 17;

/// The digits from `at` on, at most eight of them and none from `end` on: their value and how many they are.
#[inline]
fn digits(text: &[u8], at: usize, end: usize) -> (u64, usize) {
    let word = match text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => text[at..].iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    let values = word ^ 0x3030_3030_3030_3030;
    let others = (values.wrapping_add(0x7676_7676_7676_7676) | values) & 0x8080_8080_8080_8080;
    let count = (others.trailing_zeros() as usize / 8).min(end - at);
    if count == 0 {
        return (0, 0);
    }
    // Zeros go before, so that there are eight; then pairs are added up, then fours.
    let values = values << (64 - 8 * count);
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8);
    let low = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(0x000f_4240_0000_0064);
    let high = (pairs >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(0x0000_2710_0000_0001);
    (low.wrapping_add(high) >> 32, count)
}

/// All digits from `at` on, up to twenty: their value and how many they are.
#[inline]
fn run(text: &[u8], at: usize, end: usize) -> Option<(u64, usize)> {
    let (mut value, mut count) = digits(text, at, end);
    let mut last = count;
    while last == 8 && at + count < end {
        let (more, len) = digits(text, at + count, end);
        (last, count) = (len, count + len);
        if count > 20 {
            return None;
        }
        value = value.checked_mul(POWERS[len])?.checked_add(more)?;
    }
    Some((value, count))
}

/// The whole of `text[at..end]`; with leading zeros only if they are `allowed`.
#[inline]
pub fn int64(text: &[u8], at: usize, end: usize, zeros_allowed: bool) -> Option<i64> {
    let negative = text[at..end].first() == Some(&b'-');
    let magnitude = unsigned(text, at + usize::from(negative), end, zeros_allowed)?;
    if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

#[inline]
pub fn uint64(text: &[u8], at: usize, end: usize, zeros_allowed: bool) -> Option<u64> {
    unsigned(text, at, end, zeros_allowed)
}

#[inline]
fn unsigned(text: &[u8], at: usize, end: usize, zeros_allowed: bool) -> Option<u64> {
    let at = at + usize::from(text[at..end].first() == Some(&b'+'));
    let (value, count) = run(text, at, end)?;
    let whole = count > 0 && at + count == end;
    let zeros = count > 1 && text[at] == b'0' && !zeros_allowed;
    (whole && !zeros).then_some(value)
}

/// The whole of `text[at..end]` as the nearest float; None where it is no number of this format, or one of more digits than a float holds.
#[inline]
pub fn float64(text: &[u8], at: usize, end: usize, format: NumberFormat) -> Option<f64> {
    plain_float(text, at, end, format.point as u8).or_else(|| slow_float(&text[at..end], format))
}

/// Exact by one division where mantissa and power of ten are exact themselves.
#[inline]
fn plain_float(text: &[u8], at: usize, end: usize, point: u8) -> Option<f64> {
    let negative = text[at..end].first() == Some(&b'-');
    let start = at + usize::from(negative);
    let (whole, count) = run(text, start, end)?;
    if count > 1 && text[start] == b'0' {
        return None;
    }
    let (mut mantissa, mut at, mut scale) = (whole, start + count, 0);
    if at < end && text[at] == point {
        let (fraction, len) = run(text, at + 1, end)?;
        if count + len > 19 {
            return None;
        }
        mantissa = mantissa.checked_mul(POWERS[len])?.checked_add(fraction)?;
        (scale, at) = (len, at + 1 + len);
    }
    if at != end || count + scale == 0 || mantissa > 1 << 53 {
        return None;
    }
    let magnitude = mantissa as f64 / FLOAT_POWERS[scale];
    Some(if negative { -magnitude } else { magnitude })
}

fn slow_float(text: &[u8], format: NumberFormat) -> Option<f64> {
    if let Some(special) = special_float(text) {
        return Some(special);
    }
    let number = Number::read(text, format)?;
    if number.leading_zeros || number.significant > FLOAT_DIGITS_MAX {
        return None;
    }
    nearest(text, format)
}

/// A number of the format as Rust reads it.
fn nearest(text: &[u8], format: NumberFormat) -> Option<f64> {
    let text = str::from_utf8(text).ok()?;
    let plain: String = text
        .chars()
        .filter(|letter| Some(*letter) != format.thousands)
        .map(|letter| if letter == format.point { '.' } else { letter })
        .collect();
    plain.parse().ok().filter(|value: &f64| value.is_finite())
}

/// What floats hold that is no number.
pub fn special_float(text: &[u8]) -> Option<f64> {
    Some(match text {
        b"NaN" | b"nan" | b"NAN" => f64::NAN,
        b"inf" | b"Inf" | b"INF" | b"+inf" | b"Infinity" | b"infinity" => f64::INFINITY,
        b"-inf" | b"-Inf" | b"-INF" | b"-Infinity" | b"-infinity" => f64::NEG_INFINITY,
        _ => return None,
    })
}

impl Number {
    /// The whole of the text; groups of thousands are there for all of its digits or for none.
    pub fn read(text: &[u8], format: NumberFormat) -> Option<Self> {
        let mut number = Self { mantissa: Some(0), ..Self::default() };
        let rest = match text.first()? {
            b'-' => {
                number.negative = true;
                &text[1..]
            }
            b'+' => {
                number.plus = true;
                &text[1..]
            }
            _ => text,
        };
        let rest = number.read_whole(rest, format)?;
        let rest = number.read_fraction(rest, format.point as u8)?;
        number.read_exponent(rest)?;
        Some(number)
    }

    fn read_whole<'t>(&mut self, text: &'t [u8], format: NumberFormat) -> Option<&'t [u8]> {
        let mut buffer = [0; 4];
        let thousands = format.thousands.map(|sign| sign.encode_utf8(&mut buffer).as_bytes());
        let (mut rest, mut group, mut count) = (text, 0, 0);
        while let Some(byte) = rest.first() {
            if byte.is_ascii_digit() {
                self.leading_zeros |= count == 1 && text[0] == b'0';
                self.push(*byte);
                self.whole += u32::from(self.whole > 0 || *byte != b'0');
                (group, count) = (group + 1, count + 1);
                rest = &rest[1..];
            } else if let Some(after) = thousands.and_then(|sign| rest.strip_prefix(sign)) {
                let regular = if self.grouped { group == 3 } else { (1..=3).contains(&group) };
                if !regular || text[0] == b'0' {
                    return None;
                }
                (self.grouped, group, rest) = (true, 0, after);
            } else {
                break;
            }
        }
        let regular = if self.grouped { group == 3 } else { thousands.is_none() || count < 4 };
        regular.then_some(rest)
    }

    fn read_fraction<'t>(&mut self, text: &'t [u8], point: u8) -> Option<&'t [u8]> {
        let Some(mut rest) = text.strip_prefix(&[point]) else {
            return Some(text);
        };
        self.has_point = true;
        while let Some(byte) = rest.first().filter(|byte| byte.is_ascii_digit()) {
            self.push(*byte);
            self.scale += 1;
            rest = &rest[1..];
        }
        Some(rest)
    }

    fn read_exponent(&mut self, text: &[u8]) -> Option<()> {
        if self.digits == 0 {
            return None;
        }
        self.finish_significant();
        let Some((b'e' | b'E', rest)) = text.split_first() else {
            return text.is_empty().then_some(());
        };
        let digits = rest.strip_prefix(b"-").or_else(|| rest.strip_prefix(b"+")).unwrap_or(rest);
        if digits.is_empty() || digits.len() > 4 || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let size = digits.iter().fold(0, |size, digit| size * 10 + i32::from(digit - b'0'));
        self.exponent = Some(if rest[0] == b'-' { -size } else { size });
        Some(())
    }

    /// While digits come in, `significant` counts those since the first that is not zero.
    fn push(&mut self, digit: u8) {
        let digit = u128::from(digit - b'0');
        self.digits += 1;
        self.significant += u32::from(self.significant > 0 || digit != 0);
        self.mantissa = self.mantissa.and_then(|value| value.checked_mul(10)?.checked_add(digit));
    }

    fn finish_significant(&mut self) {
        let mut mantissa = self.mantissa.unwrap_or(1);
        while mantissa != 0 && mantissa.is_multiple_of(10) {
            (mantissa, self.significant) = (mantissa / 10, self.significant - 1);
        }
    }

    /// Its value times 10^scale, if that is whole.
    pub fn scaled(&self, scale: u32) -> Option<i128> {
        if self.exponent.is_some() {
            return None;
        }
        let mantissa = self.mantissa?;
        let magnitude = if self.scale <= scale {
            mantissa.checked_mul(10_u128.checked_pow(scale - self.scale)?)?
        } else {
            let unit = 10_u128.checked_pow(self.scale - scale)?;
            mantissa.is_multiple_of(unit).then(|| mantissa / unit)?
        };
        let magnitude = i128::try_from(magnitude).ok()?;
        Some(if self.negative { -magnitude } else { magnitude })
    }

    /// A float holds every digit of it: printed with as many digits it is the same again.
    pub fn is_exact_as_float(&self, text: &[u8], format: NumberFormat) -> bool {
        let Some(nearest) = nearest(text, format) else {
            return false;
        };
        match self.significant {
            0..=15 => nearest != 0.0 || self.significant == 0,
            16..=FLOAT_DIGITS_MAX => self.mantissa.is_some_and(|mut mantissa| {
                while mantissa.is_multiple_of(10) {
                    mantissa /= 10;
                }
                let printed = format!("{:.*e}", self.significant as usize - 1, nearest.abs());
                let digits = printed.bytes().take_while(|byte| *byte != b'e');
                let digits = digits.filter(u8::is_ascii_digit);
                digits.eq(mantissa.to_string().into_bytes())
            }),
            _ => false,
        }
    }
}

/// The whole of `text[at..end]` times 10^scale, if that has at most `precision` digits.
pub fn decimal(
    text: &[u8],
    at: usize,
    end: usize,
    format: NumberFormat,
    precision: u8,
    scale: u32,
) -> Option<i128> {
    let value = plain_decimal(text, at, end, format.point as u8, scale).or_else(|| {
        Number::read(&text[at..end], format).filter(|number| !number.leading_zeros)?.scaled(scale)
    })?;
    (value.unsigned_abs() < 10_u128.pow(u32::from(precision))).then_some(value)
}

#[inline]
fn plain_decimal(text: &[u8], at: usize, end: usize, point: u8, scale: u32) -> Option<i128> {
    let negative = text[at..end].first() == Some(&b'-');
    let start = at + usize::from(negative);
    let (whole, count) = run(text, start, end)?;
    if count == 0 || (count > 1 && text[start] == b'0') {
        return None;
    }
    let at = start + count;
    let (mut mantissa, mut missing) = (i128::from(whole), scale as usize);
    if at < end {
        let (fraction, len) = (text[at] == point).then(|| run(text, at + 1, end)).flatten()?;
        if at + 1 + len != end || len > missing {
            return None;
        }
        mantissa = mantissa * i128::from(*POWERS.get(len)?) + i128::from(fraction);
        missing -= len;
    }
    let magnitude = mantissa.checked_mul(i128::from(*POWERS.get(missing)?))?;
    Some(if negative { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: NumberFormat = NumberFormat { point: '.', thousands: None };

    /// The number stands among others, as in a block.
    fn within<T>(text: &str, read: impl Fn(&[u8], usize, usize) -> Option<T>) -> Option<T> {
        let block = format!("12,{text},345678901");
        read(block.as_bytes(), 3, 3 + text.len())
    }

    #[test]
    fn whole_numbers_are_read_to_the_last_digit() {
        let int = |text: &str| within(text, |text, at, end| int64(text, at, end, false));
        for value in [0, 7, -7, 12_345_678, 123_456_789, -1_234_567_890_123_456, i64::MAX, i64::MIN]
        {
            assert_eq!(int(&value.to_string()), Some(value));
        }
        for text in
            ["", "-", "1a", "a1", "12345678x", "9223372036854775808", "007", "1.0", "1 ", "--1"]
        {
            assert_eq!(int(text), None, "{text}");
        }
        assert_eq!(within("007", |text, at, end| int64(text, at, end, true)), Some(7));
        assert_eq!(
            within("18446744073709551615", |text, at, end| uint64(text, at, end, false)),
            Some(u64::MAX)
        );
        assert_eq!(
            within("18446744073709551616", |text, at, end| uint64(text, at, end, false)),
            None
        );
        assert_eq!(int64(b"42", 0, 2, false), Some(42));
    }

    #[test]
    fn floats_are_the_nearest_ones() {
        let float = |text| within(text, |text, at, end| float64(text, at, end, PLAIN));
        for text in [
            "0",
            "0.1",
            "-0.1",
            "1.5",
            "123456.789",
            "0.30000000000000004",
            "1e5",
            "-1.5E-7",
            ".5",
            "5.",
            "1234567890123456",
            "0.000000000000000000001",
            "98765432109876.25",
        ] {
            assert_eq!(float(text), Some(text.parse().unwrap()), "{text}");
        }
        for text in
            ["", ".", "-", "1,5", "1.2.3", "007.5", "1e", "1e400", "0.1234567890123456789", "x"]
        {
            assert_eq!(float(text), None, "{text}");
        }
        let german = NumberFormat { point: ',', thousands: Some('.') };
        let float = |text| within(text, |text, at, end| float64(text, at, end, german));
        assert_eq!(float("1.234,5"), Some(1234.5));
        assert_eq!(float("-12.345.678"), Some(-12_345_678.0));
        assert_eq!(float("12.34"), None);
        assert_eq!(float("7,25"), Some(7.25));
    }

    #[test]
    fn decimals_are_exact() {
        let decimal =
            |text, scale| within(text, |text, at, end| decimal(text, at, end, PLAIN, 38, scale));
        assert_eq!(decimal("1.5", 2), Some(150));
        assert_eq!(decimal("-0.05", 2), Some(-5));
        assert_eq!(decimal("1.500", 1), Some(15));
        assert_eq!(decimal("1.55", 1), None);
        assert_eq!(
            decimal("12345678901234567890.123456789012345678", 18),
            Some(12_345_678_901_234_567_890_123_456_789_012_345_678)
        );
    }

    #[test]
    fn what_a_float_cannot_hold_is_seen() {
        let exact = |text: &str| {
            let number = Number::read(text.as_bytes(), PLAIN).unwrap();
            number.is_exact_as_float(text.as_bytes(), PLAIN)
        };
        for text in ["0.1", "0.30000000000000004", "123456789012345000", "1e300", "0.0", "2.50"] {
            assert!(exact(text), "{text}");
        }
        for text in ["0.1234567890123456789", "1e400", "1e-400", "9007199254740993.5"] {
            assert!(!exact(text), "{text}");
        }
    }
}
