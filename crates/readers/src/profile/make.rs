//! The profile of a file.

use super::column::{ColumnProfile, Seen};
use super::windows::{pins, windows};
use crate::decision::Decision;
use crate::error::ReadError;
use crate::input::Input;
use crate::open::open;
use crate::pins::Pins;
use crate::reading::{Block, Reading, Reject};
use crate::settings::Settings;
use std::fs::File;

/// Rows and bytes of them that are looked at from the beginning; what is smaller is seen whole.
const ROWS_MAX: u64 = 1 << 20;
const BYTES_MAX: usize = 16 << 20;
/// Rows that could not be read are shown up to here, and counted beyond.
const PROBLEMS_MAX: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowCount {
    Exact(u64),
    /// By the size of the rows that were seen.
    Estimate(u64),
    AtLeast(u64),
}

#[derive(Debug)]
pub struct Profile {
    pub decision: Decision,
    pub rows: RowCount,
    /// Of all rows, or of those in samples.
    pub columns: Vec<ColumnProfile>,
    /// Rows that the columns are told by, where that is not all of the file.
    pub sampled_rows: Option<u64>,
    /// The first ones; those of samples are not told, since it is not certain that a line begins there.
    pub problems: Vec<Reject>,
    pub problem_count: u64,
    /// What ended the reading before the end of the file.
    pub broken: Option<ReadError>,
}

/// `scratch`: a file without a name, for samples; None where there is no place for one.
pub fn profile(
    input: &Input,
    pinned: &Pins,
    settings: &Settings,
    scratch: impl FnOnce() -> Option<File>,
) -> Result<Profile, ReadError> {
    let mut reading = open(input, pinned, settings)?;
    let decision = reading.decision.clone();
    let mut making = Making::new(reading.schema.fields().len());
    let is_whole = making.head(&mut reading)?;
    let from_head = making.rows;
    let end = making.end;
    let estimated = end.filter(|end| *end > 0 && decision.compression.is_none());
    let estimate = estimated.map(|end| {
        (u128::from(making.rows + making.problem_count) * u128::from(input.len()) / u128::from(end))
            as u64
    });
    let rows = match (is_whole, reading.rows, estimate) {
        (true, ..) => RowCount::Exact(making.rows),
        (false, Some(rows), _) => RowCount::Exact(rows),
        (false, None, Some(rows)) => RowCount::Estimate(rows),
        (false, None, None) => RowCount::AtLeast(making.rows),
    };
    drop(reading);
    if !is_whole && let Some(samples) = windows(input, &decision, end.unwrap_or(0), scratch)? {
        making.samples(&samples, &pins(&decision), settings);
    }
    let sampled_rows = (!is_whole).then_some(making.rows.max(from_head));
    Ok(Profile {
        decision,
        rows,
        columns: making.columns.into_iter().map(Seen::finish).collect(),
        sampled_rows,
        problems: making.problems,
        problem_count: making.problem_count,
        broken: making.broken,
    })
}

struct Making {
    columns: Vec<Seen>,
    rows: u64,
    /// Where the last row that was seen begins.
    end: Option<u64>,
    problems: Vec<Reject>,
    problem_count: u64,
    broken: Option<ReadError>,
}

impl Making {
    fn new(columns: usize) -> Self {
        let columns = (0..columns).map(|_| Seen::default()).collect();
        Self { columns, rows: 0, end: None, problems: Vec::new(), problem_count: 0, broken: None }
    }

    /// Whether that was all of the file.
    fn head(&mut self, reading: &mut Reading) -> Result<bool, ReadError> {
        let mut bytes = 0;
        while bytes < BYTES_MAX && self.rows < ROWS_MAX {
            match reading.next() {
                None => return Ok(true),
                Some(Err(error)) => {
                    self.broken = Some(error);
                    return Ok(false);
                }
                Some(Ok(block)) => {
                    bytes += block.rows.get_array_memory_size();
                    self.end = block
                        .offsets
                        .as_ref()
                        .and_then(|offsets| offsets.last().copied())
                        .or(self.end);
                    self.see(&block)?;
                    self.refuse(block.rejects);
                }
            }
        }
        // The last block of a file that fits is not cut short for a row behind it.
        match reading.next() {
            None => Ok(true),
            Some(Err(error)) => {
                self.broken = Some(error);
                Ok(false)
            }
            Some(Ok(_)) => Ok(false),
        }
    }

    fn see(&mut self, block: &Block) -> Result<(), ReadError> {
        self.rows += block.rows.num_rows() as u64;
        self.columns
            .iter_mut()
            .zip(block.rows.columns())
            .try_for_each(|(seen, values)| seen.see(values))
    }

    fn refuse(&mut self, rejects: Vec<Reject>) {
        self.problem_count += rejects.len() as u64;
        let room = PROBLEMS_MAX.saturating_sub(self.problems.len());
        self.problems.extend(rejects.into_iter().take(room));
    }

    /// What cannot be read of samples is left out: a sample may begin within a record.
    fn samples(&mut self, samples: &Input, pins: &Pins, settings: &Settings) {
        let Ok(reading) = open(samples, pins, settings) else {
            return;
        };
        for block in reading.map_while(Result::ok) {
            if block.rows.num_columns() != self.columns.len() || self.see(&block).is_err() {
                return;
            }
        }
    }
}
