//! Every format through every packing.

use crate::rows::rows;
use crate::samples::{arrow_file, arrow_stream, avro, batch, packed, parquet, sheet, workbook};

#[test]
fn every_format_is_read_through_every_packing() {
    let sheet = sheet(&[&["s:n", "s:t"], &["n:1", "s:one"], &["n:2", "-"]]);
    let files: [(&str, Vec<u8>); 8] = [
        ("csv", b"n,t\n1,one\n2,\n".to_vec()),
        ("json", br#"[{"n": 1, "t": "one"}, {"n": 2, "t": null}]"#.to_vec()),
        ("ndjson", b"{\"n\": 1, \"t\": \"one\"}\n{\"n\": 2}\n".to_vec()),
        ("parquet", parquet(&batch())),
        ("avro", avro(&[&[(1, Some("one"))], &[(2, None)]])),
        ("arrow", arrow_file(&batch())),
        ("arrow", arrow_stream(&batch())),
        ("excel", workbook(&[("Sheet1", &sheet)], false)),
    ];
    for (format, bytes) in files {
        let plain = rows(&bytes, "");
        assert_eq!(plain.decision.format.name(), format);
        assert_eq!(plain.rows, ["1|one", "2|∅"], "{format}");
        for (packing, packed) in packed(&bytes) {
            let unpacked = rows(&packed, "");
            assert!(unpacked.error.is_none(), "{format} in {packing}: {:?}", unpacked.error);
            assert_eq!(unpacked.rows, plain.rows, "{format} in {packing}");
            assert_eq!(unpacked.columns(), plain.columns(), "{format} in {packing}");
            assert_eq!(unpacked.decision.compression.unwrap().name(), packing);
        }
    }
}

#[test]
fn a_packed_file_that_is_cut_off_gives_its_rows_and_then_says_so() {
    let text: String = (0..100_000).map(|row| format!("{row},{}\n", row * 7919 % 1000)).collect();
    for (packing, bytes) in packed(text.as_bytes()) {
        let cut = rows(&bytes[..bytes.len() / 2], "format=csv header=none");
        assert!(cut.rows.len() > 100, "{packing}: {}", cut.rows.len());
        let error = cut.error.unwrap().to_string();
        assert!(
            error.ends_with(&format!(
                "the {packing} data ends before its end; the file is cut off, fetch it again"
            )),
            "{error}"
        );
    }
}
