//! Which format of text a file is in: each that has marks of its own is asked, and what is left is delimited.

use crate::format::Format;
use crate::json;

/// `head` is UTF-8, as far as it could be decoded.
pub(super) fn format(head: &[u8]) -> Format {
    if json::looks_like(head) {
        return Format::Json;
    }
    Format::Csv
}

/// XML and HTML begin with a tag, and have one that closes.
pub(super) fn is_markup(head: &[u8]) -> bool {
    let text = head.trim_ascii_start();
    let begins = |word: &str| {
        text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
    };
    let is_tag = || {
        text.first() == Some(&b'<')
            && text.get(1).is_some_and(u8::is_ascii_alphabetic)
            && memchr::memmem::find(text, b"</").is_some()
    };
    begins("<?xml") || begins("<!doctype") || begins("<!--") || is_tag()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_told_by_how_it_begins() {
        for head in ["<?xml version='1.0'?><a/>", "\n<!DOCTYPE html>", "<rows><row>1</row></rows>"]
        {
            assert!(is_markup(head.as_bytes()), "{head}");
        }
        for head in ["<5,<6\n1,2\n", "<a,b\n1,2\n", "a<b></b>"] {
            assert!(!is_markup(head.as_bytes()), "{head}");
        }
        assert_eq!(format(b"{\"a\":1}\n{\"a\":2}\n"), Format::Json);
        assert_eq!(format(b"[section]\nkey=value\n"), Format::Csv);
        assert_eq!(format(b"{braces},b\n1,2\n"), Format::Csv);
    }
}
