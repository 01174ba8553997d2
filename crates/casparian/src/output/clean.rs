//! Foreign text on its way to a terminal. A file name may hold anything but a slash: escape sequences, newlines, bytes
//! that are no text. What could move a cursor, change a direction or end a line is shown as `\xNN` or `\u{NNNN}`.

use std::borrow::Cow;
use std::fmt::Write;

pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_harmless) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len() + 8);
    text.chars().for_each(|char| push(&mut cleaned, char));
    Cow::Owned(cleaned)
}

/// Bytes that are no UTF-8 are shown one by one.
pub fn clean_bytes(bytes: &[u8]) -> String {
    let mut cleaned = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|char| push(&mut cleaned, char));
        for byte in chunk.invalid() {
            let _ = write!(cleaned, "\\x{byte:02x}");
        }
    }
    cleaned
}

fn push(cleaned: &mut String, char: char) {
    if is_harmless(char) {
        cleaned.push(char);
    } else if char.is_ascii() {
        let _ = write!(cleaned, "\\x{:02x}", u32::from(char));
    } else {
        let _ = write!(cleaned, "\\u{{{:x}}}", u32::from(char));
    }
}

/// Neither a control character (of ASCII or of the second set) nor one that changes the direction or the lines of a text.
pub(super) fn is_harmless(char: char) -> bool {
    !char.is_control()
        && !matches!(
            char,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_shown_instead() {
        for (name, shown) in [
            (&b"plain name.csv"[..], "plain name.csv"),
            (b"\x1b[2J\x1b]0;x\x07", r"\x1b[2J\x1b]0;x\x07"),
            (b"two\nlines\r\t", r"two\x0alines\x0d\x09"),
            (b"\xff\xfe.csv", r"\xff\xfe.csv"),
            (b"caf\xc3\xa9", "café"),
            (b"caf\xc3", r"caf\xc3"),
            ("\u{202e}gpj.exe".as_bytes(), r"\u{202e}gpj.exe"),
            ("\u{9b}31m".as_bytes(), r"\u{9b}31m"),
            ("日本語".as_bytes(), "日本語"),
            (b"\x7f", r"\x7f"),
        ] {
            assert_eq!(clean_bytes(name), shown);
        }
    }

    #[test]
    fn harmless_text_is_not_copied() {
        assert!(matches!(clean("a b"), Cow::Borrowed("a b")));
        assert_eq!(clean("a\u{1b}b"), r"a\x1bb");
    }
}
