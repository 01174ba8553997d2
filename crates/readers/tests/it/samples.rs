//! One small table in every binary format.

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use std::io::{Cursor, Write};
use std::sync::Arc;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Columns `n` and `t`: `1|one`, `2|∅`.
pub fn batch() -> RecordBatch {
    batch_of(&["n", "t"])
}

pub fn batch_of(names: &[&str; 2]) -> RecordBatch {
    let fields = vec![
        Field::new(names[0], DataType::Int64, true),
        Field::new(names[1], DataType::Utf8, true),
    ];
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![1, 2])),
        Arc::new(StringArray::from(vec![Some("one"), None])),
    ];
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

pub fn parquet(batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

pub fn arrow_file(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = arrow_ipc::writer::FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

pub fn arrow_stream(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

/// A container by hand: each block is one of records of a long and an optional text.
pub fn avro(blocks: &[&[(i64, Option<&str>)]]) -> Vec<u8> {
    let schema = r#"{"type":"record","name":"R","fields":[{"name":"n","type":"long"},{"name":"t","type":["null","string"]}]}"#;
    let mut bytes = b"Obj\x01".to_vec();
    long(1, &mut bytes);
    text("avro.schema", &mut bytes);
    text(schema, &mut bytes);
    long(0, &mut bytes);
    bytes.extend([7; 16]);
    for block in blocks {
        let mut records = Vec::new();
        for (number, word) in *block {
            long(*number, &mut records);
            long(i64::from(word.is_some()), &mut records);
            if let Some(word) = word {
                text(word, &mut records);
            }
        }
        long(block.len() as i64, &mut bytes);
        long(records.len() as i64, &mut bytes);
        bytes.extend(records);
        bytes.extend([7; 16]);
    }
    bytes
}

fn long(number: i64, into: &mut Vec<u8>) {
    let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
    while rest >= 0x80 {
        into.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    into.push(rest as u8);
}

fn text(text: &str, into: &mut Vec<u8>) {
    long(text.len() as i64, into);
    into.extend(text.as_bytes());
}

/// Sheets by name, each with the XML of its rows; styles 1 to 3 are a date, a date with time, and hours beyond a day.
pub fn workbook(sheets: &[(&str, &str)], is_1904: bool) -> Vec<u8> {
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut put = |name: &str, text: String| {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    };
    let mut names = String::new();
    let mut targets =
        format!("<Relationship Id=\"s\" Type=\"{relations}/styles\" Target=\"styles.xml\"/>");
    for (at, (name, rows)) in sheets.iter().enumerate() {
        let id = at + 1;
        names += &format!("<sheet name=\"{name}\" sheetId=\"{id}\" r:id=\"r{id}\"/>");
        targets += &format!(
            "<Relationship Id=\"r{id}\" Type=\"{relations}/worksheet\" Target=\"worksheets/sheet{id}.xml\"/>"
        );
        let sheet =
            format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>");
        put(&format!("xl/worksheets/sheet{id}.xml"), sheet);
    }
    let dates = if is_1904 { "<workbookPr date1904=\"1\"/>" } else { "" };
    put(
        "xl/workbook.xml",
        format!(
            "<workbook xmlns=\"{main}\" xmlns:r=\"{relations}\">{dates}<sheets>{names}</sheets></workbook>"
        ),
    );
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    put(
        "xl/_rels/workbook.xml.rels",
        format!("<Relationships xmlns=\"{package}\">{targets}</Relationships>"),
    );
    let document = format!(
        "<Relationship Id=\"d\" Type=\"{relations}/officeDocument\" Target=\"xl/workbook.xml\"/>"
    );
    put("_rels/.rels", format!("<Relationships xmlns=\"{package}\">{document}</Relationships>"));
    let styles = "<cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"22\"/><xf numFmtId=\"46\"/></cellXfs>";
    put("xl/styles.xml", format!("<styleSheet xmlns=\"{main}\">{styles}</styleSheet>"));
    zip.finish().unwrap().into_inner()
}

/// Rows of cells: `s:text`, `n:1.5`, `d:45443` and so on; `-` is none.
pub fn sheet(rows: &[&[&str]]) -> String {
    let mut xml = String::new();
    for (row, cells) in rows.iter().enumerate().filter(|(_, cells)| !cells.is_empty()) {
        xml += &format!("<row r=\"{}\">", row + 1);
        for (column, cell) in cells.iter().enumerate().filter(|(_, cell)| **cell != "-") {
            let place = format!("{}{}", char::from(b'A' + column as u8), row + 1);
            let (kind, value) = cell.split_once(':').unwrap();
            xml += &match kind {
                "s" => format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{value}</t></is></c>"),
                "b" => format!("<c r=\"{place}\" t=\"b\"><v>{value}</v></c>"),
                "e" => format!("<c r=\"{place}\" t=\"e\"><v>{value}</v></c>"),
                "d" => format!("<c r=\"{place}\" s=\"1\"><v>{value}</v></c>"),
                "t" => format!("<c r=\"{place}\" s=\"2\"><v>{value}</v></c>"),
                "h" => format!("<c r=\"{place}\" s=\"3\"><v>{value}</v></c>"),
                _ => format!("<c r=\"{place}\"><v>{value}</v></c>"),
            };
        }
        xml += "</row>";
    }
    xml
}

pub fn packed(bytes: &[u8]) -> [(&'static str, Vec<u8>); 4] {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(bytes).unwrap();
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
    xz.write_all(bytes).unwrap();
    [
        ("gzip", gzip.finish().unwrap()),
        ("bzip2", bzip2.finish().unwrap()),
        ("xz", xz.finish().unwrap()),
        ("zstd", zstd::encode_all(bytes, 1).unwrap()),
    ]
}
