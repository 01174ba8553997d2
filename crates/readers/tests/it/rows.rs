//! Files of any format as lines of text.

use crate::reading::input;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use readers::{Decision, Pins, ReadError, Reading, Settings, open};

#[derive(Debug)]
pub struct Rows {
    pub decision: Decision,
    /// Cells joined by `|`; no value is `∅`.
    pub rows: Vec<String>,
    pub refused: Vec<String>,
    pub error: Option<ReadError>,
}

impl Rows {
    pub fn columns(&self) -> String {
        let columns = self.decision.columns.iter();
        columns
            .map(|column| format!("{} {}", column.name, column.type_name()))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

#[track_caller]
pub fn rows(bytes: &[u8], pins: &str) -> Rows {
    rows_with(bytes, pins, &Settings::default())
}

#[track_caller]
pub fn rows_with(bytes: &[u8], pins: &str, settings: &Settings) -> Rows {
    of(open(&input(bytes), &Pins::parse(pins).unwrap(), settings).unwrap())
}

#[track_caller]
pub fn error(bytes: &[u8], pins: &str) -> String {
    match open(&input(bytes), &Pins::parse(pins).unwrap(), &Settings::default()) {
        Ok(_) => panic!("it is read"),
        Err(error) => error.to_string(),
    }
}

fn of(reading: Reading) -> Rows {
    let mut all = Rows {
        decision: reading.decision.clone(),
        rows: Vec::new(),
        refused: Vec::new(),
        error: None,
    };
    let options = FormatOptions::default().with_null("∅");
    let mut numbers: Vec<u64> = Vec::new();
    for block in reading {
        let block = match block {
            Ok(block) => block,
            Err(error) => {
                all.error = Some(error);
                continue;
            }
        };
        numbers.extend(&block.numbers);
        let columns: Vec<_> = block
            .rows
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
            .collect();
        for row in 0..block.rows.num_rows() {
            let cells: Vec<String> =
                columns.iter().map(|column| column.value(row).to_string()).collect();
            all.rows.push(cells.join("|"));
        }
        all.refused.extend(
            block.rejects.iter().map(|reject| format!("{}: {}", reject.row, reject.reason)),
        );
    }
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    all
}
