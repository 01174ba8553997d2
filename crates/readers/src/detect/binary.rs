//! Kinds of files that are told by their first bytes, and are none of ours.

struct Kind {
    at: usize,
    magic: &'static [u8],
    what: &'static str,
    cure: &'static str,
}

const fn kind(at: usize, magic: &'static [u8], what: &'static str, cure: &'static str) -> Kind {
    Kind { at, magic, what, cure }
}

const UNPACK: &str = "unpack it, and give what is in it";
const NO_TABLE: &str = "there is no table in it to read";
const PLUGIN: &str = "a Python plugin with a library for it can read it";
const AGAIN: &str = "pack it as gzip, zstd, bzip2 or xz, or unpack it";
const EXPORT: &str = "export its tables as CSV or Parquet";

const KINDS: [Kind; 66] = [
    kind(0, b"%PDF-", "a PDF document", PLUGIN),
    kind(0, b"{\\rtf", "an RTF document", PLUGIN),
    kind(0, b"%!PS", "a PostScript document", NO_TABLE),
    kind(0, b"\x89PNG\r\n\x1a\n", "a PNG image", NO_TABLE),
    kind(0, b"\xff\xd8\xff", "a JPEG image", NO_TABLE),
    kind(0, b"GIF87a", "a GIF image", NO_TABLE),
    kind(0, b"GIF89a", "a GIF image", NO_TABLE),
    kind(0, b"II*\0", "a TIFF image", NO_TABLE),
    kind(0, b"MM\0*", "a TIFF image", NO_TABLE),
    kind(8, b"WEBP", "a WebP image", NO_TABLE),
    kind(0, b"\0\0\x01\0", "an icon", NO_TABLE),
    kind(8, b"WAVE", "a WAV recording", NO_TABLE),
    kind(8, b"AVI ", "an AVI film", NO_TABLE),
    kind(4, b"ftyp", "an MP4 film or recording", NO_TABLE),
    kind(0, b"OggS", "an Ogg recording", NO_TABLE),
    kind(0, b"ID3", "an MP3 recording", NO_TABLE),
    kind(0, b"fLaC", "a FLAC recording", NO_TABLE),
    kind(0, b"SQLite format 3\0", "an SQLite database", EXPORT),
    kind(8, b"DUCK", "a DuckDB database", EXPORT),
    kind(4, b"Standard Jet DB", "an Access database", EXPORT),
    kind(4, b"Standard ACE DB", "an Access database", EXPORT),
    kind(0, b"\x7fELF", "an executable", NO_TABLE),
    kind(0, b"\xca\xfe\xba\xbe", "a Java class or an executable", NO_TABLE),
    kind(0, b"\xcf\xfa\xed\xfe", "an executable", NO_TABLE),
    kind(0, b"\0asm", "a WebAssembly module", NO_TABLE),
    kind(0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    kind(0, b"Rar!\x1a\x07", "a RAR archive", UNPACK),
    kind(257, b"ustar", "a tar archive", UNPACK),
    kind(0, b"!<arch>\n", "an ar archive", UNPACK),
    kind(0, b"MSCF\0\0\0\0", "a cabinet archive", UNPACK),
    kind(0, b"\x1f\x8b", "a gzip file within another packed one", "unpack it once"),
    kind(0, b"\x28\xb5\x2f\xfd", "a zstd file within another packed one", "unpack it once"),
    kind(0, b"\xfd7zXZ\0", "an xz file within another packed one", "unpack it once"),
    kind(0, b"\x04\x22\x4d\x18", "packed with lz4", AGAIN),
    kind(0, b"\xff\x06\0\0sNaPpY", "packed with snappy", AGAIN),
    kind(0, b"\x1f\x9d", "packed with compress", AGAIN),
    kind(0, b"LZIP", "packed with lzip", AGAIN),
    kind(0, b"\x5d\0\0\x80\0", "packed with lzma", AGAIN),
    kind(0, b"\x89LZO\0", "packed with lzop", AGAIN),
    kind(0, b"ORC", "an ORC file", "write it as Parquet"),
    kind(0, b"FEA1", "a Feather file of version 1", "write it as Feather version 2 or Parquet"),
    kind(0, b"PARE", "a Parquet file with an encrypted footer", "write it without encryption"),
    kind(0, b"\x89HDF\r\n\x1a\n", "an HDF5 file", PLUGIN),
    kind(0, b"CDF\x01", "a NetCDF file", PLUGIN),
    kind(0, b"CDF\x02", "a NetCDF file", PLUGIN),
    kind(0, b"\x93NUMPY", "a NumPy array", PLUGIN),
    kind(
        0,
        b"\x80\x04\x95",
        "a Python pickle",
        "write it as Parquet; reading a pickle runs what is in it",
    ),
    kind(0, b"RDX2\n", "an R data file", PLUGIN),
    kind(0, b"RDX3\n", "an R data file", PLUGIN),
    kind(0, b"X\n\0\0\0", "an R data file", PLUGIN),
    kind(0, b"<stata_dta>", "a Stata file", PLUGIN),
    kind(0, b"$FL2", "an SPSS file", PLUGIN),
    kind(0, b"$FL3", "an SPSS file", PLUGIN),
    kind(0, b"MATLAB 5.0", "a MATLAB file", PLUGIN),
    kind(0, b"\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60", "a SAS file", PLUGIN),
    kind(0, b"\0\0\x27\x0a", "a shapefile", PLUGIN),
    kind(0, b"\xd4\xc3\xb2\xa1", "a packet capture", PLUGIN),
    kind(0, b"\xa1\xb2\xc3\xd4", "a packet capture", PLUGIN),
    kind(0, b"\x4d\x3c\xb2\xa1", "a packet capture", PLUGIN),
    kind(0, b"\xa1\xb2\x3c\x4d", "a packet capture", PLUGIN),
    kind(0, b"\x0a\x0d\x0d\x0a", "a packet capture", PLUGIN),
    kind(0, b"ElfFile\0", "a Windows event log", PLUGIN),
    kind(0, b"\x09\x02\x06\0", "a worksheet of Excel 3", "save it as xlsx"),
    kind(0, b"\x09\x04\x06\0", "a worksheet of Excel 4", "save it as xlsx"),
    kind(0, b"\x09\0\x04\0", "a worksheet of Excel 2", "save it as xlsx"),
    kind(0, b"wOFF", "a font", NO_TABLE),
];

/// Sentences about what is not read begin alike.
pub(super) fn refusal(what: &str, cure: &str) -> String {
    format!("this is {what}, which is not read as a table: {cure}")
}

pub(super) fn refused(head: &[u8]) -> Option<String> {
    let known = KINDS
        .iter()
        .find(|kind| head.get(kind.at..).is_some_and(|head| head.starts_with(kind.magic)));
    if let Some(kind) = known {
        return Some(refusal(kind.what, kind.cure));
    }
    if is_executable(head) {
        return Some(refusal("an executable", NO_TABLE));
    }
    if is_dbase(head) {
        return Some(refusal("a dBase table", PLUGIN));
    }
    if is_bitmap(head) {
        return Some(refusal("a BMP image", NO_TABLE));
    }
    None
}

fn is_executable(head: &[u8]) -> bool {
    head.starts_with(b"MZ")
        && head.len() > 64
        && head[..64].iter().filter(|byte| **byte == 0).count() > 16
}

fn is_bitmap(head: &[u8]) -> bool {
    head.starts_with(b"BM") && head.get(6..10) == Some(&[0; 4]) && head.get(15..18) == Some(&[0; 3])
}

/// Its version, the day it was written, and where its header ends.
fn is_dbase(head: &[u8]) -> bool {
    let Some(first) = head.get(..32) else {
        return false;
    };
    let end = usize::from(u16::from_le_bytes([first[8], first[9]]));
    let mark = |at: usize| head.get(at) == Some(&0x0d);
    matches!(first[0], 0x02 | 0x03 | 0x30..=0x32 | 0x43 | 0x63 | 0x83 | 0x8b | 0xcb | 0xf5 | 0xfb)
        && (1..=12).contains(&first[2])
        && (1..=31).contains(&first[3])
        && first[12..14] == [0; 2]
        && end > 32
        && (mark(end - 1) || end > 264 && mark(end - 264))
}

/// Neither text in any encoding nor anything known: many bytes below the blank that text does not use. The first ones separate
/// fields here and there, and text that was damaged has some of the others.
pub(super) fn is_binary(text: &[u8]) -> bool {
    let nulls = text.iter().filter(|byte| **byte == 0).count();
    let others = text.iter().filter(|byte| matches!(byte, 4..=8 | 14..=26)).count();
    others * 8 > text.len() || nulls * 3 > text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_table_is_called_by_its_name() {
        assert_eq!(
            refused(b"%PDF-1.7 ...").unwrap(),
            "this is a PDF document, which is not read as a table: a Python plugin with a library for it can read it"
        );
        let mut tar = vec![b'a'; 600];
        tar[257..262].copy_from_slice(b"ustar");
        assert!(refused(&tar).unwrap().starts_with("this is a tar archive"));
        assert_eq!(refused(b"MZ,name\n1,2\n"), None);
        assert_eq!(refused(b"BM,name\n1,2\n"), None);
        assert!(is_binary(b"\x01\x02\x03abc\0\0\0\0\0"));
        assert!(!is_binary(b"8=FIX.4.2\x019=65\x0135=A\x01"));
        assert!(!is_binary("größe,1\n\0,2\n".as_bytes()));
    }
}
