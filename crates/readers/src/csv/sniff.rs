//! The dialect of a file, from a sample of it: of all that are possible the one under which records are alike and cells make sense.

use super::dialect::Dialect;
use super::split::{Extent, Record, Records, split};
use crate::pins::Pins;
use crate::table::Cell;
use memchr::memmem;

/// What delimits cells, and how readily it is believed: what stands in texts, times and paths is less so.
const DELIMITERS: [(&[u8], f64); 13] = [
    (b",", 1.0),
    (b"\t", 1.0),
    (b";", 1.0),
    (b"|", 0.97),
    (b"||", 1.5),
    (b"\x01", 1.0),
    (b"\x1f", 1.0),
    (b"^", 0.9),
    (b"~", 0.9),
    (b"::", 0.9),
    (b":", 0.55),
    (b" ", 0.5),
    (b"!", 0.4),
];

/// What a file of one column is worth: less than two columns all through, more than two here and there.
const ONE_COLUMN: f64 = 0.12;
/// Not one exception says more than few of them.
const ALL_ALIKE: f64 = 1.5;
/// Records whose cells are looked at.
const LOOKED_AT_MAX: usize = 300;
const SAMPLE_BYTES_MAX: usize = 96 << 10;

pub(super) fn sniff(text: &[u8], whole: bool, pins: &Pins) -> Dialect {
    let sample = &text[..text.len().min(SAMPLE_BYTES_MAX)];
    let extent = Extent { last: whole && sample.len() == text.len(), ..Extent::default() };
    let comment = is_commented(sample).then_some(b'#');
    let mut records = Records::default();
    let mut best: Option<(f64, Dialect)> = None;
    for (candidate, weight) in candidates(sample) {
        let dialect = Dialect { comment, ..candidate }.pinned(pins);
        if best.as_ref().is_some_and(|(_, known)| *known == dialect) {
            continue;
        }
        records.clear();
        split(sample, &dialect, extent, &mut records);
        let score = weight * score(sample, &dialect, &mut records);
        if best.as_ref().is_none_or(|(known, _)| score > known * 1.0001) {
            best = Some((score, dialect));
        }
    }
    let (_, dialect) = best.unwrap_or_else(|| (0.0, Dialect::new(b",", Some(b'"')).pinned(pins)));
    let mut dialect = with_quotes(dialect, sample, extent, pins);
    if pins.comment.is_none() && comment.is_some() && !has_inner_comments(sample, &dialect, extent)
    {
        dialect.comment = None;
    }
    dialect
}

/// A file has quotes if more cells are quoted than lines are flawed by it.
fn with_quotes(dialect: Dialect, sample: &[u8], extent: Extent, pins: &Pins) -> Dialect {
    if dialect.quote.is_some() || pins.quote.is_some() {
        return dialect;
    }
    let quoted = Dialect { quote: Some(b'"'), ..dialect.clone() };
    let mut records = Records::default();
    split(sample, &quoted, extent, &mut records);
    let cells = records.cells.iter().filter(|cell| cell.is_quoted()).count();
    let flawed = records.records.iter().filter(|record| record.flawed).count();
    if cells > flawed { quoted } else { dialect }
}

/// Lines that begin with `#`, though not most of them.
fn is_commented(sample: &[u8]) -> bool {
    let mut lines = (0_usize, 0_usize);
    for line in sample.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty()) {
        lines = (lines.0 + 1, lines.1 + usize::from(line[0] == b'#'));
    }
    lines.1 > 0 && lines.1 * 2 < lines.0
}

/// Behind the first record there are such lines, and they are no records. Those before it are skipped with all else that stands there.
fn has_inner_comments(sample: &[u8], dialect: &Dialect, extent: Extent) -> bool {
    let plain = Dialect { comment: None, ..dialect.clone() };
    let mut records = Records::default();
    split(sample, &plain, extent, &mut records);
    let begins = |record: &Record| sample.get(record.start) == Some(&b'#');
    let all = &records.records;
    let Some(first) = all.iter().position(|record| !begins(record)) else {
        return false;
    };
    let width = usual_width(all.iter().filter(|record| !begins(record)));
    all[first..].iter().any(|record| begins(record) && record.cells != width)
}

fn candidates(sample: &[u8]) -> Vec<(Dialect, f64)> {
    let has = |sign: &[u8]| memmem::find(sample, sign).is_some();
    let double = has(b"\"");
    let mut quotes = vec![(Some(b'"'), 1.0)];
    if double {
        quotes.push((None, 0.9));
    }
    if has(b"'") {
        quotes.push((Some(b'\''), 0.98));
    }
    let mut all = Vec::new();
    let one = std::iter::once((&b""[..], 1.0));
    for (delimiter, weight) in DELIMITERS.into_iter().filter(|(sign, _)| has(sign)).chain(one) {
        for (quote, trust) in &quotes {
            let dialect = Dialect::new(delimiter, *quote);
            let weight = weight * trust;
            let sign = quote.map(|quote| [b'\\', quote]);
            if sign.is_some_and(|sign| has(&sign)) {
                all.push((Dialect { escape: Some(b'\\'), ..dialect.clone() }, weight * 1.001));
            }
            let blank = quote.map(|quote| [delimiter, b" ", &[quote]].concat());
            if delimiter.len() == 1 && delimiter != b" " && blank.is_some_and(|sign| has(&sign)) {
                all.push((
                    Dialect { blanks_before_quotes: true, ..dialect.clone() },
                    weight * 0.99,
                ));
            }
            all.push((dialect, weight));
        }
    }
    all
}

/// From 0 to 1: how alike records are, times how much sense their cells make.
fn score(sample: &[u8], dialect: &Dialect, records: &mut Records) -> f64 {
    let total = records.records.len();
    if total == 0 {
        return 0.0;
    }
    let flawed = records.records.iter().filter(|record| record.flawed).count();
    let sound = 1.0 - flawed as f64 / total as f64;
    let mut text = sample.to_vec();
    let shown: Vec<Record> = records.records.iter().take(LOOKED_AT_MAX).copied().collect();
    records.settle(&mut text);
    let (mut sense, mut cells) = (0.0, 0.0);
    for record in &shown {
        for cell in records.cells_of(record) {
            sense += cell_sense(&text[cell.start()..cell.end()], *cell, dialect);
            cells += 1.0;
        }
    }
    let sense = if cells == 0.0 { 0.0 } else { sense / cells };
    alike(&records.records) * sense * sense * sound * sound
}

/// The share of records of each width times that of the others that are like each of them: few exceptions cost little, prose much.
fn alike(records: &[Record]) -> f64 {
    let mut widths: Vec<usize> =
        records.iter().filter(|record| !record.flawed).map(|record| record.cells).collect();
    widths.sort_unstable();
    let total = widths.len().max(1) as f64;
    let all_one = widths.last() == Some(&1);
    if all_one {
        return ONE_COLUMN;
    }
    let all_alike = total > 1.0 && widths.first() == widths.last();
    let runs = widths.chunk_by(|a, b| a == b);
    let alike: f64 = runs
        .map(|run| {
            let (width, share) = (run[0] as f64, run.len() as f64 / total);
            let others = if total > 2.0 { (run.len() - 1) as f64 / (total - 1.0) } else { share };
            share * others * (width - 1.0) / width
        })
        .sum();
    if all_alike { alike * ALL_ALIKE } else { alike }
}

/// How much a cell looks like one.
fn cell_sense(text: &[u8], cell: Cell, dialect: &Dialect) -> f64 {
    if cell.is_quoted() {
        return if text.ends_with(b"\\") && dialect.escape.is_none() { 0.5 } else { 1.0 };
    }
    let trimmed = text.trim_ascii();
    let (Some(first), Some(last)) = (trimmed.first(), trimmed.last()) else {
        return 0.9;
    };
    let quote = |byte: &u8| matches!(byte, b'"' | b'\'');
    if quote(first) && (trimmed.len() > 1 && first == last) {
        return 0.1;
    }
    if *first == b'"' || *last == b'"' {
        return 0.3;
    }
    let mut sense: f64 = 1.0;
    for byte in trimmed {
        sense = sense.min(match byte {
            b'\t' | b';' | b'|' | 0x01 | 0x1f => 0.35,
            b',' if dialect.delimiter.is_empty() => 0.5,
            b',' => 0.75,
            b'^' | b'~' => 0.8,
            b'{' | b'}' | b'=' | b'<' | b'>' => 0.7,
            _ => 1.0,
        });
    }
    // `1,5` is a number where the comma does not delimit.
    let number =
        trimmed.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b',' | b'.' | b'-'));
    if number && sense > 0.5 { 0.97 } else { sense }
}

/// The width that most records have; of equally many the larger.
pub(super) fn usual_width<'r>(records: impl Iterator<Item = &'r Record>) -> usize {
    let mut widths: Vec<usize> =
        records.filter(|record| !record.flawed).map(|record| record.cells).collect();
    widths.sort_unstable();
    let runs = widths.chunk_by(|a, b| a == b);
    runs.max_by_key(|run| (run.len(), run[0])).map_or(0, |run| run[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, delimiter: &str, quote: Option<char>) {
        let dialect = sniff(text.as_bytes(), true, &Pins::default());
        let found = (str::from_utf8(&dialect.delimiter).unwrap(), dialect.quote.map(char::from));
        assert_eq!(found, (delimiter, quote), "{text:?}");
    }

    #[test]
    fn delimiters_are_told_by_what_they_leave() {
        check("a,b\n1,2\n3,4\n", ",", Some('"'));
        check("a;b\n1,5;2,5\n3,5;4,5\n", ";", Some('"'));
        check("name\twhen\nx y\t2024-01-31 10:30:00\n", "\t", Some('"'));
        check("when,n\n2024-01-31 10:30:00,1\n2024-01-31 10:31:00,2\n", ",", Some('"'));
        check("a||b\n1||2\n", "||", Some('"'));
        check("a|b\n1|2\n", "|", Some('"'));
        check("a  b   c\n1  2   3\n10 20  30\n", " ", Some('"'));
        check("Smith, John;12;Berlin, Germany\nDoe, Jane;13;Rome, Italy\n", ";", Some('"'));
        check("word\nother\nthird\n", "", Some('"'));
        check("some text, and more\nother text\nand, so, on\n", "", Some('"'));
    }

    #[test]
    fn quotes_and_escapes_are_told_too() {
        check("a,b\n'x,y',1\n'z',2\n", ",", Some('\''));
        check("a,b\n\"x,y\",1\n", ",", Some('"'));
        let text = b"a,b\n\"x \\\"y\\\", z\",1\n\"w\",2\n";
        assert_eq!(sniff(text, true, &Pins::default()).escape, Some(b'\\'));
        let text = b"a,b\n\"C:\\dir\\\",1\n\"D:\\\",2\n";
        assert_eq!(sniff(text, true, &Pins::default()).escape, None);
    }

    #[test]
    fn comments_between_records_are_seen() {
        let comment = |text: &str| sniff(text.as_bytes(), true, &Pins::default()).comment;
        assert_eq!(comment("a,b\n1,2\n# half\n3,4\n5,6\n"), Some(b'#'));
        assert_eq!(comment("# title\na,b\n1,2\n3,4\n"), None);
        assert_eq!(comment("a,b\n1,2\n#3,4\n5,6\n"), None);
    }
}
