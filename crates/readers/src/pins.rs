//! The value of a READER line: `delimiter=; header=2 types=text encoding=latin1`. What is pinned is not detected.

use crate::format::Format;
use crate::table;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    #[error("'{word}' is no setting: write key=value; known keys: {known}", known = Pins::KEYS.join(", "))]
    NoSetting { word: String },
    #[error("'{key}' is not known; known keys: {known}", known = Pins::KEYS.join(", "))]
    Unknown { key: String },
    #[error("'{key}' is given twice")]
    Twice { key: String },
    #[error("{key}={value}: {wanted}")]
    Value { key: String, value: String, wanted: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pins {
    pub format: Option<Format>,
    pub encoding: Option<String>,
    /// Several characters are one delimiter; `\t`, `tab`, `space`, `none`.
    pub delimiter: Option<String>,
    /// `none`: there are no quotes.
    pub quote: Option<Option<char>>,
    pub escape: Option<Option<char>>,
    pub comment: Option<Option<char>>,
    /// `none` is 0.
    pub header: Option<u64>,
    pub skip: Option<u64>,
    pub footer: Option<u64>,
    /// `columns=a,b,"c d"`: names instead of the header's.
    pub columns: Option<Vec<String>>,
    /// `types=text`: all columns are text.
    pub all_text: bool,
    /// `types=a:text,b:date(%d.%m.%Y)`: types of single columns, as `inspect` prints them.
    pub types: BTreeMap<String, String>,
    /// Spellings of no value, besides the empty cell.
    pub nulls: Option<Vec<String>>,
    /// The sign of decimals: `.` or `,`.
    pub decimal: Option<char>,
    /// `ragged=pad`: short rows are filled up, and long ones keep the rest in further columns; `reject`: they go to quarantine.
    pub ragged_pad: Option<bool>,
    /// JSON: the path of the array whose items are rows, `data.items`, `.` is the whole document; Excel: the sheet, by name or number from 1.
    pub records: Option<String>,
}

impl Pins {
    pub const KEYS: [&str; 15] = [
        "format",
        "encoding",
        "delimiter",
        "quote",
        "escape",
        "comment",
        "header",
        "skip",
        "footer",
        "columns",
        "types",
        "nulls",
        "decimal",
        "ragged",
        "records",
    ];

    pub fn parse(line: &str) -> Result<Self, PinError> {
        let mut pins = Self::default();
        let mut given = Vec::new();
        for word in words(line) {
            let Some((key, value)) = word.split_once('=') else {
                return Err(PinError::NoSetting { word: word.to_owned() });
            };
            if given.contains(&key) {
                return Err(PinError::Twice { key: key.to_owned() });
            }
            given.push(key);
            pins.set(key, value)?;
        }
        Ok(pins)
    }

    fn set(&mut self, key: &str, raw: &str) -> Result<(), PinError> {
        let value = unquoted(raw);
        let wrong = |wanted: &str| PinError::Value {
            key: key.to_owned(),
            value: value.clone(),
            wanted: wanted.to_owned(),
        };
        let number = || value.parse::<u64>().map_err(|_| wrong("give a number of lines"));
        match key {
            "format" => {
                let formats = Format::ALL.map(Format::name).join(", ");
                let found = Format::ALL.into_iter().find(|format| format.name() == value);
                let wanted = format!("formats are {formats}");
                self.format = Some(found.ok_or_else(|| wrong(&wanted))?);
            }
            "encoding" => {
                let known = encoding_rs::Encoding::for_label(value.as_bytes()).is_some();
                let wanted = "there is no such encoding; give utf-8, utf-16le, windows-1252 or another of the WHATWG's";
                self.encoding = Some(known.then(|| value.clone()).ok_or_else(|| wrong(wanted))?);
            }
            "delimiter" => {
                let wanted = "give one or more characters, tab, space or none";
                self.delimiter = Some(delimiter(&value).ok_or_else(|| wrong(wanted))?);
            }
            "quote" => self.quote = Some(sign(&value).map_err(wrong)?),
            "escape" => self.escape = Some(sign(&value).map_err(wrong)?),
            "comment" => self.comment = Some(sign(&value).map_err(wrong)?),
            "header" if value == "none" => self.header = Some(0),
            "header" => self.header = Some(number()?),
            "skip" => self.skip = Some(number()?),
            "footer" => self.footer = Some(number()?),
            "columns" => self.columns = Some(elements(raw).map(unquoted).collect()),
            "types" => self.set_types(raw)?,
            "nulls" => self.nulls = Some(elements(raw).map(unquoted).collect()),
            "decimal" => match value.as_str() {
                "." | "point" => self.decimal = Some('.'),
                "," | "comma" => self.decimal = Some(','),
                _ => return Err(wrong("give . or ,")),
            },
            "ragged" => match value.as_str() {
                "pad" => self.ragged_pad = Some(true),
                "reject" => self.ragged_pad = Some(false),
                _ => return Err(wrong("give pad or reject")),
            },
            "records" => self.records = Some(value),
            _ => return Err(PinError::Unknown { key: key.to_owned() }),
        }
        Ok(())
    }

    fn set_types(&mut self, raw: &str) -> Result<(), PinError> {
        for element in elements(raw) {
            if element == "text" {
                self.all_text = true;
                continue;
            }
            let wrong = |wanted: String| PinError::Value {
                key: "types".to_owned(),
                value: element.to_owned(),
                wanted,
            };
            let colon = split_outside(element, ':').next().map_or(0, str::len);
            if colon == element.len() {
                return Err(wrong("give text for all columns, or column:type".to_owned()));
            }
            let (name, type_name) = (unquoted(&element[..colon]), unquoted(&element[colon + 1..]));
            table::check_type(&type_name).map_err(wrong)?;
            self.types.insert(name, type_name);
        }
        Ok(())
    }

    /// As `parse` reads it back.
    pub fn line(&self) -> String {
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let text = |text: &Option<String>| text.as_deref().map(quoted);
        let list = |list: &[String]| {
            list.iter().map(|element| quoted(element)).collect::<Vec<_>>().join(",")
        };
        let words = [
            ("format", self.format.map(|format| format.name().to_owned())),
            ("encoding", text(&self.encoding)),
            ("delimiter", self.delimiter.as_deref().map(delimiter_word)),
            ("quote", self.quote.map(sign_word)),
            ("escape", self.escape.map(sign_word)),
            ("comment", self.comment.map(sign_word)),
            (
                "header",
                self.header
                    .map(|line| if line == 0 { "none".to_owned() } else { line.to_string() }),
            ),
            ("skip", number(self.skip)),
            ("footer", number(self.footer)),
            ("columns", self.columns.as_deref().map(list)),
            ("types", self.types_word()),
            ("nulls", self.nulls.as_deref().map(list)),
            ("decimal", self.decimal.map(String::from)),
            ("ragged", self.ragged_pad.map(|pad| if pad { "pad" } else { "reject" }.to_owned())),
            ("records", text(&self.records)),
        ];
        let given = words.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", value?)));
        given.collect::<Vec<_>>().join(" ")
    }

    fn types_word(&self) -> Option<String> {
        let all = self.all_text.then(|| "text".to_owned());
        let single = self.types.iter().map(|(name, kind)| {
            let name = if name.contains(':') { quote(name) } else { quoted(name) };
            format!("{name}:{}", quoted(kind))
        });
        let words: Vec<String> = all.into_iter().chain(single).collect();
        (!words.is_empty()).then(|| words.join(","))
    }
}

/// What stands between blanks; blanks between double quotes are part of a word. A single double quote may be a value.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        if rest.is_empty() {
            return None;
        }
        let len = word_len(rest);
        let word;
        (word, rest) = rest.split_at(len);
        Some(word)
    })
}

fn word_len(line: &str) -> usize {
    let blank =
        |len: usize| line[len..].find(char::is_whitespace).map_or(line.len(), |at| len + at);
    let first = blank(0);
    if line[..first].ends_with("=\"") {
        return first;
    }
    let (mut inside, mut escaped) = (false, false);
    for (at, letter) in line.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            _ if letter.is_whitespace() && !inside => return at,
            _ => {}
        }
    }
    line.len()
}

/// Parts between separators that stand neither between double quotes nor in brackets.
fn split_outside(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut inside, mut escaped, mut depth) = (false, false, 0_i32);
    text.split(move |letter| {
        match letter {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            '(' if !inside => depth += 1,
            ')' if !inside => depth -= 1,
            _ => return letter == separator && !inside && depth <= 0,
        }
        false
    })
}

fn elements(list: &str) -> impl Iterator<Item = &str> {
    split_outside(list, ',')
}

fn unquoted(word: &str) -> String {
    let inner = word.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let Some(inner) = inner else {
        return word.to_owned();
    };
    let mut letters = inner.chars();
    let mut text = String::with_capacity(inner.len());
    while let Some(letter) = letters.next() {
        text.push(if letter == '\\' { letters.next().unwrap_or('\\') } else { letter });
    }
    text
}

fn quoted(text: &str) -> String {
    let (mut depth, mut plain) = (0_i32, !text.is_empty());
    for letter in text.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' => plain &= depth > 0,
            _ => plain &= !letter.is_whitespace() && letter != '"',
        }
        plain &= depth >= 0;
    }
    if plain && depth == 0 { text.to_owned() } else { quote(text) }
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

const NAMED_DELIMITERS: [(&str, &str); 6] = [
    ("tab", "\t"),
    ("\\t", "\t"),
    ("space", " "),
    ("none", ""),
    ("\\x01", "\x01"),
    ("\\x1f", "\x1f"),
];

fn delimiter(value: &str) -> Option<String> {
    if let Some((_, sign)) = NAMED_DELIMITERS.iter().find(|(name, _)| *name == value) {
        return Some((*sign).to_owned());
    }
    let sound = !value.is_empty() && !value.contains(['\n', '\r', '"']);
    sound.then(|| value.to_owned())
}

fn delimiter_word(sign: &str) -> String {
    match NAMED_DELIMITERS.iter().find(|(_, known)| *known == sign) {
        Some((name, _)) => (*name).to_owned(),
        None => quoted(sign),
    }
}

/// One character of ASCII; `none` is none.
fn sign(value: &str) -> Result<Option<char>, &'static str> {
    match value {
        "none" => Ok(None),
        "double" => Ok(Some('"')),
        "single" => Ok(Some('\'')),
        "backslash" => Ok(Some('\\')),
        _ => match (value.chars().next(), value.len()) {
            (Some(sign), 1) if !sign.is_ascii_control() => Ok(Some(sign)),
            _ => Err("give one character of ASCII, or none"),
        },
    }
}

fn sign_word(sign: Option<char>) -> String {
    sign.map_or_else(|| "none".to_owned(), String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_is_written() {
        for line in [
            "",
            "delimiter=; header=2 decimal=,",
            "format=csv encoding=latin1 delimiter=tab quote=' escape=\\ comment=# header=none skip=3 footer=1",
            "delimiter=|| quote=\" header=1",
            "columns=a,b,\"c d\",\"e,f\",\"g\\\"\\\\\"",
            "types=text,a:date(%d.%m.%Y),\"b:c\":decimal(38,2),when:\"timestamp(%Y-%m-%d %H:%M)\"",
            "nulls=NA,-,\"\" ragged=pad records=data.items",
        ] {
            let pins = Pins::parse(line).unwrap();
            assert_eq!(Pins::parse(&pins.line()).unwrap(), pins, "{line}");
            assert_eq!(pins.line(), line);
        }
        let pins = Pins::parse("types=a:date(%d.%m.%Y) quote=none delimiter=\\t").unwrap();
        assert_eq!(pins.types["a"], "date(%d.%m.%Y)");
        assert_eq!(pins.quote, Some(None));
        assert_eq!(pins.delimiter.as_deref(), Some("\t"));
    }

    #[test]
    fn what_is_no_setting_says_what_would_be_one() {
        let error = |line: &str| Pins::parse(line).unwrap_err().to_string();
        assert_eq!(
            error("hedaer=1"),
            format!("'hedaer' is not known; known keys: {}", Pins::KEYS.join(", "))
        );
        assert_eq!(error("header=1 header=2"), "'header' is given twice");
        assert_eq!(error("header=first"), "header=first: give a number of lines");
        assert_eq!(error("quote=ab"), "quote=ab: give one character of ASCII, or none");
        assert_eq!(error("types=a"), "types=a: give text for all columns, or column:type");
        assert!(
            error("types=a:int").starts_with("types=a:int: types are text, bool(yes/no), int64")
        );
        assert!(error("csv").starts_with("'csv' is no setting: write key=value"));
        assert!(
            error("encoding=klingon").starts_with("encoding=klingon: there is no such encoding")
        );
        assert_eq!(
            error("format=doc"),
            "format=doc: formats are csv, json, ndjson, excel, parquet, avro, arrow"
        );
    }
}
