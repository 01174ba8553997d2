//! A file made of bytes, and what it is read as.

use arrow_array::RecordBatch;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use readers::{Block, Decision, Input, Pins, Reading, Reject, Settings, open};
use std::io::Write;

pub fn input(bytes: &[u8]) -> Input {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Input::new(file).unwrap()
}

pub struct Table {
    pub decision: Decision,
    pub rows: Vec<Vec<String>>,
    pub offsets: Vec<u64>,
    pub numbers: Vec<u64>,
    pub rejects: Vec<Reject>,
}

impl Table {
    /// `a int64, b text`
    pub fn columns(&self) -> String {
        let columns = self.decision.columns.iter();
        columns
            .map(|column| format!("{} {}", column.name, column.type_name()))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Cells joined by `|`; no value is `∅`.
    pub fn shown(&self) -> Vec<String> {
        self.rows.iter().map(|row| row.join("|")).collect()
    }

    /// `2: reason`
    pub fn refused(&self) -> Vec<String> {
        self.rejects.iter().map(|reject| format!("{}: {}", reject.row, reject.reason)).collect()
    }
}

pub fn read(bytes: &[u8], pins: &str, settings: &Settings) -> Table {
    let reading = open(&input(bytes), &Pins::parse(pins).unwrap(), settings).unwrap();
    table(reading)
}

pub fn table(reading: Reading) -> Table {
    let decision = reading.decision.clone();
    let mut table = Table {
        decision,
        rows: Vec::new(),
        offsets: Vec::new(),
        numbers: Vec::new(),
        rejects: Vec::new(),
    };
    for block in reading {
        let Block { rows, numbers, offsets, rejects } = block.unwrap();
        table.rows.extend(texts(&rows));
        table.numbers.extend(numbers);
        table.offsets.extend(offsets.unwrap_or_default());
        table.rejects.extend(rejects);
    }
    table
}

fn texts(rows: &RecordBatch) -> Vec<Vec<String>> {
    let options = FormatOptions::default().with_null("∅");
    let columns: Vec<ArrayFormatter<'_>> = rows
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
        .collect();
    (0..rows.num_rows())
        .map(|row| columns.iter().map(|column| column.value(row).to_string()).collect())
        .collect()
}
