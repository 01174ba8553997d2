//! Decimal numbers as PostgreSQL has them on the wire: groups of four digits from the left, and where the point is.

use arrow_buffer::i256;

const NEGATIVE: u16 = 0x4000;
/// Of 256 bits.
const DIGITS_MAX: usize = 78;

/// Digits of a number without its sign, the first one not zero.
struct Digits {
    all: [u8; DIGITS_MAX],
    first: usize,
}

impl Digits {
    fn of(mut value: u128) -> Self {
        let mut digits = Self { all: [0; DIGITS_MAX], first: DIGITS_MAX };
        while value > 0 {
            // Division of 64 bits is many times faster than that of 128.
            let (rest, mut low) = match u64::try_from(value) {
                Ok(low) => (0, low),
                Err(_) => (value / 10_u128.pow(19), (value % 10_u128.pow(19)) as u64),
            };
            let end = digits.first.saturating_sub(19);
            while low > 0 || (rest > 0 && digits.first > end) {
                digits.first -= 1;
                digits.all[digits.first] = (low % 10) as u8;
                low /= 10;
            }
            value = rest;
        }
        digits
    }

    fn of_large(value: i256) -> Self {
        let text = value.to_string();
        let text = text.trim_start_matches('-').trim_start_matches('0').as_bytes();
        let mut digits = Self { all: [0; DIGITS_MAX], first: DIGITS_MAX - text.len() };
        for (to, from) in digits.all[DIGITS_MAX - text.len()..].iter_mut().zip(text) {
            *to = from - b'0';
        }
        digits
    }

    /// The digit that stands `place` places before the point of a number with this scale; negative behind it.
    fn at(&self, place: isize, scale: usize) -> u16 {
        let from_end = place + scale.cast_signed();
        let at = DIGITS_MAX.cast_signed() - 1 - from_end;
        let is_there = from_end >= 0 && at >= self.first.cast_signed();
        if is_there { u16::from(self.all[at.cast_unsigned()]) } else { 0 }
    }

    fn len(&self) -> usize {
        DIGITS_MAX - self.first
    }
}

pub fn push(out: &mut Vec<u8>, value: i128, scale: u8) {
    push_digits(out, &Digits::of(value.unsigned_abs()), value < 0, scale.into());
}

pub fn push_large(out: &mut Vec<u8>, value: i256, scale: u8) {
    match value.to_i128() {
        Some(value) => push(out, value, scale),
        None => push_digits(out, &Digits::of_large(value), value.is_negative(), scale.into()),
    }
}

fn push_digits(out: &mut Vec<u8>, digits: &Digits, is_negative: bool, scale: usize) {
    let integer_len = digits.len().saturating_sub(scale);
    let mut first = integer_len.div_ceil(4).cast_signed() - 1;
    let mut last = -scale.div_ceil(4).cast_signed();
    let group = |number: isize| {
        (0..4).rev().fold(0, |group, place| group * 10 + digits.at(number * 4 + place, scale))
    };
    while first >= last && group(first) == 0 {
        first -= 1;
    }
    while last < first && group(last) == 0 {
        last += 1;
    }
    let groups = if first >= last { first - last + 1 } else { 0 };
    let weight = if groups == 0 { 0 } else { first };
    let sign = if is_negative { NEGATIVE } else { 0 };
    out.extend_from_slice(&(8 + 2 * groups as i32).to_be_bytes());
    out.extend_from_slice(&(groups as i16).to_be_bytes());
    out.extend_from_slice(&(weight as i16).to_be_bytes());
    out.extend_from_slice(&sign.to_be_bytes());
    out.extend_from_slice(&(scale as u16).to_be_bytes());
    for number in (0..groups).map(|at| first - at) {
        out.extend_from_slice(&group(number).to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a server makes of it.
    fn read(bytes: &[u8]) -> String {
        let short = |at: usize| i16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let (groups, weight, scale) = (short(4), short(6), short(10));
        let group = |number: i16| {
            let at = weight - number;
            if (0..groups).contains(&at) { short(12 + 2 * at as usize) } else { 0 }
        };
        let integer: String =
            (0..=weight.max(0)).rev().map(|n| format!("{:04}", group(n))).collect();
        let fraction: String =
            (1..=scale.max(0) / 4 + 1).map(|n| format!("{:04}", group(-n))).collect();
        let integer = integer.trim_start_matches('0');
        let integer = if integer.is_empty() { "0" } else { integer };
        let sign = if short(8) == 0 { "" } else { "-" };
        let point = if scale > 0 { "." } else { "" };
        format!("{sign}{integer}{point}{}", &fraction[..scale as usize])
    }

    #[test]
    fn a_number_is_the_same_on_both_sides() {
        let cases = [
            (0, 0, "0"),
            (0, 3, "0.000"),
            (1, 0, "1"),
            (-5, 2, "-0.05"),
            (12_345_678, 2, "123456.78"),
            (10_000, 0, "10000"),
            (100_000_000, 4, "10000.0000"),
            (1, 38, "0.00000000000000000000000000000000000001"),
            (i128::MAX, 0, "170141183460469231731687303715884105727"),
            (-(10_i128.pow(38) - 1), 19, "-9999999999999999999.9999999999999999999"),
            (10_i128.pow(20), 1, "10000000000000000000.0"),
        ];
        for (value, scale, expected) in cases {
            let (mut out, mut large) = (Vec::new(), Vec::new());
            push(&mut out, value, scale);
            push_digits(
                &mut large,
                &Digits::of_large(i256::from_i128(value)),
                value < 0,
                scale.into(),
            );
            assert_eq!((read(&out), out.len()), (expected.to_owned(), large.len()));
            assert_eq!(out, large, "{expected}");
        }
        let huge = i256::from_parts(u128::MAX, 5);
        let mut out = Vec::new();
        push_large(&mut out, huge, 0);
        assert_eq!(read(&out), huge.to_string());
    }
}
