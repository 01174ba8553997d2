//! What a column can be, by every cell of it: each kind is possible until a cell excludes it.

use super::moment::MomentFormat;
use super::number::{self, Number, NumberFormat};
use super::words;
use crate::pins::Pins;
use std::sync::LazyLock;

/// Of one column. What is left of it when all cells were seen is decided by `decide`.
#[derive(Debug, Clone)]
pub struct Proof {
    pub(super) numbers: Option<Numbers>,
    pub(super) moments: Option<Moments>,
    pub(super) bools: Option<Bools>,
    /// Cells that say something.
    pub(super) filled: u64,
    pub(super) empty: u64,
    /// Spellings of no value that occurred, and how often.
    pub(super) nulls: Vec<(String, u64)>,
    /// Spellings of NaN: a value among floats, no value among other things.
    pub(super) nans: Vec<(String, u64)>,
    /// What only text can be.
    pub(super) excluder: Option<Excluder>,
    /// Given by READER: these are no value, whatever else the column holds.
    pinned_nulls: Option<Vec<String>>,
}

/// A cell that excluded something.
#[derive(Debug, Clone)]
pub(super) struct Excluder {
    pub text: String,
    pub line: u64,
}

impl Excluder {
    /// `'x' in line 7`; line 0 is somewhere in a sample.
    pub fn shown(&self) -> String {
        match self.line {
            0 => format!("'{}' in a sample", self.text),
            line => format!("'{}' in line {line}", self.text),
        }
    }

    fn new(text: &[u8], line: u64) -> Self {
        let shown: String = String::from_utf8_lossy(text).chars().take(40).collect();
        Self { text: shown, line }
    }
}

/// Every way to write decimals and thousands; what fits the first one is not looked for in others.
pub(super) const NUMBER_FORMATS: [NumberFormat; 12] = [
    NumberFormat { point: '.', thousands: None },
    NumberFormat { point: '.', thousands: Some(',') },
    NumberFormat { point: '.', thousands: Some(' ') },
    NumberFormat { point: '.', thousands: Some('\'') },
    NumberFormat { point: '.', thousands: Some('\u{a0}') },
    NumberFormat { point: '.', thousands: Some('\u{202f}') },
    NumberFormat { point: ',', thousands: None },
    NumberFormat { point: ',', thousands: Some('.') },
    NumberFormat { point: ',', thousands: Some(' ') },
    NumberFormat { point: ',', thousands: Some('\'') },
    NumberFormat { point: ',', thousands: Some('\u{a0}') },
    NumberFormat { point: ',', thousands: Some('\u{202f}') },
];
pub(super) const DOT: usize = 0;
pub(super) const COMMA: usize = 6;
const DOTS: u16 = 0b11_1111;
const COMMAS: u16 = DOTS << COMMA;
const PLAIN: u16 = 1 << DOT | 1 << COMMA;

#[derive(Debug, Clone)]
pub(super) struct Numbers {
    /// Of `NUMBER_FORMATS`.
    pub formats: u16,
    /// Of cells with and without a sign of decimals, if that is the point or the comma.
    pub dot: Digits,
    pub comma: Digits,
    pub plus: bool,
    pub minus: bool,
    pub infinite: bool,
    /// The first cell whose decimal or thousands sign is not the point's.
    pub sign: Option<Excluder>,
}

/// What is known of the digits of a column.
#[derive(Debug, Clone)]
pub(super) struct Digits {
    pub min: i128,
    pub max: i128,
    /// None after a cell with point, exponent, or too many digits.
    pub whole_only: bool,
    pub exponents: bool,
    pub whole_max: u32,
    pub scale_max: u32,
    /// The first cell that a float cannot hold.
    pub inexact: Option<Excluder>,
}

#[derive(Debug, Clone)]
pub(super) struct Bools {
    /// Of `words::PAIRS`.
    pub pairs: u16,
    pub yes: bool,
    pub no: bool,
}

pub(super) static DATES: LazyLock<Vec<MomentFormat>> = LazyLock::new(|| {
    compile(&[
        "%Y-%m-%d",
        "%d-%m-%Y",
        "%m-%d-%Y",
        "%d-%m-%y",
        "%m-%d-%y",
        "%y-%m-%d",
        "%Y/%m/%d",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%d/%m/%y",
        "%m/%d/%y",
        "%y/%m/%d",
        "%Y.%m.%d",
        "%d.%m.%Y",
        "%m.%d.%Y",
        "%d.%m.%y",
        "%m.%d.%y",
        "%y.%m.%d",
        "%d %b %Y",
        "%d-%b-%Y",
        "%d/%b/%Y",
        "%d.%b.%Y",
        "%d. %b %Y",
        "%d %b %y",
        "%d-%b-%y",
        "%d/%b/%y",
        "%b %d, %Y",
        "%b %d %Y",
        "%b-%d-%Y",
        "%b. %d, %Y",
        "%Y-%b-%d",
        "%Y %b %d",
        "%Y/%b/%d",
        "%a, %d %b %Y",
        "%a %d %b %Y",
        "%a, %b %d, %Y",
        "%d%b%Y",
    ])
});
/// Of `DATES`: two digits of a year come first only between hyphens, or where nothing else is possible.
const UNUSUAL: u64 = 1 << 11 | 1 << 17;

/// The formats that are left, without those that nobody writes if others are possible.
pub(super) fn usual(dates: u64) -> u64 {
    if dates & !UNUSUAL == 0 { dates } else { dates & !UNUSUAL }
}

pub(super) static TIMES: LazyLock<Vec<MomentFormat>> = LazyLock::new(|| {
    compile(&["%H:%M:%S%.f", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%I:%M:%S%p", "%I:%M%p"])
});
static ZONE: LazyLock<Vec<MomentFormat>> = LazyLock::new(|| compile(&["%z", " %z"]));

fn compile(specs: &[&str]) -> Vec<MomentFormat> {
    specs.iter().filter_map(|spec| MomentFormat::compile(spec).ok()).collect()
}

/// What stands in each cell of a column of dates or times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MomentShape {
    pub has_date: bool,
    /// Between date and time; None: there are not both.
    pub separator: Option<u8>,
    pub has_time: bool,
    /// Of `ZONE`.
    pub zone: Option<usize>,
}

#[derive(Debug, Clone)]
pub(super) struct Moments {
    /// Of `DATES`; all of them if no cell has a date.
    pub dates: u64,
    /// Of `TIMES`.
    pub times: u8,
    pub shape: Option<MomentShape>,
    /// A fraction of a second has more than six digits.
    pub nanos: bool,
    /// Nanoseconds of all cells fit 64 bits.
    pub nanos_fit: bool,
    /// The first cell of which the order of day and month can be told.
    pub order: Option<Excluder>,
}

impl Proof {
    pub fn new(pins: &Pins) -> Self {
        Self {
            numbers: Some(Numbers::new(pins.decimal)),
            moments: Some(Moments::new()),
            bools: Some(Bools { pairs: (1 << words::PAIRS.len()) - 1, yes: false, no: false }),
            filled: 0,
            empty: 0,
            nulls: Vec::new(),
            nans: Vec::new(),
            excluder: None,
            pinned_nulls: pins.nulls.clone(),
        }
    }

    /// `line` is for the evidence.
    pub fn see(&mut self, cell: &[u8], line: u64) {
        if cell.is_empty() {
            self.empty += 1;
            return;
        }
        if self.excluder.is_some() && self.pinned_nulls.is_none() {
            self.filled += 1;
            return;
        }
        let text = trim(cell);
        if self.sees_null(text) {
            return;
        }
        self.filled += 1;
        if let Some(numbers) = &mut self.numbers
            && !numbers.see(text, line)
        {
            self.numbers = None;
        }
        if let Some(bools) = &mut self.bools
            && !bools.see(text)
        {
            self.bools = None;
        }
        if let Some(moments) = &mut self.moments
            && !moments.see(text, line)
        {
            self.moments = None;
        }
        let text_only = self.numbers.is_none() && self.bools.is_none() && self.moments.is_none();
        if text_only && self.excluder.is_none() {
            self.excluder = Some(Excluder::new(text, line));
        }
    }

    fn sees_null(&mut self, text: &[u8]) -> bool {
        if text.is_empty() {
            self.empty += 1;
            return true;
        }
        let word = match &self.pinned_nulls {
            Some(pinned) => pinned.iter().find(|word| word.as_bytes() == text).map(String::as_str),
            None => words::null(text),
        };
        if let Some(word) = word {
            count(&mut self.nulls, word);
        } else if let Some(word) = words::nan(text) {
            count(&mut self.nans, word);
        } else {
            return false;
        }
        true
    }
}

fn count(words: &mut Vec<(String, u64)>, word: &str) {
    match words.iter_mut().find(|(known, _)| known == word) {
        Some((_, count)) => *count += 1,
        None => words.push((word.to_owned(), 1)),
    }
}

/// Blanks around a number or date do not count.
pub(super) fn trim(cell: &[u8]) -> &[u8] {
    match cell {
        [b' ' | b'\t', ..] | [.., b' ' | b'\t'] => cell.trim_ascii(),
        _ => cell,
    }
}

impl Numbers {
    fn new(point: Option<char>) -> Self {
        let formats = match point {
            Some('.') => DOTS,
            Some(_) => COMMAS,
            None => DOTS | COMMAS,
        };
        Self {
            formats,
            dot: Digits::new(),
            comma: Digits::new(),
            plus: false,
            minus: false,
            infinite: false,
            sign: None,
        }
    }

    /// Whether it can still be a column of numbers.
    fn see(&mut self, text: &[u8], line: u64) -> bool {
        if let Some(value) = plain_int(text) {
            if value.unsigned_abs() >= 1000 {
                self.formats &= PLAIN;
            }
            self.minus |= value < 0;
            let len = (text.len() - usize::from(value < 0)) as u32;
            self.dot.see_whole(i128::from(value), len);
            self.comma.see_whole(i128::from(value), len);
            return self.formats != 0;
        }
        if let Some(special) = number::special_float(text) {
            self.infinite |= special.is_infinite();
            return true;
        }
        if !matches!(text[0], b'0'..=b'9' | b'-' | b'+' | b'.' | b',') {
            return false;
        }
        let dots = self.see_formats(DOT, text, line);
        let commas = self.see_formats(COMMA, text, line);
        if self.formats & 1 != 0 && !dots & 1 != 0 {
            self.sign = Some(Excluder::new(text, line));
        }
        self.formats &= dots | commas;
        self.formats != 0
    }

    /// Those formats with one sign of decimals that still fit.
    fn see_formats(&mut self, first: usize, text: &[u8], line: u64) -> u16 {
        let mut fitting = 0;
        for (at, format) in NUMBER_FORMATS.into_iter().enumerate().skip(first).take(COMMA) {
            if self.formats & 1 << at == 0 {
                continue;
            }
            let Some(number) = Number::read(text, format).filter(|number| !number.leading_zeros)
            else {
                continue;
            };
            if fitting == 0 {
                self.plus |= number.plus;
                self.minus |= number.negative;
                let digits = if first == DOT { &mut self.dot } else { &mut self.comma };
                digits.see(&number, text, format, line);
            }
            fitting |= 1 << at;
            if at == first {
                // Those with thousands fit, too, unless there were some to be separated.
                return if number.whole < 4 { self.formats & DOTS << first } else { fitting };
            }
        }
        fitting
    }
}

/// Up to 18 digits, neither sign but minus nor leading zeros.
fn plain_int(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let plain = digits.len() <= 18 && (digits.len() == text.len() || digits != b"0");
    if plain && digits.first()?.is_ascii_digit() {
        number::int64(text, 0, text.len(), false)
    } else {
        None
    }
}

impl Digits {
    fn new() -> Self {
        Self {
            min: i128::MAX,
            max: i128::MIN,
            whole_only: true,
            exponents: false,
            whole_max: 0,
            scale_max: 0,
            inexact: None,
        }
    }

    fn see_whole(&mut self, value: i128, len: u32) {
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.whole_max = self.whole_max.max(len);
        if len > 15 && self.inexact.is_none() && value as f64 as i128 != value {
            self.inexact = Some(Excluder { text: value.to_string(), line: 0 });
        }
    }

    fn see(&mut self, number: &Number, text: &[u8], format: NumberFormat, line: u64) {
        let minus_zero = number.negative && number.mantissa == Some(0);
        match number.scaled(0).filter(|_| !number.has_point && !minus_zero) {
            Some(value) => {
                self.min = self.min.min(value);
                self.max = self.max.max(value);
            }
            None => self.whole_only = false,
        }
        self.exponents |= number.exponent.is_some();
        self.whole_max = self.whole_max.max(number.whole);
        self.scale_max = self.scale_max.max(number.scale);
        if self.inexact.is_none() && !number.is_exact_as_float(text, format) {
            self.inexact = Some(Excluder::new(text, line));
        }
    }
}

impl Bools {
    fn see(&mut self, text: &[u8]) -> bool {
        if text.len() > 5 || !text[0].is_ascii_alphabetic() {
            return false;
        }
        for (at, (yes, no)) in words::PAIRS.into_iter().enumerate() {
            let (is_yes, is_no) = (yes.as_bytes() == text, no.as_bytes() == text);
            if is_yes || is_no {
                self.pairs &= 1 << at;
                self.yes |= is_yes;
                self.no |= is_no;
                return self.pairs != 0;
            }
        }
        false
    }
}

impl Moments {
    fn new() -> Self {
        Self {
            dates: (1 << DATES.len()) - 1,
            times: (1 << TIMES.len()) - 1,
            shape: None,
            nanos: false,
            nanos_fit: true,
            order: None,
        }
    }

    /// Whether it can still be a column of dates, times or timestamps.
    fn see(&mut self, text: &[u8], line: u64) -> bool {
        let plausible = (4..=45).contains(&text.len()) && text.iter().any(u8::is_ascii_digit);
        if !plausible || !text.iter().any(|byte| !byte.is_ascii_digit()) {
            return false;
        }
        match self.see_date(text, line) {
            Some(rest) => {
                let rest = if rest.is_empty() { Some((None, rest)) } else { separator(rest) };
                rest.is_some_and(|(separator, rest)| self.see_time(rest, true, separator))
            }
            None => self.see_time(text, false, None),
        }
    }

    /// What follows the date.
    fn see_date<'t>(&mut self, text: &'t [u8], line: u64) -> Option<&'t [u8]> {
        let (mut fitting, mut rest) = (0_u64, None);
        for (at, format) in DATES.iter().enumerate() {
            if self.dates & 1 << at == 0 {
                continue;
            }
            if let Some((moment, after)) = format.read_start(text)
                && !after.first().is_some_and(u8::is_ascii_digit)
            {
                fitting |= 1 << at;
                rest = Some(after);
                self.nanos_fit &= moment.unix_nanos().is_some();
            }
        }
        if rest.is_some() {
            if self.order.is_none() && usual(fitting).count_ones() == 1 {
                self.order = Some(Excluder::new(text, line));
            }
            self.dates = fitting;
        }
        rest
    }

    fn see_time(&mut self, text: &[u8], has_date: bool, separator: Option<u8>) -> bool {
        let (mut fitting, mut zone) = (0, None);
        for (at, format) in TIMES.iter().enumerate().filter(|_| !text.is_empty()) {
            if self.times & 1 << at != 0
                && let Some((moment, rest)) = format.read_start(text)
                && let Some(found) = zone_of(rest)
            {
                (fitting, zone) = (fitting | 1 << at, found);
                self.nanos |= !moment.nanos().is_multiple_of(1000);
            }
        }
        let shape = MomentShape { has_date, separator, has_time: fitting != 0, zone };
        if shape.has_time {
            self.times = fitting;
        }
        // A zone alone makes no instant of a time of the day.
        let sound = (shape.has_time || text.is_empty()) && (has_date || zone.is_none());
        sound && *self.shape.get_or_insert(shape) == shape
    }
}

/// What stands between date and time.
fn separator(rest: &[u8]) -> Option<(Option<u8>, &[u8])> {
    match rest {
        [separator @ (b'T' | b' ' | b':' | b't'), rest @ ..] if !rest.is_empty() => {
            Some((Some(*separator), rest))
        }
        _ => None,
    }
}

/// None: what follows the time is no zone; Some(None): nothing follows.
fn zone_of(rest: &[u8]) -> Option<Option<usize>> {
    if rest.is_empty() {
        return Some(None);
    }
    ZONE.iter().position(|zone| zone.read(rest).is_some()).map(Some)
}
