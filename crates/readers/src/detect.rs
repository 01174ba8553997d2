//! What a file is, by its content: its name says nothing.

use crate::arrow;
use crate::error::ReadError;
use crate::format::Format;
use crate::json;

/// What is looked at.
pub(crate) const HEAD_BYTES: usize = 64 << 10;

/// What begins so is no table, and what can be done about it.
const OTHERS: [(&[u8], &str); 18] = [
    (b"PK\x03\x04", "a zip archive or a workbook (xlsx, xlsb, ods); workbooks are not read yet: save the sheet as CSV; unpack an archive and give its members"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Office document (xls, doc); it is not read yet: save the sheet as CSV"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it and give its members"),
    (b"Rar!\x1a\x07", "a rar archive; unpack it and give its members"),
    (b"%PDF-", "a PDF document; a Python plugin can read it"),
    (b"SQLite format 3\0", "an SQLite database; a Python plugin can read it"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\0", "a program"),
    (b"\x89PNG\r\n", "a picture (PNG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"\x89HDF\r\n", "an HDF5 file; a Python plugin can read it"),
    (b"ORC", "an ORC file; a Python plugin can read it"),
    (b"ElfFile\0", "a Windows event log (evtx); a Python plugin can read it"),
    (b"\xd4\xc3\xb2\xa1", "a packet capture (pcap); a Python plugin can read it"),
    (b"\n\r\r\n", "a packet capture (pcapng); a Python plugin can read it"),
    (b"\x80\x02", "pickled Python objects; they are not read, for that would run them"),
];

/// `head`: the beginning of the unpacked file.
pub(crate) fn detect(head: &[u8]) -> Result<Format, ReadError> {
    if head.starts_with(b"PAR1") {
        return Ok(Format::Parquet);
    }
    if head.starts_with(b"Obj\x01") {
        return Ok(Format::Avro);
    }
    if arrow::is_file(head) || arrow::is_stream(head) {
        return Ok(Format::Arrow);
    }
    if let Some((_, what)) = OTHERS.iter().find(|(magic, _)| is_so(head, magic)) {
        return Err(ReadError::NotReadable(format!("this is {what}")));
    }
    if is_tar(head) {
        let text = "this is a tar archive; unpack it and give its members";
        return Err(ReadError::NotReadable(text.to_owned()));
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    if is_xml(text) {
        let text = "this is XML or HTML, which is not read yet; a Python plugin can read it";
        return Err(ReadError::NotReadable(text.to_owned()));
    }
    if json::looks_like(&plain(text)) {
        return Ok(Format::Json);
    }
    Ok(Format::Csv)
}

/// A text may begin with the letters of a short mark: then it goes on as text.
fn is_so(head: &[u8], magic: &[u8]) -> bool {
    head.starts_with(magic) && (!magic.is_ascii() || magic.len() > 4 || head.iter().take(512).any(|byte| *byte == 0 || *byte >= 0x80))
}

fn is_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

fn is_xml(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let begins = |word: &str| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()));
    begins("<?xml") || begins("<!doctype") || begins("<html") || begins("<!--") || (text.first() == Some(&b'<') && text.get(1).is_some_and(u8::is_ascii_alphabetic) && memchr::memmem::find(text, b"</").is_some())
}

/// UTF-16 as if it were ASCII: enough to see what it begins with.
fn plain(text: &[u8]) -> Vec<u8> {
    let is_wide = text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") || text.iter().take(64).filter(|byte| **byte == 0).count() > 8;
    if is_wide {
        text.iter().copied().filter(|byte| !matches!(byte, 0 | 0xfe | 0xff)).collect()
    } else {
        text.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_tells_what_it_is() {
        for (head, format) in [
            (&b"PAR1\x15\x04"[..], Format::Parquet),
            (b"Obj\x01\x04", Format::Avro),
            (b"ARROW1\0\0", Format::Arrow),
            (b"{\"a\":1}\n{\"a\":2}\n", Format::Json),
            (b" [1, 2]", Format::Json),
            (b"\xff\xfe{\0\"\0a\0\"\0:\x001\0}\0", Format::Json),
            (b"[section]\nkey=value\n", Format::Csv),
            (b"{braces},b\n1,2\n", Format::Csv),
            (b"ORC,b\n1,2\n", Format::Csv),
            (b"GIF8,b\n1,2\n", Format::Csv),
            (b"a,b\n1,2\n", Format::Csv),
            (b"<5,<6\n1,2\n", Format::Csv),
        ] {
            assert_eq!(detect(head).unwrap(), format, "{:?}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn what_is_no_table_is_called_by_its_name() {
        for (head, expected) in [
            (&b"PK\x03\x04\x14\0"[..], "this is a zip archive or a workbook"),
            (b"%PDF-1.4\n", "this is a PDF document; a Python plugin can read it"),
            (b"GIF89a\0\0\xff", "this is a picture (GIF)"),
            (b"<?xml version='1.0'?><a/>", "this is XML or HTML, which is not read yet"),
            (b"<rows><row>1</row></rows>", "this is XML or HTML, which is not read yet"),
        ] {
            let error = detect(head).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
