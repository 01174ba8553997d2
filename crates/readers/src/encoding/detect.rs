//! The encoding, by byte order mark, by NULs in every other byte, by being valid UTF-8; what is left is one of the older ones.

use crate::pins::PinError;
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Detected {
    pub encoding: &'static Encoding,
    /// Bytes of the byte order mark.
    pub mark: usize,
    /// What is not certain.
    pub note: Option<String>,
}

/// So few bytes beyond ASCII tell nothing about languages.
const TELLING_BYTES_MIN: usize = 8;

/// As `encoding=` pins it; a mark of the same encoding is skipped.
pub(crate) fn pinned(label: &str, head: &[u8]) -> Result<Detected, PinError> {
    let encoding = Encoding::for_label(label.as_bytes()).ok_or_else(|| PinError::Value {
        key: "encoding".to_owned(),
        value: label.to_owned(),
        wanted: "there is no such encoding".to_owned(),
    })?;
    let mark = Encoding::for_bom(head).filter(|(of_mark, _)| *of_mark == encoding);
    Ok(Detected { encoding, mark: mark.map_or(0, |(_, len)| len), note: None })
}

/// `whole`: the head is all of the file.
pub(crate) fn detect(head: &[u8], whole: bool) -> Detected {
    let certain = |encoding, mark| Detected { encoding, mark, note: None };
    if let Some((encoding, mark)) = Encoding::for_bom(head) {
        return certain(encoding, mark);
    }
    if let Some(encoding) = without_mark(head) {
        return certain(encoding, 0);
    }
    match str::from_utf8(head) {
        Ok(_) => return certain(UTF_8, 0),
        // The head ends within a character.
        Err(error) if error.error_len().is_none() && !whole => return certain(UTF_8, 0),
        Err(_) => {}
    }
    let (letters, invalid) = counts(head);
    if letters > 10 * invalid {
        let note = format!("{invalid} bytes are no UTF-8, which the rest is");
        return Detected { encoding: UTF_8, mark: 0, note: Some(note) };
    }
    let encoding =
        if invalid < TELLING_BYTES_MIN { WINDOWS_1252 } else { by_language(head, whole) };
    let note = format!("no UTF-8; taken for {}", encoding.name().to_lowercase());
    Detected { encoding, mark: 0, note: Some(note) }
}

/// Text of Latin letters in UTF-16 has a NUL in every other byte.
fn without_mark(head: &[u8]) -> Option<&'static Encoding> {
    let sample = &head[..head.len().min(4096) / 2 * 2];
    let (even, odd) = sample.chunks_exact(2).fold((0, 0), |(even, odd), pair| {
        (even + usize::from(pair[0] == 0), odd + usize::from(pair[1] == 0))
    });
    let pairs = sample.len() / 2;
    if pairs < 2 || even.max(odd) * 10 < pairs * 7 || even.min(odd) * 10 > pairs {
        return None;
    }
    Some(if odd > even { UTF_16LE } else { UTF_16BE })
}

/// Characters beyond ASCII that are valid UTF-8, and bytes that are not.
fn counts(head: &[u8]) -> (usize, usize) {
    let chunks = head.utf8_chunks();
    chunks.fold((0, 0), |(letters, invalid), chunk| {
        let found = chunk.valid().chars().filter(|letter| !letter.is_ascii()).count();
        (letters + found, invalid + chunk.invalid().len())
    })
}

fn by_language(head: &[u8], whole: bool) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(head, whole);
    detector.guess(None, Utf8Detection::Deny)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(bytes: &[u8]) -> (&'static str, usize) {
        let detected = detect(bytes, true);
        (detected.encoding.name(), detected.mark)
    }

    #[test]
    fn marks_nuls_and_validity_tell_the_encoding() {
        assert_eq!(name(b"a,b\n"), ("UTF-8", 0));
        assert_eq!(name("\u{feff}a,b\n".as_bytes()), ("UTF-8", 3));
        assert_eq!(name("größe,b\n".as_bytes()), ("UTF-8", 0));
        assert_eq!(name(b"\xff\xfea\0,\0b\0"), ("UTF-16LE", 2));
        assert_eq!(name(b"a\0,\0b\0\n\0"), ("UTF-16LE", 0));
        assert_eq!(name(b"\0a\0,\0b\0\n"), ("UTF-16BE", 0));
        assert_eq!(name(b"gr\xf6\xdfe,b\n"), ("windows-1252", 0));
        let (russian, _, _) =
            encoding_rs::WINDOWS_1251.encode("город,население\nМосква,12\nКазань,1\n");
        assert_eq!(name(&russian), ("windows-1251", 0));
    }

    #[test]
    fn a_few_bad_bytes_do_not_make_it_another_encoding() {
        let bytes = ["größe äöü ÄÖÜ ßßß ".as_bytes(), b"\xff\n"].concat();
        let detected = detect(&bytes, true);
        assert_eq!(detected.encoding.name(), "UTF-8");
        assert_eq!(detected.note.as_deref(), Some("1 bytes are no UTF-8, which the rest is"));
        assert_eq!(detect(b"gr\xc3", false).encoding.name(), "UTF-8");
    }
}
