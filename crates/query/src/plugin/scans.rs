//! How often one statement reads the file, which columns it wants of it, and who tells the refused rows.

use super::positions::project;
use super::runner::{Publish, Published};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use datafusion::error::DataFusionError;
use readers::{Input, Pins, ReadError, Reading, Settings};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The scans of one statement over one file. Each row that cannot be read is told once, however often the statement names `file`, and
/// every scan refuses the same rows: those that misfit in a column that any of them wants.
pub(super) struct Scans {
    pub statement: usize,
    pub input: Input,
    pub pins: Pins,
    pub settings: Settings,
    /// All columns of the file.
    pub columns: SchemaRef,
    pub publish: Publish,
    state: Mutex<State>,
}

struct State {
    wanted: BTreeSet<String>,
    /// Opened to see the columns; serves the first scan if that wants all of them.
    opened: Option<Reading>,
    begun: bool,
}

impl std::fmt::Debug for Scans {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scans").field("statement", &self.statement).finish_non_exhaustive()
    }
}

impl Scans {
    pub fn new(
        statement: usize,
        (input, pins, settings): (&Input, &Pins, &Settings),
        opened: Reading,
        publish: Publish,
    ) -> Self {
        let columns = opened.schema.clone();
        let state = State { wanted: BTreeSet::new(), opened: Some(opened), begun: false };
        let (input, pins, settings) = (input.clone(), pins.clone(), settings.clone());
        Self { statement, input, pins, settings, columns, publish, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// While the statement is planned: one of its scans wants these.
    pub fn want(&self, schema: &SchemaRef) {
        let names = schema.fields().iter().map(|field| field.name().clone());
        let of_file = names.filter(|name| self.columns.index_of(name).is_ok());
        self.state().wanted.extend(of_file);
    }

    /// When it runs: rows with the columns of this scan.
    pub fn begin(self: &Arc<Self>, wanted: SchemaRef) -> Result<ScanRows, ReadError> {
        let (opened, columns, tells) = {
            let mut state = self.state();
            let tells = !std::mem::replace(&mut state.begun, true);
            (state.opened.take(), self.columns_of(&state.wanted), tells)
        };
        let reading = match opened {
            Some(opened) if columns.is_none() => opened,
            opened => {
                drop(opened);
                let settings = Settings { columns, ..self.settings.clone() };
                readers::open(&self.input, &self.pins, &settings)?
            }
        };
        Ok(ScanRows { scans: self.clone(), wanted, reading, tells })
    }

    /// None: all. A row has to have a column to be seen at all.
    fn columns_of(&self, wanted: &BTreeSet<String>) -> Option<Vec<String>> {
        if wanted.len() == self.columns.fields().len() {
            return None;
        }
        if wanted.is_empty() {
            return self.columns.fields().first().map(|first| vec![first.name().clone()]);
        }
        Some(wanted.iter().cloned().collect())
    }
}

/// The rows of one scan. What cannot be read is published on the way.
pub(super) struct ScanRows {
    scans: Arc<Scans>,
    wanted: SchemaRef,
    reading: Reading,
    tells: bool,
}

impl ScanRows {
    fn hand_on(&self, block: readers::Block) -> Result<RecordBatch, DataFusionError> {
        let rows = project(&block, &self.wanted)?;
        if self.tells && !block.rejects.is_empty() {
            let mut publish = self.scans.publish.lock().unwrap_or_else(PoisonError::into_inner);
            publish(self.scans.statement, Published::Rejects(block.rejects))
                .map_err(|error| DataFusionError::External(Box::new(error)))?;
        }
        Ok(rows)
    }
}

impl Iterator for ScanRows {
    type Item = Result<RecordBatch, DataFusionError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.reading.next()? {
            Ok(block) => Some(self.hand_on(block)),
            Err(error) => Some(Err(DataFusionError::External(Box::new(error)))),
        }
    }
}
