//! The files of older Office: a file system in a file, told by the names in its directory.

use super::binary::refusal;
use crate::source::Random;
use parquet::file::reader::{ChunkReader, Length};

pub(super) const MAGIC: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
const ENTRY_LEN: usize = 128;
/// The directory is read as far as it lies in one piece, and no further than this.
const DIRECTORY_MAX: u64 = 64 << 10;

/// Why it is no workbook. What cannot be told is left to the reader of workbooks.
pub(super) fn refused(file: &Random) -> Option<String> {
    let names = names(file)?;
    let has = |name: &str| names.iter().any(|found| found == name);
    let cure = "save its tables as CSV or in a workbook";
    if has("Workbook") || has("Book") || has("WORKBOOK") || has("BOOK") {
        None
    } else if has("EncryptedPackage") {
        Some(refusal("an encrypted workbook or document", "save it without a password"))
    } else if has("WordDocument") {
        Some(refusal("a Word document", cure))
    } else if has("PowerPoint Document") {
        Some(refusal("a PowerPoint presentation", cure))
    } else if names.iter().any(|name| name.starts_with("__substg1.0_")) {
        Some(refusal("an Outlook message", "a Python plugin with a library for it can read it"))
    } else if names.iter().any(|name| name.starts_with('\u{5}')) && !names.is_empty() {
        Some(refusal("an Office file without a workbook", cure))
    } else {
        None
    }
}

fn names(file: &Random) -> Option<Vec<String>> {
    let header = file.get_bytes(0, 512.min(usize::try_from(file.len()).ok()?)).ok()?;
    let shift = u16::from_le_bytes(header.get(30..32)?.try_into().ok()?);
    let sector = 1_u64.checked_shl(u32::from(shift)).filter(|len| (128..=4096).contains(len))?;
    let first = u64::from(u32::from_le_bytes(header.get(48..52)?.try_into().ok()?));
    let begin = (first + 1) * sector;
    let len = file.len().saturating_sub(begin).min(DIRECTORY_MAX);
    let directory = file.get_bytes(begin, usize::try_from(len).ok()?).ok()?;
    Some(
        directory.chunks_exact(ENTRY_LEN).map_while(name).filter(|name| !name.is_empty()).collect(),
    )
}

/// None behind the directory.
fn name(entry: &[u8]) -> Option<String> {
    let len = usize::from(u16::from_le_bytes([entry[64], entry[65]]));
    if len > 64 || entry[66] > 5 {
        return None;
    }
    let units: Vec<u16> = entry[..len.saturating_sub(2)]
        .chunks_exact(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
        .collect();
    Some(String::from_utf16_lossy(&units))
}
