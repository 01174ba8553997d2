//! Documents for programs.

use super::clean::{clean_bytes, is_harmless};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// `path`, and `path_b64` where the path is not UTF-8 and `path` therefore only shows it.
pub fn path_fields(path: &[u8]) -> Map<String, Value> {
    let mut fields = Map::new();
    match std::str::from_utf8(path) {
        Ok(text) => drop(fields.insert("path".to_owned(), json!(text))),
        Err(_) => {
            fields.insert("path".to_owned(), json!(clean_bytes(path)));
            fields.insert("path_b64".to_owned(), json!(base64(path)));
        }
    }
    fields
}

/// What a terminal could act on stands in strings only, and may be written as `\uNNNN` there.
pub(super) fn text(document: &Value) -> String {
    let plain = serde_json::to_string_pretty(document).unwrap_or_default();
    if plain.chars().all(|char| char == '\n' || is_harmless(char)) {
        return plain;
    }
    let mut escaped = String::with_capacity(plain.len() + 16);
    for char in plain.chars() {
        if char == '\n' || is_harmless(char) {
            escaped.push(char);
        } else {
            for unit in char.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    escaped
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().chain(&[0, 0]).take(3).fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        for place in 0..4 {
            let sextet = (group >> (18 - 6 * place)) & 63;
            text.push(if place <= chunk.len() { ALPHABET[sextet as usize].into() } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_no_text_is_given_in_base64_too() {
        let fields = path_fields(b"a\xffb");
        assert_eq!(fields["path"], r"a\xffb");
        assert_eq!(fields["path_b64"], "Yf9i");
        assert_eq!(path_fields("é".as_bytes()).len(), 1);
    }

    #[test]
    fn base64_is_the_standard_one() {
        for (bytes, text) in [(&b""[..], ""), (b"f", "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v")] {
            assert_eq!(base64(bytes), text);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
    }

    #[test]
    fn what_a_terminal_acts_on_is_escaped_and_reads_back_the_same() {
        let document = json!({ "path": "a\u{9b}\u{202e}\u{e0001}\n\u{1b}é" });
        let text = text(&document);
        assert!(text.chars().all(|char| char == '\n' || is_harmless(char)), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), document);
    }
}
