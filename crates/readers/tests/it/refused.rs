//! What is no table says what it is.

use crate::rows::error;
use std::io::{Cursor, Write};

fn archive(files: &[&str]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for file in files {
        zip.start_file(*file, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(b"a\n").unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn archives_and_documents_are_called_by_their_names_with_a_cure() {
    assert_eq!(
        error(&archive(&["a.csv", "b/c.csv"]), ""),
        "this is a zip archive of 2 files (a.csv, b/c.csv), which is not read as a table: unpack it, and give what is in it"
    );
    assert_eq!(
        error(&archive(&["[Content_Types].xml", "word/document.xml"]), ""),
        "this is a Word document, which is not read as a table: save its tables as CSV or in a workbook"
    );
    assert_eq!(
        error(b"7z\xbc\xaf\x27\x1c\0\x04", ""),
        "this is a 7z archive, which is not read as a table: unpack it, and give what is in it"
    );
    assert_eq!(
        error(b"SQLite format 3\0\x10\0\x01\x01", ""),
        "this is an SQLite database, which is not read as a table: export its tables as CSV or Parquet"
    );
    assert_eq!(
        error(b"\x01\x02\x03\x04\x05\x06\x07\x08\x0e\x0f", ""),
        "this is binary data of a format that is not known (it begins with 01 02 03 04 05 06 07 08), which is not read as a table: \
         a Python plugin can read it; READER format= takes it for text"
    );
    assert_eq!(error(b"", ""), "the file is empty");
}

#[test]
fn a_packed_file_within_a_packed_one_says_so() {
    let (_, once) = crate::samples::packed(b"a,b\n1,2\n")[0].clone();
    let (_, twice) = crate::samples::packed(&once)[0].clone();
    assert_eq!(
        error(&twice, ""),
        "this is a gzip file within another packed one, which is not read as a table: unpack it once"
    );
}
