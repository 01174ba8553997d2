//! JSON as it is written: strict, one value at a time, without a tree.

/// Deeper values are refused: each level takes stack.
pub(super) const DEPTH_MAX: usize = 128;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// In the text.
    pub at: usize,
    pub column: Option<String>,
    pub reason: String,
    /// The text ends before the value does.
    pub is_cut: bool,
}

pub(super) type Result<T> = std::result::Result<T, Fault>;

/// A place in a text that is valid UTF-8.
#[derive(Debug, Clone)]
pub(super) struct Text<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
}

/// What stands between the quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quoted<'a> {
    pub raw: &'a [u8],
    pub is_escaped: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Number<'a> {
    pub raw: &'a [u8],
    /// Neither point nor exponent.
    pub is_whole: bool,
}

impl<'a> Text<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub fn blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    pub fn fault<T>(&self, reason: impl Into<String>) -> Result<T> {
        let is_cut = self.at >= self.bytes.len();
        Err(Fault { at: self.at, column: None, reason: reason.into(), is_cut })
    }

    /// Something else stands here than is due.
    pub fn unexpected<T>(&self, due: &str) -> Result<T> {
        match self.bytes.get(self.at..).and_then(|rest| {
            str::from_utf8(&rest[..rest.len().min(4)]).ok().and_then(|rest| rest.chars().next())
        }) {
            Some(found) => self.fault(format!("{due} is due, not '{found}'")),
            None if self.at < self.bytes.len() => self.fault(format!("{due} is due")),
            None => self.fault(format!("it ends where {due} is due")),
        }
    }

    /// True: the byte was there, and is passed.
    pub fn take(&mut self, byte: u8) -> bool {
        let is = self.peek() == Some(byte);
        self.at += usize::from(is);
        is
    }

    pub fn literal(&mut self, word: &str) -> Result<()> {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        if word.as_bytes().starts_with(rest) {
            self.at = self.bytes.len();
        }
        self.unexpected("a value")
    }

    pub fn string(&mut self) -> Result<Quoted<'a>> {
        if !self.take(b'"') {
            return self.unexpected("a name in double quotes");
        }
        let start = self.at;
        let mut is_escaped = false;
        loop {
            self.at += plain_len(&self.bytes[self.at..]);
            match self.peek() {
                Some(b'"') => {
                    let raw = &self.bytes[start..self.at];
                    self.at += 1;
                    return Ok(Quoted { raw, is_escaped });
                }
                Some(b'\\') if self.at + 1 < self.bytes.len() => {
                    is_escaped = true;
                    self.at += 2;
                }
                Some(b'\\') | None => {
                    self.at = self.bytes.len();
                    return self.fault("a string has no end");
                }
                Some(_) => return self.fault("a control character stands in a string unescaped"),
            }
        }
    }

    pub fn number(&mut self) -> Result<Number<'a>> {
        let start = self.at;
        self.take(b'-');
        let first = self.at;
        self.digits()?;
        if self.bytes[first] == b'0' && self.at > first + 1 {
            self.at = first;
            return self.fault("a number begins with 0");
        }
        let mut is_whole = true;
        if self.take(b'.') {
            is_whole = false;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            is_whole = false;
            self.at += 1;
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        Ok(Number { raw: &self.bytes[start..self.at], is_whole })
    }

    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { self.unexpected("a digit") } else { Ok(()) }
    }

    /// Passes an array: `item` is called at the beginning of each value.
    pub fn array(
        &mut self,
        depth: usize,
        mut item: impl FnMut(&mut Self) -> Result<()>,
    ) -> Result<()> {
        self.descend(depth)?;
        self.blanks();
        if self.take(b']') {
            return Ok(());
        }
        loop {
            self.blanks();
            item(self)?;
            self.blanks();
            if self.take(b']') {
                return Ok(());
            }
            if !self.take(b',') {
                return self.unexpected("',' or ']'");
            }
        }
    }

    /// Passes an object: `member` is called with the name, at the beginning of its value.
    pub fn object(
        &mut self,
        depth: usize,
        mut member: impl FnMut(&mut Self, Quoted<'a>) -> Result<()>,
    ) -> Result<()> {
        self.descend(depth)?;
        self.blanks();
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            self.blanks();
            let name = self.string()?;
            self.blanks();
            if !self.take(b':') {
                return self.unexpected("':'");
            }
            self.blanks();
            member(self, name)?;
            self.blanks();
            if self.take(b'}') {
                return Ok(());
            }
            if !self.take(b',') {
                return self.unexpected("',' or '}'");
            }
        }
    }

    fn descend(&mut self, depth: usize) -> Result<()> {
        if depth >= DEPTH_MAX {
            return self.fault(format!("it is nested more than {DEPTH_MAX} deep"));
        }
        self.at += 1;
        Ok(())
    }

    /// Passes a value of any kind, and checks all of it.
    pub fn skip(&mut self, depth: usize) -> Result<()> {
        match self.peek() {
            Some(b'{') => self.object(depth, |text, name| {
                check(text, name)?;
                text.skip(depth + 1)
            }),
            Some(b'[') => self.array(depth, |text| text.skip(depth + 1)),
            Some(b'"') => {
                let quoted = self.string()?;
                check(self, quoted)
            }
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            Some(b'-' | b'0'..=b'9') => self.number().map(drop),
            _ => self.unexpected("a value"),
        }
    }
}

fn check(text: &Text<'_>, quoted: Quoted<'_>) -> Result<()> {
    if !quoted.is_escaped {
        return Ok(());
    }
    unescape(quoted.raw, &mut Vec::new()).or_else(|reason| text.fault(reason))
}

/// Bytes before a quote, a backslash or a control character.
fn plain_len(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let mut at = 0;
    while let Some(chunk) = bytes[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let quote = zero(word ^ (ONES * u64::from(b'"')));
        let backslash = zero(word ^ (ONES * u64::from(b'\\')));
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let found = quote | backslash | control;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = &bytes[at..];
    at + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len())
}

/// Appends what the raw text of a string means.
pub(super) fn unescape(raw: &[u8], out: &mut Vec<u8>) -> std::result::Result<(), &'static str> {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let escape = rest.get(at + 1).copied().ok_or("an escape has no end")?;
        rest = &rest[at + 2..];
        let plain = match escape {
            b'"' | b'\\' | b'/' => escape,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (char, after) = unicode(rest)?;
                out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                rest = after;
                continue;
            }
            _ => return Err("an escape that JSON does not have"),
        };
        out.push(plain);
    }
    out.extend_from_slice(rest);
    Ok(())
}

fn unicode(rest: &[u8]) -> std::result::Result<(char, &[u8]), &'static str> {
    const LONE: &str = "half of a surrogate pair stands alone";
    let (first, rest) = unit(rest)?;
    if let Some(char) = char::from_u32(first) {
        return Ok((char, rest));
    }
    let (second, rest) = rest.strip_prefix(b"\\u").ok_or(LONE).and_then(unit)?;
    if first >= 0xdc00 || !(0xdc00..0xe000).contains(&second) {
        return Err(LONE);
    }
    let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    Ok((char::from_u32(code).ok_or(LONE)?, rest))
}

fn unit(rest: &[u8]) -> std::result::Result<(u32, &[u8]), &'static str> {
    const WRONG: &str = "\\u wants four hexadecimal digits";
    let (digits, rest) = rest.split_at_checked(4).ok_or(WRONG)?;
    let digits = str::from_utf8(digits)
        .ok()
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).ok_or(WRONG)?;
    Ok((code, rest))
}

/// Where the value that begins here ends, by its brackets and quotes alone. None: the text ends first.
pub(super) fn extent(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    let mut depth = 0usize;
    loop {
        match bytes.get(at)? {
            b'"' => at = closing_quote(bytes, at + 1)?,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
            }
            b',' | b' ' | b'\n' | b'\r' | b'\t' if depth == 0 => return Some(at),
            _ if depth == 0 => {
                let rest = &bytes[at..];
                let len = rest.iter().position(|byte| {
                    matches!(
                        byte,
                        b',' | b' ' | b'\n' | b'\r' | b'\t' | b']' | b'}' | b'{' | b'[' | b'"'
                    )
                });
                return len.map(|len| at + len.max(1));
            }
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

fn closing_quote(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skipped(text: &str) -> std::result::Result<usize, String> {
        let mut text = Text::new(text.as_bytes());
        text.skip(0).map(|()| text.at).map_err(|fault| fault.reason)
    }

    #[test]
    fn a_value_is_passed_whole() {
        for text in [
            "{}",
            "[]",
            "[1,-0,2.5e+3]",
            r#"{"a":{"b":[null,true,false,"\u00e9\ud83d\ude00"]}}"#,
            "\"x\"",
            "0",
        ] {
            assert_eq!(skipped(text), Ok(text.len()), "{text}");
            assert_eq!(extent(format!("{text} ").as_bytes(), 0), Some(text.len()), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_reason() {
        for (text, reason) in [
            ("[1,]", "a value is due, not ']'"),
            ("{\"a\":1,}", "a name in double quotes is due, not '}'"),
            ("{a:1}", "a name in double quotes is due, not 'a'"),
            ("[01]", "a number begins with 0"),
            ("[1.]", "a digit is due, not ']'"),
            ("[+1]", "a value is due, not '+'"),
            ("NaN", "a value is due, not 'N'"),
            ("\"a\tb\"", "a control character stands in a string unescaped"),
            ("\"\\x\"", "an escape that JSON does not have"),
            ("\"\\ud800\"", "half of a surrogate pair stands alone"),
            ("\"\\u00g0\"", "\\u wants four hexadecimal digits"),
            ("[1 2]", "',' or ']' is due, not '2'"),
            ("tru", "it ends where a value is due"),
        ] {
            assert_eq!(skipped(text), Err(reason.to_owned()), "{text}");
        }
        let deep = "[".repeat(200);
        assert_eq!(skipped(&deep), Err("it is nested more than 128 deep".to_owned()));
    }

    #[test]
    fn a_cut_value_is_known_as_cut() {
        let whole = r#"{"a": [1.5e3, "x\"\u00e9", null], "b": true}"#;
        for len in 1..whole.len() {
            let mut text = Text::new(&whole.as_bytes()[..len]);
            assert!(text.skip(0).unwrap_err().is_cut, "{len}");
            assert_eq!(extent(&whole.as_bytes()[..len], 0), None, "{len}");
        }
    }
}
