//! The text of a file, piece by piece. UTF-8 is passed on as it is and checked by who splits it; all else is decoded.

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use std::io::{self, Read};

pub(crate) struct TextStream {
    bytes: Box<dyn Read + Send>,
    /// None: UTF-8, or done.
    decoder: Option<Decoder>,
    raw: Vec<u8>,
    /// Bytes were met that say nothing in this encoding; U+FFFD stands for them.
    pub malformed: bool,
}

impl TextStream {
    /// `bytes` begin behind the mark.
    pub(crate) fn new(bytes: Box<dyn Read + Send>, encoding: &'static Encoding) -> Self {
        let decoder = (encoding != UTF_8).then(|| encoding.new_decoder_without_bom_handling());
        Self { bytes, decoder, raw: Vec::new(), malformed: false }
    }

    /// Appends the text of about `len` further bytes; false: there was nothing left.
    pub(crate) fn read(&mut self, text: &mut Vec<u8>, len: usize) -> io::Result<bool> {
        if self.decoder.is_none() {
            return Ok(fill(&mut *self.bytes, text, len)? > 0);
        }
        self.raw.clear();
        let filled = fill(&mut *self.bytes, &mut self.raw, len);
        let Some(decoder) = &mut self.decoder else {
            return Ok(false);
        };
        let before = text.len();
        let last = matches!(filled, Ok(0));
        decode_into(decoder, &self.raw, text, last, &mut self.malformed);
        filled?;
        if last {
            self.decoder = None;
            self.bytes = Box::new(io::empty());
        }
        Ok(!last || text.len() > before)
    }
}

fn fill(bytes: &mut dyn Read, into: &mut Vec<u8>, len: usize) -> io::Result<usize> {
    let before = into.len();
    into.resize(before + len, 0);
    let mut filled = before;
    while filled < into.len() {
        match bytes.read(&mut into[filled..]) {
            Ok(0) => break,
            Ok(len) => filled += len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                into.truncate(filled);
                return Err(error);
            }
        }
    }
    into.truncate(filled);
    Ok(filled - before)
}

fn decode_into(
    decoder: &mut Decoder,
    raw: &[u8],
    text: &mut Vec<u8>,
    last: bool,
    malformed: &mut bool,
) {
    let (mut raw, mut filled) = (raw, text.len());
    loop {
        let room = decoder.max_utf8_buffer_length(raw.len()).unwrap_or(raw.len() * 3 + 16);
        text.resize(filled + room, 0);
        let (result, read, written, bad) = decoder.decode_to_utf8(raw, &mut text[filled..], last);
        *malformed |= bad;
        filled += written;
        raw = &raw[read..];
        if result == CoderResult::InputEmpty {
            break;
        }
    }
    text.truncate(filled);
}

/// A sample as UTF-8; characters that are cut at its ends become U+FFFD.
pub(crate) fn decode(bytes: &[u8], encoding: &'static Encoding) -> Vec<u8> {
    if encoding == UTF_8 {
        return bytes.to_vec();
    }
    let mut text = Vec::new();
    let mut decoder = encoding.new_decoder_without_bom_handling();
    decode_into(&mut decoder, bytes, &mut text, false, &mut false);
    text
}

/// Bytes that the text takes in a file of this encoding.
pub(crate) fn file_len(text: &[u8], encoding: &'static Encoding) -> u64 {
    let letters = || text.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
    let len = if encoding == UTF_8 {
        text.len()
    } else if encoding == UTF_16LE || encoding == UTF_16BE {
        // Four bytes of UTF-8 are two units, all else is one.
        2 * (letters() + text.iter().filter(|byte| **byte >= 0xf0).count())
    } else if encoding.is_single_byte() {
        letters()
    } else {
        encoding.encode(str::from_utf8(text).unwrap_or_default()).0.len()
    };
    len as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{SHIFT_JIS, WINDOWS_1252};

    #[test]
    fn text_comes_out_whole_whatever_the_pieces() {
        let text = "größe,名前,😀\n1,2,3\n";
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (encoding, bytes) in [(UTF_8, text.as_bytes().to_vec()), (UTF_16LE, utf16)] {
            let mut stream = TextStream::new(Box::new(io::Cursor::new(bytes.clone())), encoding);
            let mut out = Vec::new();
            while stream.read(&mut out, 3).unwrap() {}
            assert_eq!(str::from_utf8(&out).unwrap(), text);
            assert!(!stream.malformed);
            assert_eq!(file_len(text.as_bytes(), encoding), bytes.len() as u64);
        }
    }

    #[test]
    fn bytes_are_counted_as_they_stand_in_the_file() {
        assert_eq!(file_len("größe".as_bytes(), WINDOWS_1252), 5);
        assert_eq!(file_len("名前a".as_bytes(), SHIFT_JIS), 5);
        let mut stream = TextStream::new(Box::new(&b"\x81"[..]), SHIFT_JIS);
        while stream.read(&mut Vec::new(), 8).unwrap() {}
        assert!(stream.malformed);
    }
}
