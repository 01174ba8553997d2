//! Zip files: workbooks are some. Told by the names in their directory, which stands at their end.

use super::binary::refusal;
use crate::excel::Kind;
use crate::source::Random;
use parquet::file::reader::{ChunkReader, Length};

pub(super) const MAGIC: &[u8] = b"PK\x03\x04";
pub(super) const EMPTY_MAGIC: &[u8] = b"PK\x05\x06";
const END_LEN: usize = 22;
const COMMENT_MAX: usize = 1 << 16;
const ENTRY_LEN: usize = 46;
/// More of a directory is not looked at.
const DIRECTORY_MAX: usize = 4 << 20;
/// Of one file in a workbook, unpacked.
const PART_BYTES_MAX: u64 = 4 << 30;

pub(super) fn workbook(file: &Random) -> Result<Kind, String> {
    let entries =
        entries(file).ok_or("this is a zip file without its end: it is cut off, fetch it again")?;
    // Some writers leave out the folders.
    let has = |file: &str| {
        entries.iter().any(|(name, _)| {
            name.rsplit('/').next().is_some_and(|name| name.eq_ignore_ascii_case(file))
        })
    };
    let kind = if has("workbook.bin") {
        Some(Kind::Xlsb)
    } else if has("workbook.xml") {
        Some(Kind::Xlsx)
    } else if has("content.xml") && is_spreadsheet(file) {
        Some(Kind::Ods)
    } else {
        None
    };
    let Some(kind) = kind else {
        return Err(other(&entries));
    };
    match entries.iter().find(|(_, bytes)| *bytes > PART_BYTES_MAX) {
        Some((name, bytes)) => Err(format!(
            "this is a workbook whose part {} unpacks to {bytes} bytes: save it as CSV and give that",
            name.escape_debug()
        )),
        None => Ok(kind),
    }
}

fn other(entries: &[(String, u64)]) -> String {
    let has = |path: &str| entries.iter().any(|(name, _)| name.eq_ignore_ascii_case(path));
    if has("word/document.xml") {
        return refusal("a Word document", "save its tables as CSV or in a workbook");
    }
    if has("ppt/presentation.xml") {
        return refusal("a PowerPoint presentation", "save its tables as CSV or in a workbook");
    }
    if has("content.xml") && has("mimetype") {
        return refusal(
            "an OpenDocument file without a spreadsheet",
            "save its tables as CSV or in a workbook",
        );
    }
    if has("META-INF/MANIFEST.MF") {
        return refusal("a Java archive", "there is no table in it to read");
    }
    if has("doc.kml") {
        return refusal("a KMZ file", "unpack it, and give the KML that is in it");
    }
    let names: Vec<String> =
        entries.iter().take(3).map(|(name, _)| name.escape_debug().to_string()).collect();
    let more = if entries.len() > names.len() { " ..." } else { "" };
    let what = match entries.len() {
        0 => "an empty zip archive".to_owned(),
        1 => format!("a zip archive of one file ({})", names.join(", ")),
        len => format!("a zip archive of {len} files ({}{more})", names.join(", ")),
    };
    refusal(&what, "unpack it, and give what is in it")
}

/// The first file says so, as it lies.
fn is_spreadsheet(file: &Random) -> bool {
    let len = usize::try_from(file.len()).unwrap_or(usize::MAX).min(200);
    let head = file.get_bytes(0, len).unwrap_or_default();
    let mime = b"application/vnd.oasis.opendocument.spreadsheet";
    let has_mime = head.windows(8).any(|name| name == b"mimetype");
    !has_mime || head.windows(mime.len()).any(|found| found == mime)
}

/// Names and unpacked bytes.
fn entries(file: &Random) -> Option<Vec<(String, u64)>> {
    let len = usize::try_from(file.len()).ok()?;
    let tail_len = len.min(END_LEN + COMMENT_MAX);
    let tail = file.get_bytes((len - tail_len) as u64, tail_len).ok()?;
    let end = tail.windows(4).rposition(|mark| mark == EMPTY_MAGIC)?;
    let end = tail.get(end..end + END_LEN)?;
    let size = u32::from_le_bytes(end[12..16].try_into().ok()?) as usize;
    let offset = u32::from_le_bytes(end[16..20].try_into().ok()?);
    let directory = file.get_bytes(u64::from(offset), size.min(DIRECTORY_MAX)).ok()?;
    let mut rest = &directory[..];
    let mut entries = Vec::new();
    while let Some(entry) = rest.get(..ENTRY_LEN).filter(|entry| entry.starts_with(b"PK\x01\x02")) {
        let short = |at: usize| usize::from(u16::from_le_bytes([entry[at], entry[at + 1]]));
        let unpacked = u32::from_le_bytes(entry[24..28].try_into().ok()?);
        let Some(name) = rest.get(ENTRY_LEN..ENTRY_LEN + short(28)) else {
            break;
        };
        entries.push((String::from_utf8_lossy(name).replace('\\', "/"), u64::from(unpacked)));
        rest = rest.get(ENTRY_LEN + short(28) + short(30) + short(32)..).unwrap_or_default();
    }
    Some(entries)
}
