//! The payload of a QUARANTINE: a topic, and rows of the input that the guest could not read for it. None of it is trusted: places must be
//! numbers that can be stored, and texts are cut.

use crate::contract::Reject;
use serde::Deserialize;

/// Rows that one frame may bring.
const ROWS_MAX: usize = 50_000;
/// In bytes.
const RECORD_LEN_MAX: usize = 64 << 10;
/// Of a column's name and of a reason, in bytes.
const WORD_LEN_MAX: usize = 1_000;
const CUT: &str = "...";

#[derive(Debug, PartialEq, Eq)]
pub struct Rejects {
    pub topic: String,
    pub rows: Vec<Reject>,
}

#[derive(Deserialize)]
struct Payload {
    topic: String,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    row: u64,
    line: Option<u64>,
    offset: Option<u64>,
    column: Option<String>,
    reason: String,
    record: Option<String>,
}

impl Rejects {
    /// What is wrong reads after "the process of plugin x ...".
    pub fn parse(payload: &[u8]) -> Result<Self, String> {
        let payload = serde_json::from_slice::<Payload>(payload);
        let payload = payload.map_err(|error| format!("sent rejected rows that are none: {error}"));
        let Payload { topic, rows } = payload?;
        if rows.len() > ROWS_MAX {
            let count = rows.len();
            return Err(format!(
                "sent {count} rejected rows at once; at most {ROWS_MAX} are taken"
            ));
        }
        let rows = rows.into_iter().map(reject).collect::<Option<_>>();
        let rows = rows.ok_or("sent a rejected row whose place is no place in a file")?;
        Ok(Self { topic, rows })
    }
}

/// None: rows and lines count from 1, and no file is longer than a signed number can say.
fn reject(row: Row) -> Option<Reject> {
    let place = |number: Option<u64>| number.map(i64::try_from).transpose().ok();
    let Row { row, line, offset, column, reason, record } = row;
    if row == 0 || line == Some(0) {
        return None;
    }
    Some(Reject {
        row: i64::try_from(row).ok()?,
        line: place(line)?,
        offset: place(offset)?,
        column: column.map(|text| cut(text, WORD_LEN_MAX)),
        reason: cut(reason, WORD_LEN_MAX),
        record: record.map(|text| cut(text, RECORD_LEN_MAX)),
    })
}

fn cut(mut text: String, len_max: usize) -> String {
    if text.len() > len_max {
        text.truncate(text.floor_char_boundary(len_max - CUT.len()));
        text.push_str(CUT);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(payload: &str) -> String {
        Rejects::parse(payload.as_bytes()).unwrap_err()
    }

    #[test]
    fn what_is_not_known_of_a_row_is_left_out() {
        let payload = r#"{"topic": "t", "rows": [{"row": 7, "reason": "r"},
            {"row": 8, "line": 9, "offset": 0, "column": "c", "reason": "r", "record": "a;b"}]}"#;
        let found = Rejects::parse(payload.as_bytes()).unwrap();
        let bare = Reject {
            row: 7,
            line: None,
            offset: None,
            column: None,
            reason: "r".to_owned(),
            record: None,
        };
        let full = Reject {
            row: 8,
            line: Some(9),
            offset: Some(0),
            column: Some("c".to_owned()),
            record: Some("a;b".to_owned()),
            ..bare.clone()
        };
        assert_eq!(found, Rejects { topic: "t".to_owned(), rows: vec![bare, full] });
    }

    #[test]
    fn what_is_no_rejected_row_is_refused() {
        for payload in
            ["", "[]", "{}", r#"{"topic": "t"}"#, r#"{"topic": "t", "rows": [{"row": 1}]}"#]
        {
            assert!(error(payload).starts_with("sent rejected rows that are none: "), "{payload}");
        }
        let negative = r#"{"topic": "t", "rows": [{"row": -1, "reason": ""}]}"#;
        assert!(error(negative).starts_with("sent rejected rows that are none: "));
        let no_place = "sent a rejected row whose place is no place in a file";
        for row in
            ["\"row\": 0", "\"row\": 1, \"line\": 0", "\"row\": 1, \"offset\": 9223372036854775808"]
        {
            let payload = format!(r#"{{"topic": "t", "rows": [{{"reason": "", {row}}}]}}"#);
            assert_eq!(error(&payload), no_place);
        }
        let rows = vec![r#"{"row":1,"reason":""}"#; ROWS_MAX + 1].join(",");
        let text = "sent 50001 rejected rows at once; at most 50000 are taken";
        assert_eq!(error(&format!(r#"{{"topic": "t", "rows": [{rows}]}}"#)), text);
    }

    #[test]
    fn texts_are_cut_between_characters() {
        let long = "ä".repeat(RECORD_LEN_MAX);
        let payload = serde_json::json!({"topic": "t", "rows": [
            {"row": 1, "reason": long, "column": long, "record": long},
        ]});
        let found = Rejects::parse(payload.to_string().as_bytes()).unwrap().rows.remove(0);
        let (column, record) = (found.column.unwrap(), found.record.unwrap());
        assert!(column.len() <= WORD_LEN_MAX && column.ends_with("ä..."));
        assert!(found.reason.len() <= WORD_LEN_MAX && found.reason.ends_with("ä..."));
        assert!((RECORD_LEN_MAX - 1..=RECORD_LEN_MAX).contains(&record.len()));
    }
}
